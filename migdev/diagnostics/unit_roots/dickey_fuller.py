"""Panel unit-root tests that pool Dickey-Fuller regressions: IPS, Fisher, LLC, CIPS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from migdev.diagnostics.series import (
    Series,
    lag_orders,
    own_lags,
    read_series,
    require_entities,
    trend_code,
)
from migdev.engines.statsmodels import mackinnon_pvalue
from migdev.errors import SpecificationError
from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.kernels.unit_roots.adf_batch import (
    AdfBatch,
    adf_panel,
)
from migdev.kernels.unit_roots.llc import LlcParts, llc_statistic
from migdev.kernels.unit_roots.phillips_perron import phillips_perron
from migdev.kernels.unit_roots.tables import (
    IPS_MOMENTS,
    IPS_PERIODS,
    IPS_Z_MOMENTS,
    IPS_Z_PERIODS,
    TBAR_CRITICAL,
    TBAR_ENTITIES,
    TBAR_PERIODS,
    interpolate,
    interpolate_line,
)
from migdev.panel.panel import Panel
from migdev.results.panel_test import PanelTest

_NULL = "every entity's series has a unit root"
_SOME = "some entities' series are stationary"
Lags = int | str | Sequence[int] | Mapping[Any, int]


def ips(
    panel: Panel,
    variable: str,
    *,
    lags: Lags = 1,
    max_lags: int | None = None,
    trend: bool | str = False,
    statistic: str = "W",
    moments: str = "regression",
    common_sample: bool = True,
    df_correction: bool = True,
    demean: bool = False,
    gaps: str = "longest",
    short: str = "raise",
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
    _one_of("statistic", statistic, ("W", "t-bar", "Z", "Z-tilde"))
    _one_of("moments", moments, ("regression", "periods"))
    s, orders, fit, note = _regressions(
        panel, variable, lags, max_lags, code, common_sample, demean, gaps, short, df_correction
    )
    t = _t(fit, df_correction)
    tbar = float(t.mean())
    detail = {"by_entity": _by_entity(s, fit, orders, code).assign(t=t), "t_bar": tbar}
    common: dict[str, Any] = {
        "null": _NULL, "alternative": _SOME, "sample": s.sample, "detail": detail,
    }  # fmt: skip
    periods = fit.nobs if moments == "regression" else s.lengths
    if statistic in ("Z", "Z-tilde"):
        if orders.any() or code == "ct" or periods.min() < IPS_Z_PERIODS[0]:
            raise SpecificationError(
                f"The moments of {statistic} hold for lags=0 without a trend and {IPS_Z_PERIODS[0]}"
                " periods or more; use statistic='W'."
            )
        if statistic == "Z-tilde":
            t = t_tilde(fit)
            detail["t_tilde_bar"] = float(t.mean())
        m, v = (
            np.interp(periods, IPS_Z_PERIODS, IPS_Z_MOMENTS[statistic, name])
            for name in ("mean", "var")
        )
        Z = float(np.sqrt(s.N) * (t.mean() - m.mean()) / np.sqrt(v.mean()))
        return PanelTest(
            name="IPS Z-t-bar" if statistic == "Z" else "IPS Z-t-tilde-bar", statistic=Z,
            distribution="normal", pvalue=float(special.ndtr(Z)), note=note, **common,
        )  # fmt: skip
    if statistic == "t-bar":
        if orders.any() or fit.nobs.min() < fit.nobs.max():
            raise SpecificationError(
                "The critical values of t-bar hold for balanced panels and lags=0; use "
                "statistic='W'."
            )
        cuts = {
            level: interpolate(
                TBAR_CRITICAL[code, level], TBAR_ENTITIES, TBAR_PERIODS, s.N, int(periods[0])
            )
            for level in ("1%", "5%", "10%")
        }
        return PanelTest(
            name="IPS t-bar", statistic=tbar, distribution="tabulated", pvalue=float("nan"),
            critical_values=cuts, note=note, **common,
        )  # fmt: skip
    mean, variance = ips_moments(periods, orders, code)
    W = float(np.sqrt(s.N) * (tbar - mean.mean()) / np.sqrt(variance.mean()))
    return PanelTest(
        name="IPS W-t-bar", statistic=W, distribution="normal", pvalue=float(special.ndtr(W)),
        note=note, **common,
    )  # fmt: skip


def ips_moments(periods: IntArray, lags: IntArray, trend: str) -> tuple[Any, Any]:
    """(N,) means and variances of ADF t-statistics under the null, from IPS's table 3."""
    row = np.minimum(lags, 8)
    mean, variance = np.empty(len(row)), np.empty(len(row))
    for lag in np.unique(row):
        at = row == lag
        for out, name in ((mean, "mean"), (variance, "var")):
            out[at] = interpolate_line(IPS_MOMENTS[trend, name][lag], IPS_PERIODS, periods[at])
    return mean, variance


