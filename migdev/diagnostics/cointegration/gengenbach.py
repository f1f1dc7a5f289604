"""Error-correction test of cointegration in panels with common stochastic trends."""

from __future__ import annotations

import numpy as np
import pandas as pd

from migdev.diagnostics.cointegration.equation import count_regressors
from migdev.diagnostics.lags import check_lags
from migdev.diagnostics.series import (
    DETERMINISTICS,
    averaged_regressions,
    observed_series,
    trend_code,
)
from migdev.diagnostics.subjects import COINTEGRATION
from migdev.errors import SpecificationError
from migdev.kernels.cointegration.augmented_ecm import augmented_ecm, ecm_critical_values
from migdev.options import Short
from migdev.panel.panel import Panel
from migdev.results.panel_test import PanelTest
from migdev.results.sizes import with_size


def gengenbach(
    panel: Panel,
    formula: str,
    *,
    lags: int = 0,
    trend: bool = False,
    short: Short = "raise",
) -> PanelTest:
    r"""Gengenbach, Urbain and Westerlund's test: the average t-statistic of error correction where
    cross-section averages stand in for common factors, which may be stochastic trends.

    .. math::
        \Delta y_{it} &= \alpha_iy_{i,t-1} + \gamma_i'x_{i,t-1} + \pi_{i0}'\Delta x_{it}
            + \textstyle\sum_{j=1}^p\pi_{ij}'\Delta z_{i,t-j} + \omega_i'\bar z_{t-1}
            + \sum_{j=0}^p\psi_{ij}'\Delta\bar z_{t-j} + \delta_i'd_t + e_{it} \quad (1) \\
        \bar t &= N^{-1}\textstyle\sum_it(\hat\alpha_i), \qquad z = (y, x')'

    Gaps and unequal spans are allowed: a period enters where the entity has its lags, and the
    averages are over the entities whose regression holds the period. Each regression takes
    :math:`(m+1)(4+2p)-1` coefficients and deterministics with m regressors, so that long series
    are needed.

    Parameters
    ----------
    formula : str
        ``"y ~ x + z"``, up to four regressors.
    lags : int
        Lagged differences p, of the entity and of the averages.
    trend : bool
        Intercepts, or intercepts and trends.
    short : {"raise", "drop"}
        Entities too short for (1), or with a collinear regression.

    Returns
    -------
    PanelTest
        Rejects for values below the critical ones, which are interpolated over N. ``pvalue`` is
        missing: only critical values are tabulated. ``detail["by_entity"]`` holds each entity's
        speed and t-statistic.

    References
    ----------
    Gengenbach, Urbain and Westerlund (2016), Journal of Applied Econometrics 31, 982-1004.
    """
    code = trend_code(trend)
    if code == "n":
        raise SpecificationError("gengenbach() needs an intercept: its table has one.")
    check_lags(lags)
    s = observed_series(panel, formula)
    m = count_regressors(s, formula, most=4)
    s, fit = averaged_regressions(
        s, lambda s: augmented_ecm(s.values, s.entity, s.time, lags, code), short, "gengenbach()",
        "Use fewer lags or regressors",
    )  # fmt: skip
    nearest = int(np.clip(s.N, 10, 100))
    edge = "" if nearest == s.N else f"; critical values at the table's edge ({nearest})"
    test = PanelTest(
        subject=COINTEGRATION, name="Gengenbach-Urbain-Westerlund",
        null="no error correction, hence no cointegration, in any entity",
        alternative="cointegration in some entities", statistic=float(fit.t.mean()),
        distribution="tabulated", pvalue=float("nan"),
        tail="lower", critical_values=ecm_critical_values(s.N, code, m),
        sample=f"{s.N} entities, {int(fit.nobs.sum())} observations in regressions",
        note=f"{DETERMINISTICS[code]}; {lags} lags{edge}",
        detail={
            "by_entity": pd.DataFrame(
                {
                    "entity": np.asarray(s.labels), "speed": fit.speed, "t": fit.t,
                    "nobs": fit.nobs,
                }
            ),
            "mean_speed": float(fit.speed.mean()),
        },
    )  # fmt: skip
    return with_size(test, s.N, s.periods, DETERMINISTICS[code])
