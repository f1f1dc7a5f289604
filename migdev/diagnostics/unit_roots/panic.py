"""Bai and Ng's unit-root analysis of common factors and what is left of each entity."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from scipy import special

from migdev.diagnostics.series import DETERMINISTICS, read_series, require_entities, trend_code
from migdev.diagnostics.subjects import UNIT_ROOTS
from migdev.engines.statsmodels import mackinnon_pvalue
from migdev.errors import IdentificationError, SpecificationError
from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.kernels.factors.interactive import Criterion, factor_criteria, principal_components
from migdev.kernels.unit_roots.adf_batch import (
    adf_panel,
    choose_lags,
    deterministics,
)
from migdev.kernels.unit_roots.panic import (
    MOST,
    bridge_pvalue,
    modified_q,
    modified_q_pvalue,
    modified_q_quantile,
)
from migdev.options import Gaps, check_choice
from migdev.panel.panel import Panel
from migdev.results.panel_test import PanelTest

PanicLags = int | Literal["aic", "bic"]


def panic(
    panel: Panel,
    variable: str,
    *,
    trend: bool = False,
    factors: int | Criterion = "IC_p2",
    max_factors: int = 5,
    lags: PanicLags = 1,
    max_lags: int = 4,
    common_lags: int | None = None,
    gaps: Gaps = "raise",
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

    With several factors the number of common stochastic trends among them follows from the
    statistics MQ_c and MQ_f (:func:`~migdev.kernels.unit_roots.panic.modified_q`): from m =
    r down, m trends are tested until they are not rejected at 5 per cent.

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
    common_lags : int, optional
        Bartlett lags of MQ_c and order of the vector autoregression of MQ_f; default the smallest
        whole number from 4 (min(N,T)/100)^(1/4).
    gaps : {"raise", "longest"}

    Returns
    -------
    PanelTest
        ``detail`` holds ``factors`` (a frame of cumulated factors) and ``factor_adf`` (t-statistic
        and p-value, with intercept or trend, of each factor; with one factor this is Bai and Ng's
        test of a common trend), ``by_entity`` the entities' own statistics; ``common_trends`` (a
        frame by m with MQ_c, MQ_f, their p-values and 5% critical values) and ``trends`` (the
        number that each statistic finds; None beyond six factors, which are not tabulated).

    Raises
    ------
    PanelError
        The panel is not balanced, or has gaps: the theory of principal components of differences
        and of their sums is for complete panels, and filled cells would enter every later sum.
        The message names the largest balanced part.

    Notes
    -----
    Null distributions of MQ are simulated (60,000 draws); they agree with those of Bai and Ng's
    table within the simulation errors of both.

    References
    ----------
    Bai and Ng (2004), Econometrica 72, 1127-1177.
    """
    code = trend_code(trend)
    if code == "n":
        raise SpecificationError("panic() has an intercept or a trend: trend=False or True.")
    s = read_series(panel, variable, gaps=gaps)
    X = np.ascontiguousarray(s.matrix("PANIC", "cips()")[:, :, 0])
    moves = np.asarray(np.ptp(X, axis=1) > 0)
    require_entities(s, moves, "refuse", "are constant", "Leave them out")
    d = np.diff(X, axis=1)
    scale = d.std(axis=1, keepdims=True)
    # A straight line (interpolated data) leaves rounding errors, of no scale of their own.
    moves = scale[:, 0] > 1e-10 * np.ptp(X, axis=1)
    require_entities(s, moves, "refuse", "are trends without error", "Leave them out")
    N, T = d.shape
    if code == "ct":
        d = d - d.mean(axis=1, keepdims=True)
    largest = min(max_factors, min(N, T) // 2 - 1)
    if largest < 1:
        raise IdentificationError(
            f"{s.name!r} has {N} entities and {T + 1} periods, too few for factors."
        )
    if isinstance(factors, str):
        found = factor_criteria((d - d.mean(axis=1, keepdims=True)) / scale, largest)
        check_choice("factors", factors, int | Criterion)
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
    p = mackinnon_pvalue(t, "n") if code == "c" else np.maximum(bridge_pvalue(t), 1e-300)
    value = float((-2 * np.log(p).sum() - 2 * N) / np.sqrt(4.0 * N))
    common = pd.DataFrame({"t": [], "p_value": []})
    if r:
        tf, _ = _dickey_fuller(np.ascontiguousarray(F.T), lags, max_lags, code)
        common = pd.DataFrame({"t": tf, "p_value": mackinnon_pvalue(tf, code)})
    trends, numbers = _common_trends(F, min(N, T), common_lags, code)
    periods = panel.calendar.labels(np.unique(s.time)[1:])
    return PanelTest(
        subject=UNIT_ROOTS, name="PANIC, idiosyncratic components",
        null="every entity's idiosyncratic component has a unit root",
        alternative="some are stationary", statistic=value, distribution="normal",
        pvalue=float(special.ndtr(-value)), sample=s.sample,
        note=f"{DETERMINISTICS[code]}; {r} factors; {orders.mean():.2f} lags on average",
        detail={
            "by_entity": pd.DataFrame(
                {"entity": np.asarray(s.labels), "t": t, "p_value": p, "lags": orders}
            ),
            "factors": pd.DataFrame(F, index=periods), "factor_adf": common,
            "common_trends": trends, "trends": numbers,
        },
    )  # fmt: skip


def _common_trends(
    F: FloatArray, size: int, lags: int | None, code: str
) -> tuple[pd.DataFrame, dict[str, int | None]]:
    T, r = F.shape
    J = int(np.ceil(4 * (size / 100) ** 0.25)) if lags is None else lags
    most = (T - 2) // (2 * max(r, 1)) - 1
    if isinstance(lags, bool) or (lags is not None and not 0 <= lags <= most):
        raise SpecificationError(f"common_lags={lags!r}; between 0 and {most} here.")
    rows: list[dict[str, float]] = []
    numbers: dict[str, int | None] = {"MQ_c": None, "MQ_f": None}
    if 0 < r <= MOST:
        D = deterministics(T, code)
        F = F - D @ np.linalg.lstsq(D, F, rcond=None)[0]
        for m in range(r, 0, -1):
            row: dict[str, float] = {"m": m}
            for name in numbers:
                value = modified_q(F, m, min(J, most), name == "MQ_f")
                row[name] = value
                row[f"{name} p_value"] = p = modified_q_pvalue(value, m, code)
                if numbers[name] is None and p >= 0.05:
                    numbers[name] = m
            row["critical_5"] = modified_q_quantile(0.05, m, code)
            rows.append(row)
    if r <= MOST:
        numbers = {name: found or 0 for name, found in numbers.items()}
    columns = ["m", "MQ_c", "MQ_c p_value", "MQ_f", "MQ_f p_value", "critical_5"]
    return pd.DataFrame(rows, columns=columns).set_index("m"), numbers


def _dickey_fuller(
    Y: FloatArray, lags: PanicLags, max_lags: int, trend: str
) -> tuple[FloatArray, IntArray]:
    N, T = Y.shape
    entity = np.repeat(np.arange(N), T)
    if isinstance(lags, str):
        check_choice("lags", lags, PanicLags)
        largest = np.full(N, min(max_lags, (T - 6) // 2))
        orders = choose_lags(Y.ravel(), entity, largest, trend, lags, common=True)
    else:
        if isinstance(lags, bool) or not 0 <= lags <= (T - 6) // 2:
            raise SpecificationError(f"lags={lags!r}; between 0 and {(T - 6) // 2} here.")
        orders = np.full(N, int(lags), dtype=np.int64)
    return adf_panel(Y.ravel(), entity, orders, trend).t, orders
