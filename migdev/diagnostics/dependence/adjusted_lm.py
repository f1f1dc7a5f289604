"""Dependence between the errors of entities' own regressions."""

from __future__ import annotations

import numpy as np

from migdev.diagnostics.series import (
    Series,
    observed_series,
    require_entities,
    trend_code,
)
from migdev.diagnostics.subjects import DEPENDENCE
from migdev.errors import DroppedRowsWarning, IdentificationError, SpecificationError
from migdev.kernels.arrays.distributions import t_two_sided
from migdev.kernels.arrays.types import BoolArray, FloatArray
from migdev.kernels.dependence.adjusted_lm import (
    bias_adjusted_terms,
    orthogonal_fit,
    overlapping_terms,
)
from migdev.notes import warn
from migdev.options import Short
from migdev.panel.panel import Panel
from migdev.results.panel_test import PanelTest
from migdev.results.sizes import with_size


def bias_adjusted_lm(
    panel: Panel,
    formula: str,
    *,
    trend: bool = False,
    short: Short = "raise",
) -> PanelTest:
    r"""Pesaran, Ullah and Yamagata's bias-adjusted LM test on residuals of OLS by entity.

    .. math::
        LM_{adj} = \sqrt{\tfrac{2}{N(N-1)}}\textstyle\sum_{i<j}
            \frac{(T-k)\hat\rho_{ij}^2-\mu_{ij}}{\nu_{ij}} \to N(0,1) \quad (1)

    with the exact mean and variance of each squared correlation under normal errors and strictly
    exogenous regressors, so that (1) keeps its size where N is larger than T and does not cancel
    positive against negative correlations, as CD does.

    Parameters
    ----------
    formula : str
        ``"y ~ x + z"``; ``"y ~ 1"`` tests the variable itself about its means.
    trend : bool
        Intercepts, or intercepts and trends.
    short : {"raise", "drop"}
        Entities with collinear regressors, or too few periods.

    Returns
    -------
    PanelTest
        ``detail`` holds ``mean_correlation``, ``mean_absolute_correlation``, ``pairs``.

    Notes
    -----
    In unbalanced panels and panels with gaps each pair is fitted anew over the periods that both
    share, for which the moments are exact with the pair's own T; 1 / (number of pairs) replaces
    2 / N(N-1). Pairs that share no more periods than coefficients and 8 are left out, with a
    warning. Where nothing is missing this is the balanced test.

    Raises
    ------
    IdentificationError
        Too few periods, or collinear regressors in some entities.

    Warns
    -----
    DroppedRowsWarning
        Pairs of entities that are left out.

    References
    ----------
    Pesaran, Ullah and Yamagata (2008), Econometrics Journal 11, 105-127.
    """
    code = trend_code(trend)
    if code == "n":
        raise SpecificationError("bias_adjusted_lm() needs an intercept.")
    if "~" not in formula:
        raise SpecificationError(f"{formula!r} is no formula; write 'y ~ x', or 'y ~ 1'.")
    s = observed_series(panel, formula)
    width = 1 if code == "c" else 2
    k = s.values.shape[1] - 1 + width
    s = require_entities(
        s, s.lengths > k + 8, short, f"have too few periods, the test needs more than {k + 8}: the "
        f"{k} coefficients and 8", "Leave these out", fewest=2,
    )  # fmt: skip
    V, seen = _wide(s, width)
    bad = orthogonal_fit(V[:, :, 0], V[:, :, 1:], seen)[2]
    if bad.any():
        s = require_entities(
            s, ~bad, short, "have collinear regressors or a dependent variable that they fit "
            "without error", "Leave these out",
        )  # fmt: skip
        V, seen = _wide(s, width)
    if s.N < 2:
        raise IdentificationError("bias_adjusted_lm() compares entities and needs at least two.")
    shared = ""
    if seen.all():
        Q, e, _ = orthogonal_fit(V[:, :, 0], V[:, :, 1:], seen)
        rho, z = bias_adjusted_terms(e, Q)
    else:
        rho, z, periods, lost = overlapping_terms(V[:, :, 0], V[:, :, 1:], seen)
        if not len(rho):
            raise IdentificationError(
                f"{formula!r}: no two entities share more than {k + 8} periods." + s.balanced_part
            )
        if lost:
            warn(
                f"{formula!r}: {lost} of {lost + len(rho)} pairs of entities are left out: they "
                f"share no more than {k + 8} periods, or are collinear over these.",
                DroppedRowsWarning,
                stacklevel=2,
            )
        shared = f"; pairs share {int(periods.min())} to {int(periods.max())} periods"
    value = float(z.sum() / np.sqrt(len(z)))
    mean, absolute = float(rho.mean()), float(np.abs(rho).mean())
    test = PanelTest(
        subject=DEPENDENCE, name="Bias-adjusted LM", null="errors of entities are uncorrelated",
        alternative="some are correlated", statistic=value, distribution="normal",
        pvalue=float(t_two_sided(value)), sample=s.sample,
        note=f"of {formula} by entity; average correlation {mean:.3f}, absolute {absolute:.3f}"
        f"{shared}",
        detail={
            "mean_correlation": mean, "mean_absolute_correlation": absolute, "pairs": len(rho),
        },
    )  # fmt: skip
    return with_size(test, s.N, s.periods)


def _wide(s: Series, width: int) -> tuple[FloatArray, BoolArray]:
    """(N, T, 1 + k) dependent variable, intercept (and trend) and regressors, and the cells."""
    column = s.time - s.time.min()
    at, column = np.unique(column, return_inverse=True)
    seen = np.zeros((s.N, len(at)), dtype=bool)
    seen[s.entity, column] = True
    D = np.column_stack([np.ones(len(at)), at + 1.0])[:, :width]
    V = np.zeros((*seen.shape, s.values.shape[1] + width))
    V[s.entity, column, 0] = s.values[:, 0]
    V[s.entity, column, 1 : 1 + width] = D[column]
    V[s.entity, column, 1 + width :] = s.values[:, 1:]
    return V, seen
