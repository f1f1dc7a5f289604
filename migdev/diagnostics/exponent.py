"""How many entities does a common shock reach?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from migdev.diagnostics.series import read_series, require_entities
from migdev.errors import IdentificationError, SpecificationError
from migdev.kernels.exponent import dependence_exponent as estimate
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

    def __str__(self) -> str:
        low, high = self.interval()
        return (
            f"Exponent of dependence of {self.name}: {self.alpha:.4f} (se {self.std_error:.4f}), "
            f"95% [{low:.4f}, {high:.4f}]\n{self.sample}; {self.note}"
        )


def dependence_exponent(
    panel: Panel,
    variable: str,
    *,
    factors: int = 4,
    size: float = 0.1,
    standardize: bool = False,
    convention: str = "theory",
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
    :func:`~migdev.diagnostics.cross_section.pesaran_cd`). Dependence is of strength
    :math:`\alpha` for a stationary variable; difference or filter others first.

    Parameters
    ----------
    variable : str
        A column, or an expression such as ``D(np.log(gdp))``.
    factors : int
        Principal components that leave the idiosyncratic parts (xtcse2's ``pca``).
    size : float
        Of the multiple test of zero loadings.
    standardize : bool
        Divide every entity's series by its standard deviation first.

    convention : {"theory", "xtcse2"}
        The standard error takes the variance of the loadings over their squared mean, as in the
        paper's limit, or as it is, as Stata's xtcse2 does: that one depends on the units of the
        variable.

    Raises
    ------
    PanelError
        The panel is not balanced, or has gaps.

    Notes
    -----
    The other conventions are those of xtcse2 on a balanced panel (variances over T - 1 but for
    :math:`\hat\mu_v^2`, autoregressive long-run variance of order :math:`T^{1/3}`). It fills
    unbalanced panels by an EM algorithm, which is not done here.

    References
    ----------
    Bailey, Kapetanios and Pesaran (2016), Journal of Applied Econometrics 31, 929-960. Ditzen
    (2021), Stata Journal 21, 687-707.
    """
    if not 0 < size < 1:
        raise SpecificationError(f"size={size!r}; between 0 and 1.")
    if convention not in ("theory", "xtcse2"):
        raise SpecificationError(f"convention={convention!r}; use 'theory' or 'xtcse2'.")
    s = read_series(panel, variable, gaps="raise")
    X = s.matrix("The exponent of dependence")[:, :, 0]
    N, T = X.shape
    if N < 3 or T < 10:
        raise IdentificationError(
            f"{s.name!r} has {N} entities and {T} periods; the exponent needs 3 and 10."
        )
    if isinstance(factors, bool) or not 1 <= factors < min(N, T):
        raise SpecificationError(f"factors={factors!r}; between 1 and {min(N, T) - 1} here.")
    require_entities(s, np.asarray(np.ptp(X, axis=1) > 0), "refuse", "are constant", "Drop them")
    X = X - X.mean(axis=1, keepdims=True)
    if standardize:
        X = X / X.std(axis=1, ddof=1, keepdims=True)
    mean = X.mean(axis=0)
    if float(mean @ mean) <= 1e-20 * float(np.mean(X**2)) * T:
        raise IdentificationError(
            f"{s.name!r} averages to the same in every period (period effects are out already), so "
            "its average shows no common shock."
        )
    fit = estimate(X, factors, size, convention == "theory")
    return DependenceExponent(
        name=s.name, alpha=fit.alpha, std_error=fit.std_error, raw=fit.raw, adjusted=fit.adjusted,
        selected=fit.selected, sample=s.sample,
        note=f"{factors} components; {fit.selected} of {N} loadings differ from zero at {size:g}",
    )  # fmt: skip
