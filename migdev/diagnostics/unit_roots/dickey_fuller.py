"""Dickey-Fuller regressions of every entity, which IPS's, Fisher's and LLC's tests pool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from migdev.diagnostics.lags import lag_orders, own_lags
from migdev.diagnostics.series import DETERMINISTICS, Series, read_series, require_entities
from migdev.engines.statsmodels import mackinnon_pvalue
from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.kernels.unit_roots.adf_batch import AdfBatch, adf_panel
from migdev.options import Gaps, Short
from migdev.panel.panel import Panel

NULL = "every entity's series has a unit root"
SOME = "some entities' series are stationary"
Lags = int | Literal["aic", "bic", "t-sig"] | Sequence[int] | Mapping[Any, int]


def regressions(
    panel: Panel, variable: str, lags: Lags, max_lags: int | None, trend: str, common: bool,
    demean: bool, gaps: Gaps, short: Short, df_correction: bool = True,
) -> tuple[Series, IntArray, AdfBatch, str]:  # fmt: skip
    """Series, lag orders (N,), regressions, and a note on how they were made."""
    s = read_series(panel, variable, gaps=gaps, demean=demean)
    lags = own_lags(s, lags)
    starts = np.cumsum(s.lengths) - s.lengths
    moves = np.maximum.reduceat(s.y, starts) > np.minimum.reduceat(s.y, starts)
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
    if demean:
        note += "; period averages subtracted"
    return s, orders, fit, f"{DETERMINISTICS[trend]}; {note}"


def t_statistics(fit: AdfBatch, df_correction: bool) -> FloatArray:
    """(N,) with residual variances over n - k, or over n."""
    return fit.t if df_correction else fit.t * np.sqrt(fit.nobs / (fit.nobs - fit.k))


def by_entity(s: Series, fit: AdfBatch, orders: IntArray, trend: str) -> pd.DataFrame:
    """One row per regression: ``entity, t, p_value, lags, nobs``."""
    return pd.DataFrame(
        {
            "entity": np.asarray(s.labels), "t": fit.t,
            "p_value": mackinnon_pvalue(fit.t, trend), "lags": orders, "nobs": fit.nobs,
        }
    )  # fmt: skip
