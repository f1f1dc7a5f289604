"""Kao's residual-based tests of cointegration."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import special

from migdev.diagnostics.cointegration.equation import collinear, read_equation
from migdev.diagnostics.lags import check_lags
from migdev.diagnostics.series import require_entities
from migdev.diagnostics.subjects import COINTEGRATION
from migdev.errors import IdentificationError
from migdev.kernels.cointegration.pedroni import kao_statistics
from migdev.options import Gaps, check_choice
from migdev.panel.panel import Panel
from migdev.results.panel_test import PanelTest
from migdev.results.sizes import with_size

Statistic = Literal["ADF", "DF-rho*", "DF-t*", "DF-rho", "DF-t"]


def kao(
    panel: Panel,
    formula: str,
    *,
    statistic: Statistic = "ADF",
    lags: int = 1,
    bandwidth: int | None = None,
    demean: bool = False,
    gaps: Gaps = "raise",
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
    IdentificationError
        Too few periods, constant or collinear variables, changes of y without variance given those
        of the regressors.

    References
    ----------
    Kao (1999), Journal of Econometrics 90, 1-44.
    """
    check_choice("statistic", statistic, Statistic)
    check_lags(lags)
    s, k = read_equation(panel, formula, gaps, most=50, demean=demean)
    V = s.matrix("Kao's test")
    T = V.shape[1]
    enough = np.full(s.N, 2 * lags + 4 <= T)
    require_entities(
        s, enough, "refuse", f"have fewer than {2 * lags + 4} periods", "Use less lags"
    )
    require_entities(
        s, ~collinear(s, "c"), "refuse", "have a constant or collinear variable", "Leave it out"
    )
    width = round(4 * (T / 100) ** (2 / 9)) if bandwidth is None else bandwidth
    z = kao_statistics(V, lags, width)
    if z is None:
        raise IdentificationError(
            f"{formula!r}: changes of the regressors explain those of the dependent variable "
            "without error (trends, or copies of one another), so that Kao's statistics have no "
            "variance to be scaled by. Use variables that move on their own."
        )
    test = PanelTest(
        subject=COINTEGRATION, name=f"Kao {statistic}", null="no cointegration in any entity",
        alternative="cointegration with common slopes", statistic=z[statistic],
        distribution="normal", pvalue=float(special.ndtr(z[statistic])), sample=s.sample,
        note=f"{k} regressors; {lags} ADF lags, {width} Bartlett lags", detail=z,
    )  # fmt: skip
    return with_size(test, s.N, T)
