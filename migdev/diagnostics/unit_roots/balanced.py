"""Panel unit-root tests that need a balanced panel: Hadri, Harris-Tzavalis, Breitung."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from scipy import special

from migdev.diagnostics.series import (
    DETERMINISTICS,
    Series,
    Trend,
    read_series,
    require_entities,
    trend_code,
)
from migdev.diagnostics.subjects import UNIT_ROOTS
from migdev.errors import IdentificationError, SpecificationError
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.unit_roots.adf_batch import adf, deterministics
from migdev.kernels.unit_roots.balanced import (
    breitung_statistic,
    hadri_statistic,
    harris_tzavalis_statistic,
)
from migdev.options import Gaps, check_choice
from migdev.panel.panel import Panel
from migdev.results.panel_test import PanelTest
from migdev.results.sizes import with_size

Convention = Literal["paper", "stata"]


def hadri(
    panel: Panel,
    variable: str,
    *,
    trend: bool = False,
    heterogeneous: bool = True,
    df_correction: bool = False,
    bandwidth: int = 0,
    demean: bool = False,
    gaps: Gaps = "raise",
) -> PanelTest:
    r"""Hadri's LM test, whose null is that every series is stationary.

    .. math::
        Z = \sqrt N(LM - \xi)/\zeta, \qquad
        LM = N^{-1}\textstyle\sum_i T^{-2}\sum_t S_{it}^2/\hat\sigma_i^2 \quad (1)

    with partial sums S of residuals from an intercept (:math:`\xi = 1/6,\ \zeta^2 = 1/45`) or an
    intercept and trend (1/15, 11/6300).

    Parameters
    ----------
    variable : str
        A column, or an expression such as ``np.log(gdp)``.
    trend : bool
    heterogeneous : bool
        A variance for each entity, or a common one.
    df_correction : bool
        Variances over T - 1 (T - 2 with a trend), as Hadri's small-sample form, or over T.
    bandwidth : int
        Bartlett lags of long-run variances; 0 assumes serially uncorrelated errors.
    demean : bool
        Subtract period averages first.

    Raises
    ------
    PanelError
        The panel is not balanced, or has gaps.

    References
    ----------
    Hadri (2000), Econometrics Journal 3, 148-161.
    """
    code = trend_code(trend)
    if code == "n":
        raise SpecificationError("hadri() needs an intercept.")
    if bandwidth < 0:
        raise SpecificationError(f"bandwidth={bandwidth}; zero or more.")
    s, Y = _balanced(panel, variable, "Hadri's test", gaps, demean)
    Q = np.linalg.qr(deterministics(Y.shape[1], code))[0]
    centred = Y - Y.mean(axis=1, keepdims=True)
    gap = np.abs(centred - (centred @ Q) @ Q.T).max(axis=1)
    _exact(s, gap <= 1e-10 * np.ptp(Y, axis=1), "are trends without error")
    z, own = hadri_statistic(Y, code, heterogeneous, df_correction, min(bandwidth, Y.shape[1] - 2))
    test = PanelTest(
        subject=UNIT_ROOTS, name="Hadri z", null="every series is stationary",
        alternative="some series have a unit root", statistic=z, distribution="normal",
        pvalue=float(special.ndtr(-z)), sample=s.sample,
        note=f"{DETERMINISTICS[code]}; {'entity' if heterogeneous else 'common'} variances, "
        f"{bandwidth} Bartlett lags",
        detail={"lm": dict(zip(s.labels, own, strict=True))},
    )  # fmt: skip
    return with_size(test, s.N, Y.shape[1], DETERMINISTICS[code])


def harris_tzavalis(
    panel: Panel,
    variable: str,
    *,
    trend: Trend = False,
    convention: Convention = "paper",
    demean: bool = False,
    gaps: Gaps = "raise",
) -> PanelTest:
    r"""Harris and Tzavalis's test for few periods and many entities.

    The pooled within coefficient :math:`\hat\rho`, centred and scaled by its exact moments for
    fixed T under normal errors: :math:`z = \sqrt N(\hat\rho - \mu_T)/\sigma_T \to N(0,1)` as N
    grows. T counts the periods of the regression, one less than those of the data. No lags:
    errors must be serially uncorrelated and of one variance.

    Parameters
    ----------
    variable, demean
        As in :func:`hadri`.
    trend : bool or "n"
        Intercepts, intercepts and trends, or neither.
    convention : {"paper", "stata"}
        T as above (``altt`` of Stata's xtunitroot), or the periods of the data, Stata's default,
        which over-rejects where they are few.

    Raises
    ------
    PanelError
        The panel is not balanced, or has gaps.

    References
    ----------
    Harris and Tzavalis (1999), Journal of Econometrics 91, 201-226.
    """
    code = trend_code(trend)
    check_choice("convention", convention, Convention)
    s, Y = _balanced(panel, variable, "The Harris-Tzavalis test", gaps, demean)
    _enough(s, Y.shape[1] - 1, 3)
    T = Y.shape[1] - (convention == "paper")
    z, rho = harris_tzavalis_statistic(Y, code, T)
    test = PanelTest(
        subject=UNIT_ROOTS, name="Harris-Tzavalis z", null="every series has a unit root",
        alternative="all series are stationary", statistic=z, distribution="normal",
        pvalue=float(special.ndtr(z)), sample=s.sample, detail={"rho": rho},
        note=f"{DETERMINISTICS[code]}; moments for {T} periods",
    )  # fmt: skip
    return with_size(test, s.N, Y.shape[1], DETERMINISTICS[code])


def breitung(
    panel: Panel,
    variable: str,
    *,
    trend: Trend = True,
    lags: int = 0,
    robust: bool = False,
    demean: bool = False,
    gaps: Gaps = "raise",
) -> PanelTest:
    r"""Breitung's test, which needs no bias correction and keeps power with trends.

    .. math::
        \lambda = \frac{\sum_i\hat\sigma_i^{-2}\sum_t d_{it}v_{i,t-1}}
                       {(\sum_i\hat\sigma_i^{-2}\sum_t v_{i,t-1}^2)^{1/2}} \to N(0,1) \quad (1)

    With a trend, d are forward orthogonal deviations of the differences and
    :math:`v_{i,t-1} = y_{i,t-1} - y_{i1} - \frac{t-1}{T}(y_{iT} - y_{i1})`; with an intercept
    d are the differences and v the levels less the first one.

    Parameters
    ----------
    variable, demean
        As in :func:`hadri`.
    trend : bool or "n"
    lags : int
        Order of an autoregression of the differences, entity by entity, that pre-whitens them.
    robust : bool
        Breitung and Das's statistic, robust to (weak) dependence between entities; needs T > N.

    Raises
    ------
    PanelError
        The panel is not balanced, or has gaps.

    References
    ----------
    Breitung (2000), Advances in Econometrics 15, 161-177. Breitung and Das (2005), Statistica
    Neerlandica 59, 414-433.
    """
    code = trend_code(trend)
    if lags < 0:
        raise SpecificationError(f"lags={lags}; zero or more.")
    s, Y = _balanced(panel, variable, "Breitung's test", gaps, demean)
    _enough(s, Y.shape[1], 2 * lags + 5)
    _exact(s, adf(Y, lags, code).collinear, "give a collinear or exact Dickey-Fuller regression")
    if robust and Y.shape[1] <= len(Y):
        raise IdentificationError(
            f"breitung(robust=True) estimates a covariance of {len(Y)} entities and needs more "
            f"periods than that; {s.name!r} has {Y.shape[1]}. Use demean=True, or cips()."
        )
    value = breitung_statistic(Y, code, lags, robust)
    test = PanelTest(
        subject=UNIT_ROOTS, name="Breitung lambda" + (" (robust)" if robust else ""),
        null="every series has a unit root", alternative="all series are stationary",
        statistic=value, distribution="normal", pvalue=float(special.ndtr(value)), sample=s.sample,
        note=f"{DETERMINISTICS[code]}; {lags} lags",
    )  # fmt: skip
    return with_size(test, s.N, Y.shape[1], DETERMINISTICS[code])


def _balanced(
    panel: Panel, variable: str, what: str, gaps: Gaps, demean: bool
) -> tuple[Series, FloatArray]:
    s = read_series(panel, variable, gaps=gaps, demean=demean)
    Y = np.ascontiguousarray(s.matrix(what, "ips() or fisher()")[:, :, 0])
    moves: Any = np.ptp(Y, axis=1) > 0
    require_entities(s, moves, "refuse", "are constant", "Leave them out")
    return s, Y


def _exact(s: Series, exact: Any, reason: str) -> None:
    require_entities(s, ~exact, "refuse", reason, "Leave them out")


def _enough(s: Series, T: int, fewest: int) -> None:
    if fewest > T:
        raise IdentificationError(
            f"{s.name!r} leaves {T} periods, but the test needs at least {fewest}."
        )
