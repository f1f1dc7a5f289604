"""Panel cointegration: Pedroni, Kao and Westerlund."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from migdev.diagnostics.series import Series, read_series, require_entities, trend_code
from migdev.errors import SpecificationError
from migdev.kernels.arrays.draws import finite_draws
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.cointegration.pedroni import kao_statistics, pedroni_statistics, residuals_of
from migdev.kernels.cointegration.tables import (
    PEDRONI,
    WESTERLUND_MEAN,
    WESTERLUND_VARIANCE,
)
from migdev.kernels.cointegration.westerlund import (
    best_orders,
    bootstrap_statistics,
    combine,
    ecm_parts,
)
from migdev.kernels.heterogeneous.slopes import blocks
from migdev.panel.panel import Panel
from migdev.results.panel_test import PanelTest

_NULL = "no cointegration in any entity"
_WORDS = {"n": "no deterministics", "c": "intercept", "ct": "intercept and trend"}


def pedroni(
    panel: Panel,
    formula: str,
    *,
    statistic: str = "group-adf",
    trend: bool = False,
    lags: int | str = "aic",
    max_lags: int | None = None,
    bandwidth: int | None = None,
    common_sample: bool = True,
    demean: bool = False,
    gaps: str = "longest",
    short: str = "raise",
) -> PanelTest:
    r"""Pedroni's seven residual-based tests.

    Residuals e of each entity's regression give pooled ("panel") and averaged ("group")
    statistics, with :math:`\hat L_i^2` the long-run variance of :math:`\Delta y` given
    :math:`\Delta x`, :math:`\hat\sigma_i^2, \hat s_i^2` long-run and plain variance of the
    residuals of e on its lag, :math:`\hat\lambda_i = (\hat\sigma_i^2-\hat s_i^2)/2`; for instance

    .. math::
        Z_\rho = \sqrt N\,\frac{\sum_iT_i\hat L_i^{-2}\sum_t(e_{i,t-1}\Delta e_{it}-\hat\lambda_i)}
                     {\sum_i\hat L_i^{-2}\sum_te_{i,t-1}^2}, \qquad
        \tilde Z_t = N^{-1/2}\sum_i\frac{\sum_t(e_{i,t-1}\Delta e_{it}-\hat\lambda_i)}
                     {(\hat\sigma_i^2\sum_te_{i,t-1}^2)^{1/2}}

    and each is standardised by the paper's moments, :math:`(Z - \mu\sqrt N)/\sqrt\nu \to N(0,1)`.
    The rho and t forms over-reject in short panels (T = 50: 20-30% of draws at 5%); the ADF forms
    keep their size.

    Parameters
    ----------
    formula : str
        ``"y ~ x + z"``, up to seven regressors.
    statistic : str
        ``"panel-v"`` (rejects for large values), ``"panel-rho"``, ``"panel-t"``,
        ``"panel-adf"``, ``"group-rho"``, ``"group-t"`` or ``"group-adf"`` (reject for small ones);
        all seven are in ``detail["statistics"]``.
    trend : bool
        Intercepts, or intercepts and trends.
    lags : int, "aic" or "bic"
        Of the ADF statistics; a criterion chooses by entity up to ``max_lags`` (default Schwert's
        rule).
    bandwidth : int, optional
        Bartlett lags; default round(4 (T/100)^(2/9)).
    common_sample : bool
        A criterion compares lag orders on the sample of the largest one.
    demean : bool
        Subtract period averages first (xtpedroni does unless told not to).
    gaps, short
        As in :func:`~migdev.diagnostics.ips`.

    References
    ----------
    Pedroni (1999), Oxford Bulletin of Economics and Statistics 61, 653-670; Pedroni (2004),
    Econometric Theory 20, 597-625. Neal (2014), Stata Journal 14, 684-692.
    """
    code = trend_code(trend)
    names = (
        "panel-v", "panel-rho", "panel-t", "panel-adf", "group-rho", "group-t", "group-adf",
    )  # fmt: skip
    if code == "n":
        raise SpecificationError(
            "pedroni() needs an intercept: its moments are tabulated with one."
        )
    if statistic not in names:
        raise SpecificationError(f"statistic={statistic!r}; use one of {', '.join(names)}.")
    if isinstance(lags, str) and lags not in ("aic", "bic"):
        raise SpecificationError(f"lags={lags!r}; use a number, 'aic' or 'bic'.")
    top = lags if isinstance(lags, int) else 0
    s, k = _variables(panel, formula, demean, gaps, 7)
    fewest = max(k + 2 + (code == "ct") + 3, 2 * top + 6)
    s = require_entities(
        s, s.lengths >= fewest, short, f"have fewer than {fewest} periods", "Use fewer lags"
    )
    s = require_entities(
        s, ~_collinear(s, code), short, "have a constant or collinear variable", "Leave it out"
    )
    raw, orders = pedroni_statistics(
        s.values, s.entity, code, lags, max_lags, bandwidth, common_sample
    )
    mean, variance = (table[k - 1] for table in PEDRONI[code])
    column = dict(zip(names, (0, 1, 2, 2, 3, 4, 4), strict=True))
    root = np.sqrt(s.N)
    z = {n: float((raw[n] - mean[column[n]] * root) / np.sqrt(variance[column[n]])) for n in names}
    p = {n: float(special.ndtr(-z[n] if n == "panel-v" else z[n])) for n in names}
    frame = pd.DataFrame({"statistic": raw, "z": z, "p_value": p}).loc[list(names)]
    how = lags if isinstance(lags, str) else f"{lags} lags"
    return PanelTest(
        name=f"Pedroni {statistic}", null=_NULL, distribution="normal",
        alternative="cointegration, with a common root (panel) or entity by entity (group)",
        statistic=z[statistic], pvalue=p[statistic], sample=s.sample,
        note=f"{_WORDS[code]}; ADF lags: {how}, {orders.mean():.2f} on average"
        + ("; period averages subtracted" if demean else ""),
        detail={"statistics": frame},
    )  # fmt: skip


def kao(
    panel: Panel,
    formula: str,
    *,
    statistic: str = "ADF",
    lags: int = 1,
    bandwidth: int | None = None,
    demean: bool = False,
    gaps: str = "raise",
) -> PanelTest:
    r"""Kao's tests on residuals of a regression with entity intercepts and common slopes.

    .. math::
        DF_\rho^* = \frac{\sqrt NT(\hat\rho-1)+3\sqrt N\hat\sigma_v^2/\hat\sigma_{0v}^2}
            {\sqrt{3+36\hat\sigma_v^4/(5\hat\sigma_{0v}^4)}}, \qquad
        ADF = \frac{t_{ADF}+\sqrt{6N}\hat\sigma_v/(2\hat\sigma_{0v})}
            {\sqrt{\hat\sigma_{0v}^2/(2\hat\sigma_v^2)+3\hat\sigma_v^2/(10\hat\sigma_{0v}^2)}}

    with :math:`\sigma_v^2, \sigma_{0v}^2` the variance and long-run variance of :math:`\Delta y`
    given :math:`\Delta x`; ``DF-rho`` and ``DF-t`` assume strictly exogenous regressors. T counts
    the periods of the regression of residuals on their lags, one less than those of the data.

    Parameters
    ----------
    formula : str
    statistic : {"ADF", "DF-rho*", "DF-t*", "DF-rho", "DF-t"}
        All five are in ``detail``.
    lags : int
        Lagged differences of the ADF statistic.
    bandwidth : int, optional
        Bartlett lags; default round(4 (T/100)^(2/9)).

    Raises
    ------
    PanelError
        The panel is not balanced, or has gaps.

    References
    ----------
    Kao (1999), Journal of Econometrics 90, 1-44.
    """
    names = ("ADF", "DF-rho*", "DF-t*", "DF-rho", "DF-t")
    if statistic not in names:
        raise SpecificationError(f"statistic={statistic!r}; use one of {', '.join(names)}.")
    if isinstance(lags, bool) or not isinstance(lags, int) or lags < 0:
        raise SpecificationError(f"lags={lags!r}; give a whole number, zero or more.")
    s, k = _variables(panel, formula, demean, gaps, 50)
    V = s.matrix("Kao's test")
    T = V.shape[1]
    enough = np.full(s.N, 2 * lags + 4 <= T)
    require_entities(
        s, enough, "refuse", f"have fewer than {2 * lags + 4} periods", "Use less lags"
    )
    require_entities(
        s, ~_collinear(s, "c"), "refuse", "have a constant or collinear variable", "Leave it out"
    )
    width = round(4 * (T / 100) ** (2 / 9)) if bandwidth is None else bandwidth
    z = kao_statistics(V, lags, width)
    return PanelTest(
        name=f"Kao {statistic}", null=_NULL, alternative="cointegration with common slopes",
        statistic=z[statistic], distribution="normal", pvalue=float(special.ndtr(z[statistic])),
        sample=s.sample, note=f"{k} regressors; {lags} ADF lags, {width} Bartlett lags", detail=z,
    )  # fmt: skip


def westerlund(
    panel: Panel,
    formula: str,
    *,
    statistic: str = "Gt",
    trend: bool | str = False,
    lags: int | str = 1,
    leads: int = 0,
    min_lags: int = 0,
    max_lags: int = 3,
    common_sample: bool = True,
    bandwidth: int = 2,
    bootstrap: int = 0,
    seed: int = 0,
    gaps: str = "longest",
    short: str = "raise",
) -> PanelTest:
    r"""Westerlund's error-correction tests: does y correct towards x?

    .. math::
        \Delta y_{it} = \delta_i'd_t + \alpha_iy_{i,t-1} + \lambda_i'x_{i,t-1}
            + \textstyle\sum_{j=1}^{p}\alpha_{ij}\Delta y_{i,t-j}
            + \sum_{j=-q}^{p}\gamma_{ij}'\Delta x_{i,t-j} + e_{it} \quad (1)

    .. math::
        G_t = \tfrac1N\textstyle\sum_i\hat\alpha_i/se(\hat\alpha_i), \quad
        G_a = \tfrac1N\sum_iT\hat\alpha_i/\hat\alpha_i(1), \quad
        P_t = \hat\alpha/se(\hat\alpha), \quad P_a = T\hat\alpha

    with :math:`\hat\alpha_i(1)` the ratio of long-run standard deviations of
    :math:`\sum_j\gamma_{ij}'\Delta x_{i,t-j} + e_{it}` and :math:`\Delta y`, standardised by the
    paper's moments.

    Parameters
    ----------
    formula : str
        ``"y ~ x + z"``, up to six regressors.
    statistic : {"Gt", "Ga", "Pt", "Pa"}
        Group statistics against cointegration in some entities, pooled ones in all; all four are in
        ``detail["statistics"]``.
    trend : bool or "n"
    lags, leads : int
        p and q; ``lags="aic"`` chooses lags from ``min_lags`` to ``max_lags`` and leads up to
        ``leads`` by entity.
    common_sample : bool
        Compare orders on the sample of the largest ones. False compares the Gaussian AIC of each
        order's own sample, as Stata's xtwest, which moves with the units of y.
    bandwidth : int
        Bartlett lags of the long-run variances (xtwest's ``lrwindow``).
    bootstrap : int
        Replications for p-values robust to dependence between entities (balanced panels, fixed
        lags); 0 for the normal distribution.
    seed : int
    gaps, short
        As in :func:`~migdev.diagnostics.ips`.

    Notes
    -----
    T in :math:`G_a` and :math:`P_a` stands for residual degrees of freedom, as in Stata's xtwest.

    References
    ----------
    Westerlund (2007), Oxford Bulletin of Economics and Statistics 69, 709-748. Persyn and
    Westerlund (2008), Stata Journal 8, 232-241.
    """
    names = ("Gt", "Ga", "Pt", "Pa")
    code = trend_code(trend)
    if statistic not in names:
        raise SpecificationError(f"statistic={statistic!r}; use one of {', '.join(names)}.")
    if isinstance(lags, str) and lags != "aic":
        raise SpecificationError(f"lags={lags!r}; use a number or 'aic'.")
    top = max_lags if isinstance(lags, str) else lags
    if min(top, leads, bandwidth, bootstrap) < 0:
        raise SpecificationError("lags, leads, bandwidth and bootstrap are zero or more.")
    if not 0 <= min_lags <= max_lags:
        raise SpecificationError(f"min_lags={min_lags}; between 0 and max_lags={max_lags}.")
    if bootstrap and isinstance(lags, str):
        raise SpecificationError("The bootstrap of westerlund() needs fixed lags.")
    s, k = _variables(panel, formula, False, gaps, 6)
    det = {"n": 0, "c": 1, "ct": 2}[code]
    fewest = 1 + top + leads + (det + 1 + k + top + k * (top + leads + 1)) + 1
    s = require_entities(
        s, s.lengths >= fewest, short,
        f"have fewer than the {fewest} periods that {top} lags and {leads} leads need",
        "Use fewer of these",
    )  # fmt: skip
    orders = np.full((s.N, 2), [top, leads], dtype=np.int64)
    if isinstance(lags, str):
        for codes, rows in blocks(s.entity):
            chosen = best_orders(s.values[rows], min_lags, top, leads, code, common_sample)
            orders[codes] = np.column_stack(chosen)
    groups, df, bad = _parts(s, orders, code, bandwidth)
    if bad.any():
        s = require_entities(
            s, ~bad, short, "have a constant or collinear variable", "Leave it out"
        )
        orders = orders[~bad]
        groups, df, _ = _parts(s, orders, code, bandwidth)
    common = orders.mean(axis=0).astype(np.int64)
    pooled, _, _ = _parts(s, np.broadcast_to(common, orders.shape), code, bandwidth)
    p, q = (int(v) for v in common)
    pooled_df = float(s.lengths.mean() - p - q - 1 - (det + 1 + k + p + k * (p + q + 1)))
    raw = combine(groups[:, [0, 1, 2]], pooled[:, [3, 4, 5, 2]], df, pooled_df)
    z, pvalues, robust = {}, {}, {}
    for name, value in zip(names, raw, strict=True):
        m, v = (float(t[name][det, k - 1]) for t in (WESTERLUND_MEAN, WESTERLUND_VARIANCE))
        root = np.sqrt(s.N)
        z[name] = (
            float((value - root * m) / np.sqrt(v))
            if name == "Pt"
            else float(root * (value - m) / np.sqrt(v))
        )
        pvalues[name] = float(special.ndtr(z[name]))
    note = f"{_WORDS[code]}; {orders[:, 0].mean():.2f} lags and {orders[:, 1].mean():.2f} leads"
    if bootstrap:
        draws = bootstrap_statistics(
            s.matrix("The bootstrap of westerlund()"), top, leads, code, bandwidth, bootstrap,
            np.random.default_rng(seed),
        )  # fmt: skip
        draws, lost = finite_draws(draws, "westerlund()")
        for j, name in enumerate(names):
            robust[name] = (1 + int(np.sum(draws[:, j] <= raw[j]))) / (1 + len(draws))
        note += f"; p by a bootstrap of {bootstrap}, seed {seed}" + (f", {lost}" if lost else "")
    frame = pd.DataFrame(
        {"statistic": dict(zip(names, raw, strict=True)), "z": z, "p_value": pvalues}
    ).loc[list(names)]
    if robust:
        frame["bootstrap_p_value"] = pd.Series(robust)
    entity = pd.DataFrame(
        {
            "entity": np.asarray(s.labels), "alpha": groups[:, 0], "std_error": groups[:, 1],
            "lags": orders[:, 0], "leads": orders[:, 1],
        }
    )  # fmt: skip
    return PanelTest(
        name=f"Westerlund {statistic}", null="no error correction, hence no cointegration",
        alternative="cointegration in "
        + ("some entities" if statistic[0] == "G" else "the panel as a whole"),
        statistic=z[statistic], distribution="normal",
        pvalue=robust.get(statistic, pvalues[statistic]), sample=s.sample, note=note,
        detail={"statistics": frame, "by_entity": entity},
    )  # fmt: skip


# ---------------------------------------------------------------------- shared steps


def _variables(
    panel: Panel, formula: str, demean: bool, gaps: str, most: int
) -> tuple[Series, int]:
    if "~" not in formula:
        raise SpecificationError(f"{formula!r} names no regressor; write 'y ~ x'.")
    s = read_series(panel, formula, gaps=gaps, demean=demean)
    k = s.values.shape[1] - 1
    if not 1 <= k <= most:
        raise SpecificationError(f"{formula!r} has {k} regressors; this test takes 1 to {most}.")
    return s, k


def _collinear(s: Series, trend: str) -> Any:
    bad = np.zeros(s.N, dtype=bool)
    for codes, rows in blocks(s.entity):
        e, dependent = residuals_of(s.values[rows], trend)
        spread = np.ptp(s.values[rows][:, :, 0], axis=1)
        with np.errstate(invalid="ignore"):
            exact = ~(np.abs(e).max(axis=1) > 1e-10 * spread) | (spread == 0)
        bad[codes] = dependent | exact
    return bad


def _parts(
    s: Series, orders: Any, trend: str, bandwidth: int
) -> tuple[FloatArray, FloatArray, Any]:
    """(N, 6) alpha, se, ratio, cross, square, rss; degrees of freedom (N,); collinear (N,)."""
    out, df = np.empty((s.N, 6)), np.empty(s.N)
    bad = np.zeros(s.N, dtype=bool)
    for codes, rows in blocks(s.entity):
        for p, q in np.unique(orders[codes], axis=0):
            at = (orders[codes] == [p, q]).all(axis=1)
            fit = ecm_parts(s.values[rows[at]], int(p), int(q), trend, bandwidth)
            out[codes[at]] = np.column_stack(
                [fit.alpha, fit.se, fit.ratio, fit.cross, fit.square, fit.rss]
            )
            df[codes[at]], bad[codes[at]] = fit.df, fit.collinear
    return out, df, bad