def t_tilde(fit: AdfBatch) -> FloatArray:
    r"""(N,) t-statistics with the variance :math:`\Delta y'M\Delta y/(T-1)`, from those with the
    residual variance, for regressions without lags."""
    return np.asarray(fit.t * np.sqrt((fit.nobs - 1) / (fit.t**2 + fit.nobs - fit.k)))


def fisher(
    panel: Panel,
    variable: str,
    *,
    lags: Lags = 1,
    max_lags: int | None = None,
    trend: bool | str = False,
    statistic: str = "P",
    test: str = "adf",
    common_sample: bool = True,
    df_correction: bool = True,
    demean: bool = False,
    gaps: str = "longest",
    short: str = "raise",
) -> PanelTest:
    r"""Fisher-type tests: entities' p-values combined.

    .. math::
        P &= -2\textstyle\sum_i\ln p_i \sim \chi^2(2N), \quad
        P_m = (P - 2N)/\sqrt{4N} \sim N(0,1), \\
        Z &= N^{-1/2}\textstyle\sum_i\Phi^{-1}(p_i) \sim N(0,1), \quad
        L^* = \sqrt{k}\textstyle\sum_i\ln\{p_i/(1-p_i)\} \sim t(5N+4)

    with :math:`k = 3(5N+4)/\{\pi^2N(5N+2)\}`.

    Parameters
    ----------
    variable, lags, max_lags, trend, common_sample, df_correction, demean, gaps, short
        As in :func:`ips`; ``trend="n"`` leaves out the intercept too.
    statistic : {"P", "Z", "L", "Pm"}
        Inverse chi-squared (Maddala and Wu), inverse normal (Choi; the best trade-off of size and
        power by his simulations), inverse logit, or modified P for large N. All four are in
        ``detail``.
    test : {"adf", "pp"}
        Augmented Dickey-Fuller, or Phillips-Perron's :math:`Z_t` with ``lags`` Newey-West lags.

    References
    ----------
    Maddala and Wu (1999), Oxford Bulletin of Economics and Statistics 61, 631-652. Choi (2001),
    Journal of International Money and Finance 20, 249-272. P-values: MacKinnon (1994), Journal of
    Business and Economic Statistics 12, 167-176.
    """
    code = trend_code(trend)
    _one_of("statistic", statistic, ("P", "Z", "L", "Pm"))
    _one_of("test", test, ("adf", "pp"))
    if test == "pp" and (
        isinstance(lags, bool) or not isinstance(lags, int | np.integer) or lags < 0
    ):
        raise SpecificationError("test='pp' takes lags as a number of Newey-West lags.")
    s, orders, fit, note = _regressions(
        panel, variable, 0 if test == "pp" else lags, max_lags, code, common_sample, demean, gaps,
        short, df_correction,
    )  # fmt: skip
    t = _t(fit, df_correction)
    if test == "pp":
        t = phillips_perron(s.y, s.entity, int(lags), code)  # type: ignore[arg-type]
        note = f"Phillips-Perron with {lags} Newey-West lags"
    p = mackinnon_pvalue(t, code)
    frame = _by_entity(s, fit, orders, code).assign(t=t, p_value=p)
    combined = combine_pvalues(p)
    value, distribution, df, pvalue = combined[statistic]
    names = {"P": "P", "Z": "Z", "L": "L*", "Pm": "Pm"}
    return PanelTest(
        name=f"Fisher {names[statistic]} ({test.upper()})", null=_NULL, alternative=_SOME,
        statistic=value, distribution=distribution, df=df, pvalue=pvalue, sample=s.sample,
        note=note, detail={"by_entity": frame, **{k: v[0] for k, v in combined.items()},
                           "pvalues": {k: v[3] for k, v in combined.items()}},
    )  # fmt: skip


def combine_pvalues(p: Any) -> dict[str, tuple[float, str, float | None, float]]:
    """Statistic, distribution, degrees of freedom and p-value of the four combinations."""
    N = len(p)
    q = np.clip(p, 1e-300, 1 - 1e-16)
    P = float(-2 * np.log(q).sum())
    Pm = (P - 2 * N) / np.sqrt(4.0 * N)
    Z = float(special.ndtri(q).sum() / np.sqrt(N))
    k = 3 * (5 * N + 4) / (np.pi**2 * N * (5 * N + 2))
    L = float(np.sqrt(k) * np.log(q / (1 - q)).sum())
    df = 5.0 * N + 4
    return {
        "P": (P, "chi2", 2.0 * N, float(special.chdtrc(2 * N, P))),
        "Z": (Z, "normal", None, float(special.ndtr(Z))),
        "L": (L, "t", df, float(special.stdtr(df, L))),
        "Pm": (float(Pm), "normal", None, float(special.ndtr(-Pm))),
    }


