"""Lag orders of regressions by entity: given, entity by entity, or chosen by a criterion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from migdev.diagnostics.series import Series, require_entities
from migdev.errors import (
    SpecificationError,
    listing,
)
from migdev.kernels.arrays.types import IntArray
from migdev.kernels.unit_roots.adf_batch import choose_lags
from migdev.options import Short, check_choice


def check_lags(lags: Any) -> None:
    """Lags are a whole number, zero or more."""
    if isinstance(lags, bool) or not isinstance(lags, int) or lags < 0:
        raise SpecificationError(f"lags={lags!r}; give a whole number, zero or more.")


def lag_orders(
    s: Series, lags: Any, max_lags: int | None, trend: str, short: Short, common: bool,
    df_correction: bool = True,
) -> tuple[Series, IntArray, str]:  # fmt: skip
    """Series long enough for their ADF regressions, lag orders (N,), and a note on the choice.

    Parameters
    ----------
    lags : int, mapping from entity to int, "aic", "bic" or "t-sig"
    max_lags : int, optional
        For a criterion; default Schwert's 12 (T/100)^(1/4), less where the series is too short.
    """
    det = {"n": 0, "c": 1, "ct": 2}[trend]
    if isinstance(lags, str):
        check_choice("lags", lags, int | Literal["aic", "bic", "t-sig"])
        s = require_entities(
            s, s.lengths > det + 3, short, f"have fewer than {det + 4} periods", "Leave them out"
        )
        T = s.lengths
        room = (T - det - 3) // 2
        schwert = (12 * (T / 100) ** 0.25).astype(np.int64)
        largest = np.minimum(schwert if max_lags is None else max_lags, room)
        chosen = choose_lags(s.y, s.entity, largest, trend, lags, common, df_correction)
        return (
            s,
            chosen,
            f"lags by {lags} up to {int(largest.max())}, {chosen.mean():.2f} on average",
        )
    if isinstance(lags, Mapping):
        orders = np.array([lags[label] for label in s.labels], dtype=np.int64)
        long = s.lengths >= 2 * orders + det + 3
        s = require_entities(
            s, long, short, "have too few periods for their lags (2 lags + "
            f"{det + 3} are needed)", "Use fewer lags",
        )  # fmt: skip
        return s, orders[long], f"lags by entity, {orders[long].mean():.2f} on average"
    if isinstance(lags, bool) or not isinstance(lags, int | np.integer) or lags < 0:
        raise SpecificationError(f"lags={lags!r}; use a number, 'aic', 'bic' or 't-sig'.")
    needed = 2 * int(lags) + det + 3
    s = require_entities(
        s, s.lengths >= needed, short, f"have fewer than the {needed} periods {lags} lags need",
        "Use fewer lags", fewest=1,
    )  # fmt: skip
    return s, np.full(s.N, int(lags), dtype=np.int64), f"{lags} lags"


def own_lags(s: Series, lags: Any) -> Any:
    """Lag orders entity by entity as a mapping; a number or a criterion as it is.

    Parameters
    ----------
    lags : int, str, mapping from entity to int, or one int per entity in the order of the panel
    """
    if isinstance(lags, str | bool | int | float | np.number) or lags is None:
        return lags
    if not isinstance(lags, Mapping):
        values = list(lags)
        if len(values) != s.N:
            raise SpecificationError(
                f"lags has {len(values)} orders, but {s.name!r} has {s.N} entities. Give one each, "
                "in the order of panel.entities, or a mapping from entity to order."
            )
        lags = dict(zip(s.labels, values, strict=True))
    missing = [label for label in s.labels if label not in lags]
    if missing:
        raise SpecificationError(
            f"lags has no order for {len(missing)} of {s.N} entities: {listing(missing, 20)}."
        )
    wrong = {
        k: v for k, v in lags.items()
        if isinstance(v, bool) or not isinstance(v, int | np.integer) or v < 0
    }  # fmt: skip
    if wrong:
        raise SpecificationError(f"lags={wrong!r}; orders are whole numbers, zero or more.")
    return lags
