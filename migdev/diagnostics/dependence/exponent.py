"""How many entities does a common shock reach?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import special

from migdev.diagnostics.series import (
    Series,
    observed_series,
    read_series,
    require_entities,
)
from migdev.errors import IdentificationError, SpecificationError
from migdev.kernels.arrays.types import BoolArray, FloatArray
from migdev.kernels.dependence.exponent import dependence_exponent as estimate
from migdev.kernels.factors.incomplete_factors import incomplete_effects
from migdev.kernels.factors.incomplete_pattern import free_directions, usable_part
from migdev.options import check_choice, renamed
from migdev.panel.panel import Panel


@dataclass(frozen=True, slots=True, kw_only=True)
class DependenceExponent:
    r"""The exponent of dependence between entities.

    Attributes
    ----------
    name : str
    alpha, std_error : float
        The bias-corrected estimate that allows for loadings of any size.
    raw, adjusted : float
        The estimate without corrections, and corrected for idiosyncratic variance only.
    selected : int
        Entities whose loadings differ from zero.
    sample, note : str
    """

    name: str
    alpha: float
    std_error: float
    raw: float
    adjusted: float
    selected: int
    sample: str
    note: str

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Interval of the normal distribution."""
        if not 0 < level < 1:
            raise SpecificationError(f"level={level!r}; between 0 and 1.")
        half = float(special.ndtri((1 + level) / 2)) * self.std_error
        return self.alpha - half, self.alpha + half

    def finding(self, level: float) -> dict[str, Any]:
        """What a pre-test reads: fields of :class:`migdev.study.pretests.Finding`."""
        low, high = self.interval(1 - level)
        return {
            "test": "Exponent of dependence", "statistic": float(self.alpha),
            "sample": self.sample,
            "note": f"{100 * (1 - level):g}% interval {low:.3f} to {high:.3f}; {self.note}",
        }  # fmt: skip

    def __str__(self) -> str:
        low, high = self.interval()
        return (
            f"Exponent of dependence of {self.name}: {self.alpha:.4f} (se {self.std_error:.4f}), "
            f"95% [{low:.4f}, {high:.4f}]\n{self.sample}; {self.note}"
        )


Missing = Literal["raise", "em"]
Convention = Literal["theory", "xtcse2"]


