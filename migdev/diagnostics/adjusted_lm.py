"""Dependence between the errors of entities' own regressions."""

from __future__ import annotations

import numpy as np

from migdev.diagnostics.series import read_series, require_entities, trend_code
from migdev.errors import IdentificationError, SpecificationError
from migdev.kernels.adf_batch import deterministics
from migdev.kernels.adjusted_lm import bias_adjusted_terms
from migdev.kernels.distributions import t_two_sided
from migdev.kernels.types import BoolArray, FloatArray
from migdev.panel.panel import Panel
from migdev.results.panel_test import PanelTest


def bias_adjusted_lm(
    panel: Panel,
    formula: str,
    *,
    trend: bool = False,
    short: str = "raise",
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
        Entities with collinear regressors.

    Returns
    -------
    PanelTest
        ``detail`` holds ``mean_correlation``, ``mean_absolute_correlation``, ``pairs``.

    Raises
    ------
    PanelError
        The panel is not balanced, or has gaps: the moments are those of a common T.

    References
    ----------
    Pesaran, Ullah and Yamagata (2008), Econometrics Journal 11, 105-127.
    """
    code = trend_code(trend)
    if code == "n":
        raise SpecificationError("bias_adjusted_lm() needs an intercept.")
    if "~" not in formula:
        raise SpecificationError(f"{formula!r} is no formula; write 'y ~ x', or 'y ~ 1'.")
    s = read_series(panel, formula, gaps="raise")
    V = s.matrix("The bias-adjusted LM test")
    T, k = V.shape[1], V.shape[2] - 1 + (1 if code == "c" else 2)
    if T <= k + 8:
        raise IdentificationError(
            f"{formula!r} has {T} periods; the test needs more than {k + 8}, the {k} coefficients "
            "and 8."
        )
    Q, e, bad = _fits(V, code)
    if bad.any():
        s = require_entities(
            s, ~bad, short, "have collinear regressors or a dependent variable that they fit "
            "without error", "Leave these out",
        )  # fmt: skip
        Q, e = Q[~bad], e[~bad]
    if s.N < 2:
        raise IdentificationError("bias_adjusted_lm() compares entities and needs at least two.")
    rho, z = bias_adjusted_terms(e, Q)
    value = float(z.sum() / np.sqrt(len(z)))
    mean, absolute = float(rho.mean()), float(np.abs(rho).mean())
    return PanelTest(
        name="Bias-adjusted LM", null="errors of entities are uncorrelated",
        alternative="some are correlated", statistic=value, distribution="normal",
        pvalue=float(t_two_sided(value)), sample=s.sample,
        note=f"of {formula} by entity; average correlation {mean:.3f}, absolute {absolute:.3f}",
        detail={
            "mean_correlation": mean, "mean_absolute_correlation": absolute, "pairs": len(rho),
        },
    )  # fmt: skip


def _fits(V: FloatArray, code: str) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Orthonormal regressors (N, T, k), residuals (N, T), and where the fit fails (N,)."""
    N, T, _ = V.shape
    D = np.broadcast_to(deterministics(T, code), (N, T, 1 if code == "c" else 2))
    X = np.concatenate([D, V[:, :, 1:]], axis=2)
    length = np.sqrt(np.einsum("ntk,ntk->nk", X, X))
    Q, R = np.linalg.qr(X / np.where(length > 0, length, 1.0)[:, None, :])
    y = V[:, :, 0] - V[:, :, 0].mean(axis=1, keepdims=True)
    e = y
    for _ in range(2):  # twice is enough
        e = e - np.einsum("ntk,nk->nt", Q, np.einsum("ntk,nt->nk", Q, e))
    bad = (np.abs(np.einsum("nkk->nk", R)) < 1e-9).any(axis=1)
    bad |= ~(np.abs(e).max(axis=1) > 1e-10 * np.ptp(V[:, :, 0], axis=1))
    return Q, e, bad
