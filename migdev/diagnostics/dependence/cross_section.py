"""Dependence between entities: pairwise correlations of a variable or of residuals."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from scipy import special

from migdev.diagnostics.series import Series, observed_series
from migdev.diagnostics.subjects import DEPENDENCE
from migdev.errors import DroppedRowsWarning, IdentificationError, SpecificationError
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.dependence.frees import frees_quantile, frees_statistic, frees_tail
from migdev.kernels.dependence.pairwise import (
    PairwiseCorrelations,
    bias_corrected_cd,
    pairwise_correlations,
    screened_correlations,
    signs_of_series,
    weighted_cd,
)
from migdev.notes import warn
from migdev.options import check_choice
from migdev.panel.panel import Panel
from migdev.results.estimate import Estimate
from migdev.results.panel_test import PanelTest
from migdev.results.sizes import with_size

_NULL = "entities are uncorrelated"

Statistic = Literal[
    "CD", "CDw", "CDw+", "CD*", "LM", "scaled LM", "bias-corrected LM", "Friedman", "Frees"
]  # fmt: skip


def pesaran_cd(source: Panel | Estimate, variable: str | None = None) -> PanelTest:
    r"""Pesaran's CD test.

    .. math:: CD = \sqrt{\tfrac{2}{N(N-1)}}\textstyle\sum_{i<j}\sqrt{T_{ij}}\,\hat\rho_{ij}
              \to N(0,1)

    over the periods that a pair shares; pairs that share fewer than two are left out and reported.
    Its implicit null is weak dependence. On residuals of a model with period effects or
    cross-section averages CD is biased; see Juodis and Reese (2022).

    Parameters
    ----------
    source : Panel or Estimate
        A panel with ``variable``, or an estimate, whose residuals are tested.
    variable : str, optional
        A column, or an expression such as ``np.log(gdp)``.

    References
    ----------
    Pesaran (2015), Econometric Reviews 34, 1089-1117. Pesaran (2021), Empirical Economics 60,
    13-50. Juodis and Reese (2022), Journal of Business and Economic Statistics 40, 1191-1203.
    """
    return cross_section_dependence(source, variable, statistic="CD")


def cross_section_dependence(
    source: Panel | Estimate,
    variable: str | None = None,
    *,
    statistic: Statistic = "CD",
    factors: int = 1,
    draws: int = 30,
    seed: int = 0,
) -> PanelTest:
    r"""Tests of dependence between entities from pairwise correlations.

    .. math::
        LM &= \textstyle\sum_{i<j}T_{ij}\hat\rho_{ij}^2 \sim \chi^2(M), \qquad
        LM_s = (2M)^{-1/2}\textstyle\sum_{i<j}(T_{ij}\hat\rho_{ij}^2 - 1) \to N(0,1), \\
        LM_{BC} &= LM_s - \frac{N}{2(T-1)}, \qquad
        FR = (T-1)\{(N-1)\bar r_s + 1\} \sim \chi^2(T-1), \\
        FRE &= N\{\overline{r_s^2} - (T-1)^{-1}\} \to Q, \qquad
        CD_{w+} = CD_w + \textstyle\sum_{i<j}|\hat\rho_{ij}|
            1(|\hat\rho_{ij}| > 2\sqrt{\ln N/T_{ij}})

    CDw gives every entity a random sign and CD* corrects for estimated factors, so that both are
    standard normal on residuals of models with period effects, cross-section averages or factors,
    where CD is not; CDw+ adds the correlations that stand out, which are none under the null, and
    gains power. M counts pairs, :math:`\bar r_s` and :math:`\overline{r_s^2}` average rank
    correlations and their squares. Unlike CD and Friedman's test, Frees' does not let positive and
    negative correlations cancel; Q weighs two chi-squared variables, whose distribution is
    integrated exactly (xtcsd has simulated critical values up to T = 30, a normal beyond).

    Parameters
    ----------
    source, variable
        As in :func:`pesaran_cd`.
    statistic : str
        "CD", "CDw", "CDw+", "CD*", "LM", "scaled LM", "bias-corrected LM", "Friedman" or "Frees".
        LM (Breusch and Pagan) wants T much larger than N; its scaled form both large; the
        bias-corrected form holds for within residuals of a balanced panel (Baltagi, Feng and Kao);
        the rank tests of Friedman and Frees and CD* want a balanced panel: ranks over the periods
        of one pair and of another are not those of one set, on which their null distributions
        stand. For the LM test that
        corrects for each entity's regressors see
        :func:`~migdev.diagnostics.bias_adjusted_lm`.
    factors : int
        Principal components that CD* takes out.
    draws, seed : int
        Random signs of CDw and CDw+, and where they start. The signs of an entity follow from the
        seed and its own series, so that order, names and units do not matter.

    Returns
    -------
    PanelTest
        ``detail`` holds ``mean_correlation``, ``mean_absolute_correlation`` and ``pairs``.

    References
    ----------
    Breusch and Pagan (1980), Review of Economic Studies 47, 239-253. Baltagi, Feng and Kao (2012),
    Journal of Econometrics 170, 164-177. Friedman (1937), Journal of the American Statistical
    Association 32, 675-701. Frees (1995), Journal of Econometrics 69, 393-414. Fan, Liao and Yao
    (2015), Econometrica 83, 1497-1541. Juodis and Reese (2022), Journal of Business and Economic
    Statistics 40, 1191-1203. Pesaran and Xie (2021), A bias-corrected CD test for error
    cross-sectional dependence in panel data models with latent factors, working paper.
    """
    if factors < 1 or draws < 1:
        raise SpecificationError(f"factors={factors}, draws={draws}; at least 1.")
    check_choice("statistic", statistic, Statistic)
    s = _values(source, variable)
    name, values, entity, time = s.name, s.y, s.entity, s.time
    if statistic in ("Friedman", "Frees"):
        values = _ranks(s, "A rank test")
    pairs = pairwise_correlations(values, entity, time)
    _report(name, pairs)
    r, T = pairs.rho, pairs.shared
    # Entities without any pair (constant ones) take no part.
    M, N = len(r), len(np.unique([pairs.first, pairs.second]))
    squares = float(np.sum(T * r**2))
    detail: dict[str, Any] = {
        "mean_correlation": float(r.mean()), "mean_absolute_correlation": float(np.abs(r).mean()),
        "pairs": M,
    }  # fmt: skip
    df: float | None = None
    cuts: dict[str, float] = {}
    if statistic == "CD":
        value = float(np.sum(np.sqrt(T) * r) / np.sqrt(M))
        distribution, p = "normal", float(2 * special.ndtr(-abs(value)))
    elif statistic in ("CDw", "CDw+"):
        value = weighted_cd(pairs, signs_of_series(s.wide()[0], draws, seed))
        if statistic == "CDw+":
            extra, detail["screened"] = screened_correlations(pairs)
            value += extra
        distribution, p = "normal", float(2 * special.ndtr(-abs(value)))
        detail["draws"] = draws
    elif statistic == "CD*":
        Z = _balanced(s, "CD*")
        if N < len(Z):
            raise IdentificationError(
                f"CD* standardises every series, but {len(Z) - N} of {len(Z)} entities of {name} "
                "do not vary. Leave them out, or use statistic='CD' or 'CDw'."
            )
        if factors >= min(Z.shape) - 1:
            raise SpecificationError(
                f"factors={factors} leaves nothing of {Z.shape[0]} entities over {Z.shape[1]} "
                "periods; CD* needs more of both than factors + 1."
            )
        value, detail["theta"] = bias_corrected_cd(Z, factors)
        distribution, p = "normal", float(2 * special.ndtr(-abs(value)))
    elif statistic == "LM":
        value, distribution, df = squares, "chi2", float(M)
        p = float(special.chdtrc(M, value))
    elif statistic == "Friedman":
        periods = int(T.max())
        value, distribution = (periods - 1) * (float(r.mean()) * (N - 1) + 1), "chi2"
        df = float(periods - 1)
        p = float(special.chdtrc(df, value))
    elif statistic == "Frees":
        periods = int(T.max())
        if periods < 4:
            raise SpecificationError(
                f"Frees' test needs 4 periods; {name} has {periods}. Use statistic='CD' or 'CDw'."
            )
        value, distribution = frees_statistic(r, N, periods), "Frees' Q"
        p = frees_tail(value, periods)
        cuts = {f"{k}%": frees_quantile(k / 100, periods) for k in (1, 5, 10)}
    else:
        value = (squares - M) / np.sqrt(2.0 * M)
        if statistic == "bias-corrected LM":
            if T.min() < T.max():
                raise SpecificationError(
                    "The bias-corrected LM test needs a balanced panel." + s.balanced_part
                )
            value -= N / (2.0 * (T.max() - 1))
        value, distribution = float(value), "normal"
        p = float(2 * special.ndtr(-abs(value)))
    label = {"CD": "Pesaran CD", "LM": "Breusch-Pagan LM", "Friedman": "Friedman"}
    other = "some entities are correlated"
    test = PanelTest(
        subject=DEPENDENCE, name=label.get(statistic, statistic), null=_NULL, alternative=other,
        statistic=value, distribution=distribution, df=df, pvalue=p, detail=detail,
        critical_values=cuts,
        sample=f"{N} entities, {M} pairs, {int(T.min())} to {int(T.max())} shared periods",
        note=f"of {name}; average correlation {detail['mean_correlation']:.3f}, absolute "
        f"{detail['mean_absolute_correlation']:.3f}",
    )  # fmt: skip
    return with_size(test, N, float(T.mean()))


def _values(source: Panel | Estimate, variable: str | None) -> Series:
    if not isinstance(source, Estimate):
        if variable is None:
            raise SpecificationError("Name the variable of the panel to test.")
        return observed_series(source, variable)
    if variable is not None or source.sample is None or source.residual is None:
        raise SpecificationError(
            "Give an estimate that keeps its residuals and no variable, or a panel and one."
        )
    sample = source.sample
    panel, first = sample.panel, np.unique(sample.entity, return_index=True)[1]
    return Series(
        name=f"residuals ({source.method})", values=source.residual[:, None],
        entity=sample.entity, time=sample.time, calendar=panel.calendar,
        labels=panel.entities[panel.entity_codes[sample.rows[first]]],
    )  # fmt: skip


def _balanced(s: Series, what: str) -> FloatArray:
    counts = s.lengths
    if counts.min() < counts.max() or len(np.unique(s.time)) != counts.max():
        raise SpecificationError(
            f"{what} needs a balanced panel; {s.name} covers {counts.min()} to {counts.max()} "
            "periods by entity, and its null distribution is that of pairs that all share the same "
            "ones. Use statistic='CD', 'CDw' or 'CDw+', or bias_adjusted_lm()." + s.balanced_part
        )
    return s.y.reshape(len(counts), -1)


def _ranks(s: Series, what: str) -> FloatArray:
    from scipy.stats import rankdata

    return rankdata(_balanced(s, what), axis=1).ravel()


def _report(name: str, pairs: PairwiseCorrelations) -> None:
    if not len(pairs.rho):
        raise IdentificationError(
            f"No two entities of {name} share two periods and vary over them, so nothing can be "
            "correlated."
        )
    if pairs.left_out:
        total = pairs.left_out + len(pairs.rho)
        warn(
            f"{name}: {pairs.left_out} of {total} pairs of entities are left out: they share fewer "
            "than two periods, or one of them does not vary over these.",
            DroppedRowsWarning,
            stacklevel=4,
        )
