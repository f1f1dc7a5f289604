"""Pesaran's unit-root test for panels with a common factor."""

from __future__ import annotations

import numpy as np
import pandas as pd

from migdev.diagnostics.lags import check_lags
from migdev.diagnostics.series import (
    DETERMINISTICS,
    Trend,
    averaged_regressions,
    observed_series,
    trend_code,
)
from migdev.diagnostics.subjects import UNIT_ROOTS
from migdev.kernels.arrays.tables import tables
from migdev.kernels.unit_roots.cips import cadf
from migdev.options import Short
from migdev.panel.panel import Panel
from migdev.results.panel_test import PanelTest
from migdev.results.sizes import with_size

#: Bounds of truncated statistics, Pesaran (2007), section 4.
_BOUNDS = {"n": (-6.12, 4.16), "c": (-6.19, 2.61), "ct": (-6.42, 1.70)}


def cips(
    panel: Panel,
    variable: str,
    *,
    lags: int = 1,
    trend: Trend = False,
    truncated: bool = False,
    short: Short = "raise",
) -> PanelTest:
    r"""Average t-statistic of cross-sectionally augmented Dickey-Fuller regressions.

    .. math::
        \Delta y_{it} &= a_i + b_iy_{i,t-1} + c_i\bar y_{t-1}
            + \textstyle\sum_{j=0}^p d_{ij}\Delta\bar y_{t-j}
            + \sum_{j=1}^p\delta_{ij}\Delta y_{i,t-j} + e_{it} \quad (1) \\
        CIPS &= N^{-1}\textstyle\sum_i t(\hat b_i) \quad (2)

    Averages over entities stand in for one common factor. Gaps and unequal spans are allowed: a
    period enters where the entity has its lags.

    Parameters
    ----------
    variable : str
        A column, or an expression such as ``np.log(gdp)``.
    lags : int
        Lagged differences, of the entity and of the averages.
    trend : bool or "n"
        Intercept, intercept and trend, or neither.
    truncated : bool
        Replace entities' statistics beyond the paper's bounds (-K1, K2) by these bounds (CIPS*),
        which matters for few periods.
    short : {"raise", "drop"}
        Entities too short for the lags, or with a collinear regression.

    Returns
    -------
    PanelTest
        Rejects for values below the critical ones, which are interpolated over N and the average
        number of periods in the regressions. ``pvalue`` is missing: only critical values are
        tabulated. ``detail["by_entity"]`` holds each regression.

    References
    ----------
    Pesaran (2007), Journal of Applied Econometrics 22, 265-312.
    """
    code = trend_code(trend)
    check_lags(lags)
    s, fit = averaged_regressions(
        observed_series(panel, variable), lambda s: cadf(s.y, s.entity, s.time, lags, code), short,
        "cips()", "Use fewer lags",
    )  # fmt: skip
    low, high = _BOUNDS[code]
    t = np.clip(fit.t, low, high) if truncated else fit.t
    T = float(fit.nobs.mean())
    frame = pd.DataFrame(
        {"entity": np.asarray(s.labels), "cadf": fit.t, "lags": lags, "nobs": fit.nobs}
    )
    test = PanelTest(
        subject=UNIT_ROOTS,
        name="CIPS*" if truncated else "CIPS", null="every entity's series has a unit root",
        alternative="some entities' series are stationary", statistic=float(t.mean()),
        distribution="tabulated", pvalue=float("nan"),
        tail="lower", critical_values=cips_critical_values(s.N, T, code, truncated),
        sample=f"{s.N} entities, {int(fit.nobs.sum())} observations in regressions",
        note=f"{DETERMINISTICS[code]}; {lags} lags", detail={"by_entity": frame},
    )  # fmt: skip
    return with_size(test, s.N, s.periods, DETERMINISTICS[code])


def cips_critical_values(N: int, T: float, trend: str, truncated: bool) -> dict[str, float]:
    """Critical values of Pesaran's tables II(a)-(c), bilinear between their sizes."""
    published = tables("unit_roots/cips.tsv", 3)
    name = "CIPS*" if truncated else "CIPS"
    return {level: published[name, trend, level].between(N, T) for level in ("1%", "5%", "10%")}
