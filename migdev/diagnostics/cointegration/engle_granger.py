"""Engle and Granger's test of cointegration, entity by entity and combined over a panel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from migdev.diagnostics.cointegration.equation import collinear, read_equation
from migdev.diagnostics.lags import lag_orders
from migdev.diagnostics.series import DETERMINISTICS, require_entities, trend_code
from migdev.diagnostics.unit_roots.fisher import combine_pvalues
from migdev.engines.statsmodels import mackinnon_critical, mackinnon_pvalue
from migdev.errors import SpecificationError
from migdev.kernels.cointegration.pedroni import residuals_of
from migdev.kernels.heterogeneous.slopes import blocks
from migdev.kernels.unit_roots.adf_batch import adf_panel
from migdev.options import Gaps, Short
from migdev.panel.panel import Panel
from migdev.results.panel_test import PanelTest


def engle_granger(
    panel: Panel,
    formula: str,
    *,
    lags: int | Literal["aic", "bic", "t-sig"] = "aic",
    max_lags: int | None = None,
    trend: bool = False,
    common_sample: bool = True,
    gaps: Gaps = "longest",
    short: Short = "raise",
) -> PanelTest:
    r"""Residuals of each entity's regression in levels, tested for a unit root.

    .. math::
        y_t &= \delta'd_t + \beta'x_t + e_t, \qquad
        \Delta\hat e_t = \alpha\hat e_{t-1} + \textstyle\sum_{j=1}^p c_j\Delta\hat e_{t-j} + u_t
            \quad (1) \\
        P &= -2\textstyle\sum_i\ln p_i \sim \chi^2(2N)

    Parameters
    ----------
    formula : str
        ``"y ~ x + z"``, up to five regressors.
    lags : int, "aic", "bic" or "t-sig"
        p in (1); a criterion chooses by entity up to ``max_lags`` (default Schwert's rule).
    trend : bool
        Intercepts in the first regression, or intercepts and trends.
    common_sample, gaps, short
        As in :func:`~migdev.diagnostics.ips`.

    Returns
    -------
    PanelTest
        P, or with one entity the t of :math:`\alpha` with its critical values in samples of that
        length. ``detail["by_entity"]`` holds t, p-value and critical value at 5% of each entity.

    References
    ----------
    Engle and Granger (1987), Econometrica 55, 251-276. MacKinnon (1994), Journal of Business and
    Economic Statistics 12, 167-176. Maddala and Wu (1999), Oxford Bulletin of Economics and
    Statistics 61, 631-652.
    """
    code = trend_code(trend)
    if code == "n":
        raise SpecificationError("engle_granger() needs an intercept: trend=False or True.")
    s, k = read_equation(panel, formula, gaps, most=5)
    fewest = k + 4 + (code == "ct")
    s = require_entities(
        s, s.lengths >= fewest, short, f"have fewer than {fewest} periods", "Leave them out"
    )
    s = require_entities(
        s, ~collinear(s, code), short, "have a constant or collinear variable", "Leave it out"
    )
    e = np.empty(len(s.values))
    for _, rows in blocks(s.entity):
        e[rows] = residuals_of(s.values[rows], code)[0]
    s, orders, note = lag_orders(
        replace(s, values=e[:, None]), lags, max_lags, "n", short, common_sample
    )
    fit = adf_panel(s.y, s.entity, orders, "n")
    p = mackinnon_pvalue(fit.t, code, k + 1)
    critical = {n: mackinnon_critical(code, n - 1, k + 1) for n in np.unique(s.lengths).tolist()}
    common: dict[str, Any] = {
        "sample": s.sample,
        "note": f"{DETERMINISTICS[code]}; {note}",
        "detail": {
            "by_entity": pd.DataFrame(
                {
                    "entity": np.asarray(s.labels), "t": fit.t, "p_value": p,
                    "critical_5": [critical[n]["5%"] for n in s.lengths.tolist()],
                    "lags": orders, "nobs": fit.nobs,
                }
            )
        },
    }  # fmt: skip
    if s.N == 1:
        return PanelTest(
            name="Engle-Granger", null="no cointegration", alternative="cointegration",
            statistic=float(fit.t[0]), distribution="tabulated", pvalue=float(p[0]),
            critical_values=critical[int(s.lengths[0])], **common,
        )  # fmt: skip
    P, distribution, df, pvalue = combine_pvalues(p)["P"]
    return PanelTest(
        name="Engle-Granger, Fisher combination", null="no cointegration in any entity",
        alternative="cointegration in some entities", statistic=P, distribution=distribution,
        df=df, pvalue=pvalue, **common,
    )  # fmt: skip
