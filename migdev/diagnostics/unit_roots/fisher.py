"""Fisher-type unit-root tests: entities' p-values combined."""

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
from migdev.engines.statsmodels import mackinnon_pvalue
from migdev.errors import SpecificationError
from migdev.kernels.unit_roots.phillips_perron import phillips_perron
from migdev.options import Gaps, Short, check_choice
from migdev.panel.panel import Panel
from migdev.results.panel_test import PanelTest
from migdev.results.sizes import with_size

Statistic = Literal["P", "Z", "L", "Pm"]
Test = Literal["adf", "pp"]


def fisher(
    panel: Panel,
    variable: str,
    *,
    lags: Lags = 1,
    max_lags: int | None = None,
    trend: Trend = False,
    statistic: Statistic = "P",
    test: Test = "adf",
    common_sample: bool = True,
    df_correction: bool = True,
    demean: bool = False,
    gaps: Gaps = "longest",
    short: Short = "raise",
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
        As in :func:`~migdev.diagnostics.ips`; ``trend="n"`` leaves out the intercept too.
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
    check_choice("statistic", statistic, Statistic)
    check_choice("test", test, Test)
    if test == "pp" and (
        isinstance(lags, bool) or not isinstance(lags, int | np.integer) or lags < 0
    ):
        raise SpecificationError("test='pp' takes lags as a number of Newey-West lags.")
    s, orders, fit, note = regressions(
        panel, variable, 0 if test == "pp" else lags, max_lags, code, common_sample, demean, gaps,
        short, df_correction,
    )  # fmt: skip
    t = t_statistics(fit, df_correction)
    if test == "pp":
        t = phillips_perron(s.y, s.entity, int(lags), code)  # type: ignore[arg-type]
        note = f"Phillips-Perron with {lags} Newey-West lags"
    p = mackinnon_pvalue(t, code)
    frame = by_entity(s, fit, orders, code).assign(t=t, p_value=p)
    combined = combine_pvalues(p)
    value, distribution, df, pvalue = combined[statistic]
    names = {"P": "P", "Z": "Z", "L": "L*", "Pm": "Pm"}
    found = PanelTest(
        subject=UNIT_ROOTS,
        name=f"Fisher {names[statistic]} ({test.upper()})", null=NULL, alternative=SOME,
        statistic=value, distribution=distribution, df=df, pvalue=pvalue, sample=s.sample,
        note=note, detail={"by_entity": frame, **{k: v[0] for k, v in combined.items()},
                           "pvalues": {k: v[3] for k, v in combined.items()}},
    )  # fmt: skip
    return with_size(found, s.N, s.periods, DETERMINISTICS[code])


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
