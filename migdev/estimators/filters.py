"""Trend and cycle of a variable, entity by entity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pandas as pd

from migdev.engines.statsmodels import baxter_king, christiano_fitzgerald, hodrick_prescott
from migdev.errors import DroppedRowsWarning, IdentificationError, SpecificationError, listing
from migdev.kernels.arrays.batched import batched_ols
from migdev.kernels.arrays.spells import spell_codes
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.heterogeneous.slopes import blocks
from migdev.notes import quiet, warn
from migdev.options import check_choice
from migdev.panel.calendar import Calendar
from migdev.panel.design import Design
from migdev.panel.panel import Panel

Method = Literal["hp", "bk", "cf", "hamilton"]
_OPTIONS = {
    "hp": ("smoothing", "sided"), "bk": ("low", "high", "truncation"),
    "cf": ("low", "high", "drift"), "hamilton": ("horizon", "lags"),
}  # fmt: skip
_PER_YEAR = {"year": 1, "quarter": 4, "month": 12}
_SMOOTHING = {1: 6.25, 4: 1600.0, 12: 129600.0}


def cycle(
    panel: Panel,
    variable: str,
    *,
    method: Method = "hp",
    component: Literal["cycle", "trend"] = "cycle",
    smoothing: float | None = None,
    sided: Literal[2, 1] | None = None,
    low: float | None = None,
    high: float | None = None,
    truncation: int | None = None,
    drift: bool | None = None,
    horizon: int | None = None,
    lags: int | None = None,
) -> pd.Series[float]:
    r"""The cycle (or the trend) of a variable, filtered entity by entity.

    Every unbroken spell of an entity is a series of its own: gaps stay gaps, and nothing is
    carried across them.

    .. math::
        \text{hp: } & \min_\tau \textstyle\sum_t(y_t-\tau_t)^2 + \lambda\sum_t(\Delta^2\tau_t)^2 \\
        \text{bk, cf: } & \text{the part of } y \text{ whose period lies between low and high} \\
        \text{hamilton: } & y_{t+h} = b_0 + \textstyle\sum_{j=0}^{p-1} b_jy_{t-j} + c_{t+h}

    Parameters
    ----------
    variable : str
        A column or an expression, as a rule in logs: ``np.log(gdp)``.
    method : {"hp", "bk", "cf", "hamilton"}
        Hodrick-Prescott, Baxter-King, Christiano-Fitzgerald (random walk), or Hamilton's
        regression, whose residual is the cycle.
    component : {"cycle", "trend"}
        They add up to the variable.
    smoothing : float, optional
        :math:`\lambda`; default 6.25, 1600 or 129600 by year, quarter or month (Ravn and Uhlig).
    sided : {2, 1}
        1 takes the trend at t from the periods up to t, as a forecaster must; its first two periods
        are missing.
    low, high : float, optional
        Shortest and longest period of the cycle; default 1.5 and 8 years (2 and 8 in annual data).
    truncation : int, optional
        Leads and lags of Baxter and King, which are lost at both ends; default 3 years.
    drift : bool
        Christiano and Fitzgerald: take out the line through the first and last value first
        (default).
    horizon, lags : int, optional
        h and p of Hamilton; default two years and one year. The first h + p - 1 periods are lost.

    Returns
    -------
    Series aligned with ``panel.frame``, ready for ``panel.assign(gap=...)``. Spells too short for
    the filter stay missing, with a warning. Engine: statsmodels, whose filters these are but for
    the one-sided HP (the ends of its two-sided filter on growing samples) and Hamilton's, which it
    lacks.

    Notes
    -----
    Filters make cycles of random walks too (all but Hamilton's), and two-sided ones look into the
    future: a filtered regressor is not predetermined.

    References
    ----------
    Hodrick and Prescott (1997), Journal of Money, Credit and Banking 29, 1-16. Baxter and King
    (1999), Review of Economics and Statistics 81, 575-593. Christiano and Fitzgerald (2003),
    International Economic Review 44, 435-465. Ravn and Uhlig (2002), Review of Economics and
    Statistics 84, 371-376. Stock and Watson (1999), Journal of Monetary Economics 44, 293-335.
    Hamilton (2018), Review of Economics and Statistics 100, 831-843.
    """
    check_choice("method", method, Method)
    check_choice("component", component, ("cycle", "trend"))
    given = {
        "smoothing": smoothing, "sided": sided, "low": low, "high": high,
        "truncation": truncation, "drift": drift, "horizon": horizon, "lags": lags,
    }  # fmt: skip
    strangers = [n for n, v in given.items() if v is not None and n not in _OPTIONS[method]]
    if strangers:
        raise SpecificationError(
            f"method={method!r} takes {listing(_OPTIONS[method])}, not {listing(strangers)}."
        )
    trend, fewest = _filter(method, given, panel.calendar)
    with quiet(DroppedRowsWarning):  # missing values stay in their place
        d = Design.build(f"{variable} ~ 1", panel, intercept=False)
    spell = spell_codes(d.entity, d.time)
    out = np.full(len(panel), np.nan)
    short: list[str] = []
    for _, rows in blocks(spell):
        if rows.shape[1] < fewest:
            first = d.rows[rows[:, 0]]
            short += [f"{panel.entities[panel.entity_codes[r]]}" for r in first]
            continue
        y = d.y[rows]
        mean = y.mean(axis=1, keepdims=True)  # filters keep a constant; digits are kept as well
        smooth = trend(y - mean) + mean
        out[d.rows[rows]] = smooth if component == "trend" else y - smooth
    if short:
        message = (
            f"{variable!r}: {len(short)} of {int(spell[-1]) + 1} unbroken spells have fewer than "
            f"the {fewest} periods that method={method!r} needs"
        )
        if len(short) == int(spell[-1]) + 1:
            raise IdentificationError(f"{message}. Use a shorter filter, or longer series.")
        warn(
            f"{message}, and stay missing: {listing(short, 12)}.", DroppedRowsWarning, stacklevel=2
        )
    return pd.Series(out, index=panel.frame.index, name=f"{component}({variable})")


def _filter(
    method: str, given: dict[str, Any], calendar: Calendar
) -> tuple[Callable[[FloatArray], FloatArray], int]:
    """The map from series (g, T) to their trends, and the fewest periods that it takes."""
    per_year = _PER_YEAR.get(calendar.freq) if calendar.delta == 1 else None

    def option(name: str, default: Callable[[int], float], least: float) -> Any:
        value = given[name]
        if value is None:
            if per_year is None:
                raise SpecificationError(
                    f"{name} has a default for years, quarters and months only; give {name}=."
                )
            return default(per_year)
        if isinstance(value, bool) or not value >= least:
            raise SpecificationError(f"{name}={value!r}; {least:g} or more.")
        return value

    if method == "hp":
        smoothing = option("smoothing", lambda n: _SMOOTHING[n], 0)
        check_choice("sided", given["sided"] or 2, (2, 1))
        if given["sided"] == 1:
            return lambda y: one_sided(y, smoothing), 4
        return lambda y: hodrick_prescott(y, smoothing), 4
    if method == "hamilton":
        h = int(option("horizon", lambda n: 2 * n, 1))
        p = int(option("lags", lambda n: n, 1))
        return lambda y: hamilton(y, h, p), h + 2 * p + 1
    low = option("low", lambda n: max(2.0, 1.5 * n), 2)
    high = option("high", lambda n: 8 * n, 2)
    if not low < high:
        raise SpecificationError(f"low={low:g} is not below high={high:g}.")
    if method == "bk":
        K = int(option("truncation", lambda n: 3 * n, 1))
        return lambda y: baxter_king(y, low, high, K), 2 * K + 1
    drift = given["drift"] is None or bool(given["drift"])
    return lambda y: christiano_fitzgerald(y, low, high, drift), 5


def one_sided(Y: FloatArray, smoothing: float) -> FloatArray:
    r"""(g, T) Hodrick-Prescott trends at the end of each sample 1..t; missing for t < 3.

    The trend is linear in the series by a symmetric matrix, whose last row is the trend of a unit
    impulse in the last period.
    """
    T = Y.shape[1]
    W = np.zeros((T, T))
    W[:2] = np.nan
    for t in range(2, T):
        impulse = np.zeros((1, t + 1))
        impulse[0, t] = 1.0
        W[t, : t + 1] = hodrick_prescott(impulse, smoothing)[0]
    return Y @ W.T


def hamilton(Y: FloatArray, h: int, p: int) -> FloatArray:
    """(g, T) fitted values of y at t + h from y at t, ..., t - p + 1; missing before h + p."""
    T = Y.shape[1]
    first = h + p - 1
    X = np.stack(
        [np.ones((len(Y), T - first)), *(Y[:, p - 1 - j : T - h - j] for j in range(p))], axis=2
    )
    trend = np.full_like(Y, np.nan)
    trend[:, first:] = Y[:, first:] - batched_ols(Y[:, first:], X)[2]
    return trend
