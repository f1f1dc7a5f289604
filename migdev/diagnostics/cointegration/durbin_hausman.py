"""Cointegration where common factors may be stationary or not: Westerlund's Durbin-Hausman."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from scipy import special

from migdev.diagnostics.cointegration.equation import read_equation
from migdev.diagnostics.series import require_entities
from migdev.diagnostics.subjects import COINTEGRATION
from migdev.errors import IdentificationError, SpecificationError
from migdev.kernels.arrays.batched import batched_ols
from migdev.kernels.cointegration.durbin_hausman import (
    GROUP_MEAN,
    GROUP_VARIANCE,
    PANEL_MEAN,
    PANEL_VARIANCE,
    durbin_hausman,
)
from migdev.kernels.factors.interactive import Criterion, factor_criteria, principal_components
from migdev.options import Gaps, check_choice
from migdev.panel.panel import Panel
from migdev.results.panel_test import PanelTest
from migdev.results.sizes import with_size

Statistic = Literal["DHg", "DHp"]


def westerlund_durbin_hausman(
    panel: Panel,
    formula: str,
    *,
    statistic: Statistic = "DHg",
    factors: int | Criterion = "IC_p1",
    max_factors: int = 5,
    bandwidth: int | None = None,
    gaps: Gaps = "raise",
) -> PanelTest:
    r"""Westerlund's Durbin-Hausman tests of no cointegration, robust to common factors.

    Differences are regressed entity by entity, principal components are taken out of the
    residuals, and what is left is cumulated to :math:`\hat e_{it}`. Under the null its
    autoregressive root is one, least squares and an estimator that is inconsistent under the
    alternative agree, and

    .. math::
        DH_g = \sum_i\hat S_i(\tilde\phi_i-\hat\phi_i)^2\sum_t\hat e_{i,t-1}^2, \qquad
        DH_p = \hat S_N(\tilde\phi-\hat\phi)^2\sum_{it}\hat e_{i,t-1}^2

    with :math:`\hat S = \hat\omega^2/\hat\sigma^4`, standardised by the paper's moments, are
    standard normal and reject for large values. The regressors may be stationary; so may the
    factors.

    Parameters
    ----------
    formula : str
        ``"y ~ x + z"``.
    statistic : {"DHg", "DHp"}
        Roots of their own, or a common one under the alternative. Both are in
        ``detail["statistics"]``.
    factors : int or "IC_p1", "IC_p2", "ER", "GR"
        Number of factors, or the criterion that chooses it among the residuals.
    max_factors : int
    bandwidth : int, optional
        Bartlett lags; default floor(4 (T/100)^(2/9)).
    gaps : {"raise", "longest"}

    Returns
    -------
    PanelTest
        ``detail["by_entity"]`` holds each entity's statistic and both roots.

    Raises
    ------
    PanelError
        The panel is not balanced, or has gaps: factors are components of complete differences,
        and what they leave is summed over time. The message names the largest balanced part.

    Notes
    -----
    The level of each series enters by its intercept, which differencing removes; the first period
    is spent. (The author's program keeps it by differencing from zero, so that its results depend
    on the level of the data.)

    References
    ----------
    Westerlund (2008), Journal of Applied Econometrics 23, 193-233.
    """
    check_choice("statistic", statistic, Statistic)
    s, k = read_equation(panel, formula, gaps, most=50)
    V = np.diff(s.matrix("The Durbin-Hausman test", "gengenbach() or westerlund()"), axis=1)
    N, T, _ = V.shape
    largest = min(max_factors, min(N, T) // 2 - 1)
    if largest < 1 or k + 5 > T:
        raise IdentificationError(
            f"{formula!r} has {N} entities and {T + 1} periods, too few for factors and {k} "
            "regressors."
        )
    _, _, d, dependent = batched_ols(V[:, :, 0], V[:, :, 1:])
    exact = ~(np.abs(d).max(axis=1) > 1e-10 * np.abs(V[:, :, 0]).max(axis=1))
    require_entities(
        s, ~(dependent.any(axis=1) | exact), "refuse", "have a constant or collinear variable",
        "Leave these out",
    )  # fmt: skip
    if isinstance(factors, str):
        found = factor_criteria(d, largest)
        check_choice("factors", factors, int | Criterion)
        r = found[factors]
    else:
        r = factors
        if isinstance(factors, bool) or not 0 <= r <= largest:
            raise SpecificationError(f"factors={factors!r}; between 0 and {largest} here.")
    if r:
        F, loadings, _ = principal_components(d, r)
        d = d - loadings @ F.T
    lags = int(4 * (T / 100) ** (2 / 9) + 1e-9) if bandwidth is None else bandwidth
    if isinstance(bandwidth, bool) or not 0 <= lags < T - 2:
        raise SpecificationError(f"bandwidth={bandwidth!r}; between 0 and {T - 3} here.")
    fit = durbin_hausman(np.cumsum(d, axis=1), lags)
    root = np.sqrt(N)
    z = {
        "DHg": float(root * (fit.own.mean() - GROUP_MEAN) / np.sqrt(GROUP_VARIANCE)),
        "DHp": float(
            root * (fit.panel / N - 1 / PANEL_MEAN) / np.sqrt(PANEL_VARIANCE / PANEL_MEAN**4)
        ),
    }
    raw = {"DHg": float(fit.own.sum()), "DHp": fit.panel}
    p = {k: float(special.ndtr(-v)) for k, v in z.items()}
    test = PanelTest(
        subject=COINTEGRATION,
        name=f"Westerlund {statistic}", null="no cointegration in any entity",
        alternative="cointegration in "
        + ("some entities" if statistic == "DHg" else "all entities, with a common root"),
        statistic=z[statistic], distribution="normal", pvalue=p[statistic], sample=s.sample,
        note=f"{r} factors; {lags} Bartlett lags",
        detail={
            "statistics": pd.DataFrame({"statistic": raw, "z": z, "p_value": p}),
            "by_entity": pd.DataFrame(
                {
                    "entity": np.asarray(s.labels), "statistic": fit.own, "root": fit.first,
                    "instrumented": fit.second,
                }
            ),
            "factors": r,
        },
    )  # fmt: skip
    return with_size(test, N, T + 1)