def llc(
    panel: Panel,
    variable: str,
    *,
    lags: Lags = 1,
    max_lags: int | None = None,
    trend: bool | str = False,
    bandwidth: int | None = None,
    convention: str = "paper",
    common_sample: bool = True,
    demean: bool = False,
    gaps: str = "longest",
    short: str = "raise",
) -> PanelTest:
    r"""Levin, Lin and Chu's test: a common autoregressive root.

    .. math::
        t^* = \frac{t_\delta - N\tilde T\hat S_N\hat\sigma_\varepsilon^{-2}
            \widehat{se}(\hat\delta)\mu^*}{\sigma^*} \to N(0, 1), \qquad
            \tilde T = T - \bar p - 1 \quad (1)

    where :math:`t_\delta` is the t-statistic of the pooled regression of orthogonalised
    differences on orthogonalised levels, both over the entity's residual standard error, and
    :math:`\hat S_N` averages ratios of long-run to short-run standard deviations.

    Parameters
    ----------
    variable, lags, max_lags, trend, common_sample, demean, gaps, short
        As in :func:`ips`; ``trend="n"`` leaves out the intercept too.
    bandwidth : int, optional
        Bartlett lags of the long-run variances; default 3.21 T^(1/3), rounded.
    convention : {"paper", "plm", "stata"}
        Read mu* and sigma* at T-tilde, as the paper does, or at T, as plm's purtest. With a trend
        both remove one from the differences before the long-run variance; Stata's xtunitroot
        removes their mean only, cuts the default bandwidth to a whole number, and reads at T-tilde.

    Notes
    -----
    The usual bandwidth over-rejects, because centred differences understate long-run variances:
    for N = 20, T = 50 and independent random walks a 5% test rejects in 24-29% of 500 draws with
    an intercept, 41-52% with a trend; three or four lags give 5-6% and below 1%.

    Raises
    ------
    PanelError
        The panel is not balanced: the test is not defined.

    References
    ----------
    Levin, Lin and Chu (2002), Journal of Econometrics 108, 1-24.
    """
    code = trend_code(trend)
    _one_of("convention", convention, ("paper", "plm", "stata"))
    if bandwidth is not None and bandwidth < 0:
        raise SpecificationError(f"bandwidth={bandwidth}; zero or more.")
    s, orders, fit, note = _regressions(
        panel, variable, lags, max_lags, code, common_sample, demean, gaps, short,
        df_correction=convention != "plm",
    )  # fmt: skip
    Y = s.matrix("The Levin-Lin-Chu test", "ips() or fisher()")[:, :, 0]
    if bandwidth is None and convention == "stata":
        bandwidth = int(3.21 * Y.shape[1] ** (1 / 3))
    centre = "c" if convention == "stata" and code == "ct" else code
    parts: LlcParts = llc_statistic(Y, orders, code, bandwidth, convention == "plm", centre)
    frame = _by_entity(s, fit, orders, code).assign(ratio=parts.ratio)
    return PanelTest(
        name="Levin-Lin-Chu t*", null=_NULL, alternative="all series are stationary",
        statistic=parts.statistic, distribution="normal", sample=s.sample,
        pvalue=float(special.ndtr(parts.statistic)),
        note=f"{note}; {parts.bandwidth} Bartlett lags; moments as in {convention}",
        detail={"by_entity": frame, "t_delta": parts.t_delta, "delta": parts.delta},
    )  # fmt: skip


# ---------------------------------------------------------------------- shared steps


def _one_of(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise SpecificationError(f"{name}={value!r}; use one of {', '.join(map(repr, choices))}.")


def _regressions(
    panel: Panel, variable: str, lags: Lags, max_lags: int | None, trend: str, common: bool,
    demean: bool, gaps: str, short: str, df_correction: bool = True,
) -> tuple[Series, IntArray, AdfBatch, str]:  # fmt: skip
    s = read_series(panel, variable, gaps=gaps, demean=demean)
    lags = own_lags(s, lags)
    spread = np.maximum.reduceat(s.y, _starts(s)) - np.minimum.reduceat(s.y, _starts(s))
    moves = spread > 0
    s = require_entities(s, moves, short, "are constant", "Leave them out")
    s, orders, note = lag_orders(s, lags, max_lags, trend, short, common, df_correction)
    fit = adf_panel(s.y, s.entity, orders, trend)
    if fit.collinear.any():
        s = require_entities(
            s, ~fit.collinear, short, "give a collinear or exact Dickey-Fuller regression",
            "Leave them out",
        )  # fmt: skip
        orders = orders[~fit.collinear]
        fit = adf_panel(s.y, s.entity, orders, trend)
    words = {"n": "no deterministics", "c": "intercept", "ct": "intercept and trend"}[trend]
    return s, orders, fit, f"{words}; {note}" + ("; period averages subtracted" if demean else "")


def _t(fit: AdfBatch, df_correction: bool) -> FloatArray:
    return fit.t if df_correction else fit.t * np.sqrt(fit.nobs / (fit.nobs - fit.k))


def _starts(s: Series) -> IntArray:
    starts: IntArray = np.unique(s.entity, return_index=True)[1]
    return starts


def _by_entity(s: Series, fit: AdfBatch, orders: IntArray, trend: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "entity": np.asarray(s.labels), "t": fit.t,
            "p_value": mackinnon_pvalue(fit.t, trend), "lags": orders, "nobs": fit.nobs,
        }
    )  # fmt: skip
