"""Bai and Ng's unit-root analysis of common factors and what is left of each entity."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import special

from migdev.diagnostics.series import read_series, require_entities, trend_code
from migdev.errors import IdentificationError, SpecificationError
from migdev.kernels.adf_batch import adf_panel, choose_lags, dickey_fuller_pvalue
from migdev.kernels.bridge import bridge_pvalue
from migdev.kernels.interactive import factor_criteria, principal_components
from migdev.kernels.types import FloatArray, IntArray
from migdev.panel.panel import Panel
from migdev.results.panel_test import PanelTest

_WORDS = {"c": "intercept", "ct": "intercept and trend"}


def panic(
    panel: Panel,
    variable: str,
    *,
    trend: bool = False,
    factors: int | str = "IC_p2",
    max_factors: int = 5,
    lags: int | str = 1,
    max_lags: int = 4,
    gaps: str = "raise",
) -> PanelTest:
    r"""PANIC: pooled unit-root test of the idiosyncratic components.

    Principal components of first differences give factors and errors; both are cumulated and tested
    apart, so neither hides the other:

    .. math::
        \Delta x_{it} &= \lambda_i'f_t + z_{it}, \qquad
        \hat F_t = \textstyle\sum_{s\le t}\hat f_s, \quad \hat e_{it} = \sum_{s\le t}\hat z_{is}
            \quad (1) \\
        P &= \frac{-2\sum_i\ln p_i - 2N}{\sqrt{4N}} \to N(0,1) \quad (2)

    with :math:`p_i` of Dickey-Fuller regressions of :math:`\hat e_i` without deterministics. With a
    trend the differences in (1) are taken about their mean; the t-statistics then tend to
    :math:`-\tfrac12(\int V^2)^{-1/2}`, V a Brownian bridge, whose distribution is evaluated
    exactly.

    Parameters
    ----------
    variable : str
        A column, or an expression such as ``np.log(gdp)``.
    trend : bool
        Intercepts, or intercepts and trends.
    factors : int or "IC_p1", "IC_p2", "ER", "GR"
        Number of factors, or the criterion that chooses it among differences.
    max_factors : int
    lags : int, "aic" or "bic"
        Of the Dickey-Fuller regressions; a criterion chooses up to ``max_lags``.
    gaps : {"raise", "longest"}

    Returns
    -------
    PanelTest
        ``detail`` holds ``factors`` (a frame of cumulated factors) and ``factor_adf`` (t-statistic
        and p-value, with intercept or trend, of each factor; with one factor this is Bai and Ng's
        test of a common trend), ``by_entity`` the entities' own statistics.

    Raises
    ------
    PanelError
        The panel is not balanced, or has gaps.

    References
    ----------
    Bai and Ng (2004), Econometrica 72, 1127-1177.
    """
    code = trend_code(trend)
    if code == "n":
        raise SpecificationError("panic() has an intercept or a trend: trend=False or True.")
    s = read_series(panel, variable, gaps=gaps)
    X = np.ascontiguousarray(s.matrix("PANIC")[:, :, 0])
    moves = np.asarray(np.ptp(X, axis=1) > 0)
    require_entities(s, moves, "refuse", "are constant", "Leave them out")
    d = np.diff(X, axis=1)
    scale = d.std(axis=1, keepdims=True)
    scale = np.where(scale > 0, scale, 1.0)
    N, T = d.shape
    if code == "ct":
        d = d - d.mean(axis=1, keepdims=True)
        moves = d.std(axis=1) > 1e-10 * np.ptp(X, axis=1)
        require_entities(s, moves, "refuse", "are trends without error", "Leave them out")
    largest = min(max_factors, min(N, T) // 2 - 1)
    if largest < 1:
        raise IdentificationError(
            f"{s.name!r} has {N} entities and {T + 1} periods, too few for factors."
        )
    if isinstance(factors, str):
        found = factor_criteria((d - d.mean(axis=1, keepdims=True)) / scale, largest)
        if factors not in found:
            raise SpecificationError(f"factors={factors!r}; a number or one of {', '.join(found)}.")
        r = found[factors]
    else:
        r = factors
        if isinstance(factors, bool) or not 0 <= r <= largest:
            raise SpecificationError(f"factors={factors!r}; between 0 and {largest} here.")
    z, F = d, np.empty((T, 0))
    if r:
        f, loadings, _ = principal_components(d / scale, r)
        z, F = d - scale * (loadings @ f.T), np.cumsum(f, axis=0)
    e = np.cumsum(z, axis=1)
    t, orders = _dickey_fuller(e, lags, max_lags, "n")
    p = dickey_fuller_pvalue(t, "n") if code == "c" else np.maximum(bridge_pvalue(t), 1e-300)
    value = float((-2 * np.log(p).sum() - 2 * N) / np.sqrt(4.0 * N))
    common = pd.DataFrame({"t": [], "p_value": []})
    if r:
        tf, _ = _dickey_fuller(np.ascontiguousarray(F.T), lags, max_lags, code)
        common = pd.DataFrame({"t": tf, "p_value": dickey_fuller_pvalue(tf, code)})
    periods = panel.calendar.labels(np.unique(s.time)[1:])
    return PanelTest(
        name="PANIC, idiosyncratic components",
        null="every entity's idiosyncratic component has a unit root",
        alternative="some are stationary", statistic=value, distribution="normal",
        pvalue=float(special.ndtr(-value)), sample=s.sample,
        note=f"{_WORDS[code]}; {r} factors; {orders.mean():.2f} lags on average",
        detail={
            "by_entity": pd.DataFrame(
                {"entity": np.asarray(s.labels), "t": t, "p_value": p, "lags": orders}
            ),
            "factors": pd.DataFrame(F, index=periods), "factor_adf": common,
        },
    )  # fmt: skip


def _dickey_fuller(
    Y: FloatArray, lags: int | str, max_lags: int, trend: str
) -> tuple[FloatArray, IntArray]:
    N, T = Y.shape
    entity = np.repeat(np.arange(N), T)
    if isinstance(lags, str):
        if lags not in ("aic", "bic"):
            raise SpecificationError(f"lags={lags!r}; use a number, 'aic' or 'bic'.")
        largest = np.full(N, min(max_lags, (T - 6) // 2))
        orders = choose_lags(Y.ravel(), entity, largest, trend, lags, common=True)
    else:
        if isinstance(lags, bool) or not 0 <= lags <= (T - 6) // 2:
            raise SpecificationError(f"lags={lags!r}; between 0 and {(T - 6) // 2} here.")
        orders = np.full(N, int(lags), dtype=np.int64)
    return adf_panel(Y.ravel(), entity, orders, trend).t, orders
