"""Error-correction test of cointegration in panels with common stochastic trends."""

from __future__ import annotations

import numpy as np
import pandas as pd

from migdev.diagnostics.series import Series, require_entities, trend_code
from migdev.errors import IdentificationError, SpecificationError
from migdev.kernels.cointegration.augmented_ecm import (
    ECM_ENTITIES,
    augmented_ecm,
    ecm_critical_values,
)
from migdev.panel.design import Design
from migdev.panel.panel import Panel
from migdev.results.panel_test import PanelTest

_WORDS = {"c": "intercept", "ct": "intercept and trend"}


def gengenbach(
    panel: Panel,
    formula: str,
    *,
    lags: int = 0,
    trend: bool = False,
    short: str = "raise",
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
    if isinstance(lags, bool) or not isinstance(lags, int) or lags < 0:
        raise SpecificationError(f"lags={lags!r}; give a whole number, zero or more.")
    if "~" not in formula:
        raise SpecificationError(f"{formula!r} names no regressor; write 'y ~ x'.")
    d = Design.build(formula, panel, intercept=False)
    first = np.unique(d.entity, return_index=True)[1]
    s = Series(
        name=formula, values=np.column_stack([d.y, d.X]), entity=d.entity, time=d.time,
        labels=panel.entities[panel.entity_codes[d.rows[first]]],
    )  # fmt: skip
    m = s.values.shape[1] - 1
    if not 1 <= m <= 4:
        raise SpecificationError(f"{formula!r} has {m} regressors; this test takes 1 to 4.")
    while True:
        if s.N < 2:
            raise IdentificationError("gengenbach() averages over entities and needs at least two.")
        # Leaving an entity out changes the averages, and may shorten others.
        fit = augmented_ecm(s.values, s.entity, s.time, lags, code)
        long = fit.nobs > fit.k
        reason = f"have no more than the {fit.k} usable periods that the regression takes"
        keep = long if not long.all() else ~fit.collinear
        if keep.all():
            break
        if long.all():
            reason = "have a constant variable or a collinear regression"
        s = require_entities(s, keep, short, reason, "Use fewer lags or regressors")
    edges = int(ECM_ENTITIES[0]), int(ECM_ENTITIES[-1])
    outside = s.N < edges[0] or s.N > edges[1]
    edge = f"; critical values at the table's edge ({np.clip(s.N, *edges)})" if outside else ""
    return PanelTest(
        name="Gengenbach-Urbain-Westerlund",
        null="no error correction, hence no cointegration, in any entity",
        alternative="cointegration in some entities", statistic=float(fit.t.mean()),
        distribution="tabulated", pvalue=float("nan"),
        critical_values=ecm_critical_values(s.N, code, m),
        sample=f"{s.N} entities, {int(fit.nobs.sum())} observations in regressions",
        note=f"{_WORDS[code]}; {lags} lags{edge}",
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
