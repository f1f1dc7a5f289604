"""Westerlund's error-correction tests of cointegration."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from scipy import special

from migdev.diagnostics.cointegration.equation import read_equation
from migdev.diagnostics.series import DETERMINISTICS, Series, Trend, require_entities, trend_code
from migdev.diagnostics.subjects import COINTEGRATION
from migdev.errors import SpecificationError
from migdev.kernels.arrays.draws import finite_draws
from migdev.kernels.arrays.tables import tables
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.cointegration.westerlund import (
    best_orders,
    bootstrap_statistics,
    combine,
    ecm_parts,
)
from migdev.kernels.heterogeneous.slopes import blocks
from migdev.options import Gaps, Short, check_choice, renamed
from migdev.panel.panel import Panel
from migdev.progress import Progress
from migdev.results.panel_test import PanelTest
from migdev.results.sizes import with_size

Statistic = Literal["Gt", "Ga", "Pt", "Pa"]


@renamed(bootstrap="draws")
def westerlund(
    panel: Panel,
    formula: str,
    *,
    statistic: Statistic = "Gt",
    trend: Trend = False,
    lags: int | Literal["aic"] = 1,
    leads: int = 0,
    min_lags: int = 0,
    max_lags: int = 3,
    common_sample: bool = True,
    bandwidth: int = 2,
    draws: int = 0,
    seed: int = 0,
    gaps: Gaps = "longest",
    short: Short = "raise",
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
    draws : int
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
    code = trend_code(trend)
    names = get_args(Statistic)
    check_choice("statistic", statistic, Statistic)
    check_choice("lags", lags, int | Literal["aic"])
    top = max_lags if isinstance(lags, str) else lags
    if min(top, leads, bandwidth, draws) < 0:
        raise SpecificationError("lags, leads, bandwidth and draws are zero or more.")
    if not 0 <= min_lags <= max_lags:
        raise SpecificationError(f"min_lags={min_lags}; between 0 and max_lags={max_lags}.")
    if draws and isinstance(lags, str):
        raise SpecificationError("The bootstrap of westerlund() needs fixed lags.")
    s, k = read_equation(panel, formula, gaps, most=6)
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
    published = tables("cointegration/westerlund.tsv", 2)
    mean, variance = (published[code, moment].row(k) for moment in ("mean", "variance"))
    root = np.sqrt(s.N)
    for name, value in zip(names, raw, strict=True):
        m, v = mean[name], variance[name]
        z[name] = (
            float((value - root * m) / np.sqrt(v))
            if name == "Pt"
            else float(root * (value - m) / np.sqrt(v))
        )
        pvalues[name] = float(special.ndtr(z[name]))
    mean_lags, mean_leads = orders.mean(axis=0)
    note = f"{DETERMINISTICS[code]}; {mean_lags:.2f} lags and {mean_leads:.2f} leads"
    if draws:
        with Progress("bootstrap samples", draws) as done:
            drawn = bootstrap_statistics(
                s.matrix("The bootstrap of westerlund()"), top, leads, code, bandwidth, draws,
                np.random.default_rng(seed), done,
            )  # fmt: skip
        drawn, lost = finite_draws(drawn, "westerlund()")
        for j, name in enumerate(names):
            robust[name] = (1 + int(np.sum(drawn[:, j] <= raw[j]))) / (1 + len(drawn))
        note += f"; p by a bootstrap of {draws}, seed {seed}" + (f", {lost}" if lost else "")
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
    test = PanelTest(
        subject=COINTEGRATION,
        name=f"Westerlund {statistic}", null="no error correction, hence no cointegration",
        alternative="cointegration in "
        + ("some entities" if statistic[0] == "G" else "the panel as a whole"),
        statistic=z[statistic], distribution="normal",
        pvalue=robust.get(statistic, pvalues[statistic]), sample=s.sample, note=note,
        detail={"statistics": frame, "by_entity": entity},
    )  # fmt: skip
    return test if draws else with_size(test, s.N, s.periods, DETERMINISTICS[code])


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
