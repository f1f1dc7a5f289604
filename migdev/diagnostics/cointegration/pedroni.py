"""Pedroni's residual-based tests of cointegration."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import pandas as pd
from scipy import special

from migdev.diagnostics.cointegration.equation import collinear, read_equation
from migdev.diagnostics.series import DETERMINISTICS, require_entities, trend_code
from migdev.diagnostics.subjects import COINTEGRATION
from migdev.errors import SpecificationError
from migdev.kernels.arrays.tables import tables
from migdev.kernels.cointegration.pedroni import pedroni_statistics
from migdev.options import Gaps, Short, check_choice
from migdev.panel.panel import Panel
from migdev.results.panel_test import PanelTest
from migdev.results.sizes import with_size

Statistic = Literal[
    "panel-v", "panel-rho", "panel-t", "panel-adf", "group-rho", "group-t", "group-adf"
]  # fmt: skip
PedroniLags = int | Literal["aic", "bic"]


def pedroni(
    panel: Panel,
    formula: str,
    *,
    statistic: Statistic = "group-adf",
    trend: bool = False,
    lags: PedroniLags = "aic",
    max_lags: int | None = None,
    bandwidth: int | None = None,
    common_sample: bool = True,
    demean: bool = False,
    gaps: Gaps = "longest",
    short: Short = "raise",
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
    All over-reject in short panels, the ADF forms too where a criterion chooses their lags; with
    one lag these come nearest to their size (see ``caution`` of the result).

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
    if code == "n":
        raise SpecificationError(
            "pedroni() needs an intercept: its moments are tabulated with one."
        )
    names = get_args(Statistic)
    check_choice("statistic", statistic, Statistic)
    check_choice("lags", lags, PedroniLags)
    top = lags if isinstance(lags, int) else 0
    s, k = read_equation(panel, formula, gaps, most=7, demean=demean)
    fewest = max(k + 2 + (code == "ct") + 3, 2 * top + 6)
    s = require_entities(
        s, s.lengths >= fewest, short, f"have fewer than {fewest} periods", "Use fewer lags"
    )
    s = require_entities(
        s, ~collinear(s, code), short, "have a constant or collinear variable", "Leave it out"
    )
    raw, orders = pedroni_statistics(
        s.values, s.entity, code, lags, max_lags, bandwidth, common_sample
    )
    published = tables("cointegration/pedroni.tsv", 2)
    mean, variance = (published[code, moment].row(k) for moment in ("mean", "variance"))
    column = {n: n.replace("adf", "t") for n in names}
    root = np.sqrt(s.N)
    z = {n: float((raw[n] - mean[column[n]] * root) / np.sqrt(variance[column[n]])) for n in names}
    p = {n: float(special.ndtr(-z[n] if n == "panel-v" else z[n])) for n in names}
    frame = pd.DataFrame({"statistic": raw, "z": z, "p_value": p}).loc[list(names)]
    how = lags if isinstance(lags, str) else f"{lags} lags"
    test = PanelTest(
        subject=COINTEGRATION,
        name=f"Pedroni {statistic}", null="no cointegration in any entity", distribution="normal",
        alternative="cointegration, with a common root (panel) or entity by entity (group)",
        statistic=z[statistic], pvalue=p[statistic], sample=s.sample,
        note=f"{DETERMINISTICS[code]}; ADF lags: {how}, {orders.mean():.2f} on average"
        + ("; period averages subtracted" if demean else ""),
        detail={"statistics": frame},
    )  # fmt: skip
    chosen = "lags by aic" if isinstance(lags, str) else "1 lag"
    return with_size(test, s.N, s.periods, f"intercept, {chosen}")
