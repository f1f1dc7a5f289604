"""Im, Pesaran and Shin's test: the average of entities' Dickey-Fuller t-statistics."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from scipy import special

from migdev.diagnostics.series import DETERMINISTICS, Trend, trend_code
from migdev.diagnostics.subjects import UNIT_ROOTS
from migdev.diagnostics.unit_roots.dickey_fuller import (
    NULL,
    SOME,
    Lags,
    by_entity,
    regressions,
    t_statistics,
)
from migdev.errors import SpecificationError
from migdev.kernels.arrays.tables import tables
from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.kernels.unit_roots.adf_batch import AdfBatch
from migdev.options import Gaps, Short, check_choice
from migdev.panel.panel import Panel
from migdev.results.panel_test import PanelTest
from migdev.results.sizes import with_size

Statistic = Literal["W", "t-bar", "Z", "Z-tilde"]
MomentsBy = Literal["regression", "periods"]


def ips(
    panel: Panel,
    variable: str,
    *,
    lags: Lags = 1,
    max_lags: int | None = None,
    trend: Trend = False,
    statistic: Statistic = "W",
    moments: MomentsBy = "regression",
    common_sample: bool = True,
    df_correction: bool = True,
    demean: bool = False,
    gaps: Gaps = "longest",
    short: Short = "raise",
) -> PanelTest:
    r"""Im, Pesaran and Shin's test: the average of entities' ADF t-statistics.

    .. math::
        W = \frac{\sqrt N\{\bar t - N^{-1}\sum_i E(t_{iT}|p_i)\}}
                 {\sqrt{N^{-1}\sum_i Var(t_{iT}|p_i)}} \to N(0, 1) \quad (1)

    Parameters
    ----------
    variable : str
        A column, or an expression such as ``np.log(gdp)``.
    lags : int, "aic", "bic", "t-sig", one int per entity, or mapping from entity to int
        Lagged differences in each regression; a criterion chooses by entity up to ``max_lags``
        (default Schwert's rule).
    trend : bool
        Intercept only, or intercept and trend.
    statistic : {"W", "t-bar", "Z", "Z-tilde"}
        (1) with the moments of the paper's table 3, interpolated over periods; or the average
        itself with the critical values of table 2 (balanced panels without lags). "Z" (Z-t-bar)
        takes the moments of table 1, and "Z-tilde" (Z-t-tilde-bar of Stata's ``xtunitroot ips``
        without lags) averages t-statistics whose variance is estimated under the null, with theirs:
        both without lags and trend, for 6 periods and more.
    moments : {"regression", "periods"}
        Look tables up at the periods of each regression (the paper, plm), or at those of the data
        (Stata, which differs most where there are many lags and few periods).
    common_sample : bool
        Compare lag orders on the sample of the largest one.
    df_correction : bool
        Residual variances over n - k (the paper, Stata), or over n (plm's default).
    demean : bool
        Subtract period averages first.
    gaps : {"longest", "raise"}
        Entities with gaps keep their longest unbroken spell, or raise.
    short : {"raise", "drop"}
        Entities too short for the lags, or constant.

    Returns
    -------
    PanelTest
        Rejects for large negative values. ``detail["by_entity"]`` holds each regression.

    References
    ----------
    Im, Pesaran and Shin (2003), Journal of Econometrics 115, 53-74.
    """
    code = trend_code(trend)
    if code == "n":
        raise SpecificationError("ips() needs an intercept: its moments are tabulated with one.")
    check_choice("statistic", statistic, Statistic)
    check_choice("moments", moments, MomentsBy)
    s, orders, fit, note = regressions(
        panel, variable, lags, max_lags, code, common_sample, demean, gaps, short, df_correction
    )
    t = t_statistics(fit, df_correction)
    tbar = float(t.mean())
    detail = {"by_entity": by_entity(s, fit, orders, code).assign(t=t), "t_bar": tbar}
    common: dict[str, Any] = {
        "null": NULL, "alternative": SOME, "sample": s.sample, "detail": detail,
    }  # fmt: skip
    periods = fit.nobs if moments == "regression" else s.lengths
    if statistic in ("Z", "Z-tilde"):
        table = tables("unit_roots/ips_t.tsv", 1)[(statistic,)]
        if orders.any() or code == "ct" or periods.min() < table.rows[0]:
            raise SpecificationError(
                f"The moments of {statistic} hold for lags=0 without a trend and "
                f"{table.rows[0]:.0f} periods or more; use statistic='W'."
            )
        if statistic == "Z-tilde":
            t = t_tilde(fit)
            detail["t_tilde_bar"] = float(t.mean())
        m, v = table.down("mean", periods), table.down("variance", periods)
        Z = float(np.sqrt(s.N) * (t.mean() - m.mean()) / np.sqrt(v.mean()))
        return PanelTest(
            subject=UNIT_ROOTS,
            name="IPS Z-t-bar" if statistic == "Z" else "IPS Z-t-tilde-bar", statistic=Z,
            distribution="normal", pvalue=float(special.ndtr(Z)), note=note, **common,
        )  # fmt: skip
    if statistic == "t-bar":
        if orders.any() or fit.nobs.min() < fit.nobs.max():
            raise SpecificationError(
                "The critical values of t-bar hold for balanced panels and lags=0; use "
                "statistic='W'."
            )
        published = tables("unit_roots/ips_tbar.tsv", 2)
        cuts = {
            level: published[code, level].between(s.N, int(periods[0]))
            for level in ("1%", "5%", "10%")
        }
        return PanelTest(
            subject=UNIT_ROOTS,
            name="IPS t-bar", statistic=tbar, distribution="tabulated", pvalue=float("nan"),
            critical_values=cuts, tail="lower", note=note, **common,
        )  # fmt: skip
    mean, variance = ips_moments(periods, orders, code)
    W = float(np.sqrt(s.N) * (tbar - mean.mean()) / np.sqrt(variance.mean()))
    test = PanelTest(
        subject=UNIT_ROOTS,
        name="IPS W-t-bar", statistic=W, distribution="normal", pvalue=float(special.ndtr(W)),
        note=note, **common,
    )  # fmt: skip
    return with_size(test, s.N, s.periods, DETERMINISTICS[code])


def ips_moments(periods: IntArray, lags: IntArray, trend: str) -> tuple[Any, Any]:
    """(N,) means and variances of ADF t-statistics under the null, from IPS's table 3."""
    row = np.minimum(lags, 8)
    moments = {"mean": np.empty(len(row)), "variance": np.empty(len(row))}
    for lag in np.unique(row):
        at = row == lag
        for name, out in moments.items():
            out[at] = tables("unit_roots/ips_lags.tsv", 2)[trend, name].along(lag, periods[at])
    return moments["mean"], moments["variance"]


def t_tilde(fit: AdfBatch) -> FloatArray:
    r"""(N,) t-statistics with the variance :math:`\Delta y'M\Delta y/(T-1)`, from those with the
    residual variance, for regressions without lags."""
    return np.asarray(fit.t * np.sqrt((fit.nobs - 1) / (fit.t**2 + fit.nobs - fit.k)))