@renamed(size="level")
def dependence_exponent(
    panel: Panel,
    variable: str,
    *,
    factors: int = 4,
    level: float = 0.1,
    standardize: bool = False,
    missing: Missing = "raise",
    convention: Convention = "theory",
) -> DependenceExponent:
    r"""Bailey, Kapetanios and Pesaran's exponent :math:`\alpha`: of N entities, about
    :math:`N^\alpha` load on common factors.

    .. math::
        \mathring\alpha = 1 + \frac{\ln\hat\sigma_{\bar x}^2}{2\ln N}
            - \frac{\hat c_N}{2N\hat\sigma_{\bar x}^2\ln N} - \frac{\ln\hat\mu_v^2}{2\ln N}

    from the variance over time of the cross-section average, less what idiosyncratic parts add to
    it, less the average loading of those entities that load at all. 1 is a factor that reaches
    all; the estimator holds for :math:`\alpha > 1/2`, which is where dependence must be modelled
    (weaker dependence is what CD's null allows: test it first with
    :func:`~migdev.diagnostics.pesaran_cd`). Dependence is of strength
    :math:`\alpha` for a stationary variable; difference or filter others first.

    Parameters
    ----------
    variable : str
        A column, or an expression such as ``D(np.log(gdp))``.
    factors : int
        Principal components that leave the idiosyncratic parts (xtcse2's ``pca``).
    level : float
        Of the multiple test of zero loadings.
    standardize : bool
        Divide every entity's series by its standard deviation first.
    missing : {"raise", "em"}
        What to do with cells of an unbalanced panel that are missing: refuse, or fill them with
        their common components as xtcse2 does, those of the ``factors`` principal components over
        observed cells to which the EM algorithm tends. Filled cells hold no idiosyncratic part,
        so that many of them make dependence look stronger and its standard error too small; their
        share is in the note.
    convention : {"theory", "xtcse2"}
        The standard error takes the variance of the loadings over their squared mean, as in the
        paper's limit, or as it is, as Stata's xtcse2 does: that one depends on the units of the
        variable.

    Raises
    ------
    PanelError
        The panel is not balanced, or has gaps, and ``missing="raise"``: the limits of the
        variance of the average are those of a fixed set of entities. The message names the
        largest balanced part.
    IdentificationError
        Too few entities or periods; with ``missing="em"``, cells that do not tie the components
        together.

    Notes
    -----
    The other conventions are those of xtcse2 on a balanced panel (variances over T - 1 but for
    :math:`\hat\mu_v^2`, autoregressive long-run variance of order :math:`T^{1/3}`).

    References
    ----------
    Bailey, Kapetanios and Pesaran (2016), Journal of Applied Econometrics 31, 929-960. Ditzen
    (2021), Stata Journal 21, 687-707.
    """
    if not 0 < level < 1:
        raise SpecificationError(f"level={level!r}; between 0 and 1.")
    check_choice("convention", convention, Convention)
    check_choice("missing", missing, Missing)
    if missing == "em":
        s = observed_series(panel, variable)
    else:
        s = read_series(panel, variable, gaps="raise")
        s.matrix("The exponent of dependence", "missing='em'")
    X, seen = s.wide()
    N, T = X.shape
    if N < 3 or T < 10:
        raise IdentificationError(
            f"{s.name!r} has {N} entities and {T} periods; the exponent needs 3 and 10."
        )
    if isinstance(factors, bool) or not 1 <= factors < min(N, T):
        raise SpecificationError(f"factors={factors!r}; between 1 and {min(N, T) - 1} here.")
    moves = np.nanmax(X, axis=1) > np.nanmin(X, axis=1)
    require_entities(s, np.asarray(moves), "refuse", "are constant", "Drop them")
    X = X - np.nanmean(X, axis=1, keepdims=True)
    if standardize:
        X = X / np.nanstd(X, axis=1, ddof=1, keepdims=True)
    filled = ""
    if not seen.all():
        X = _filled(s, X, seen, factors)
        filled = f"; {1 - seen.mean():.0%} of cells filled with common components"
    mean = X.mean(axis=0)
    if float(mean @ mean) <= 1e-20 * float(np.mean(X**2)) * T:
        raise IdentificationError(
            f"{s.name!r} averages to the same in every period (period effects are out already), so "
            "its average shows no common shock."
        )
    fit = estimate(X, factors, level, convention == "theory")
    return DependenceExponent(
        name=s.name, alpha=fit.alpha, std_error=fit.std_error, raw=fit.raw, adjusted=fit.adjusted,
        selected=fit.selected, sample=s.sample,
        note=f"{factors} components; {fit.selected} of {N} loadings differ from zero at {level:g}"
        f"{filled}",
    )  # fmt: skip


def _filled(s: Series, X: FloatArray, seen: BoolArray, factors: int) -> FloatArray:
    """(N, T) with common components of observed cells where cells are missing, centred."""
    rows, columns = usable_part(seen, factors, factors)
    loose = not (rows.all() and columns.all()) or free_directions(seen, factors, False, False) > 0
    if loose:
        raise IdentificationError(
            f"{s.name!r}: observed cells overlap too little for {factors} components of entities "
            "and periods, so that missing cells cannot be filled. Use fewer factors."
            + s.balanced_part
        )
    fit = incomplete_effects(X, np.zeros((*X.shape, 0)), seen, factors, max_starts=1)
    if not fit.converged:
        raise IdentificationError(
            f"{s.name!r}: {factors} components of the observed cells have no stable solution, so "
            "that missing cells cannot be filled. Use fewer factors." + s.balanced_part
        )
    X = np.where(seen, X, fit.loadings @ fit.factors.T)
    return np.asarray(X - X.mean(axis=1, keepdims=True))
