"""The error-correction form of an ARDL panel: its formula, its arrays, its checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

import numpy as np

from migdev.errors import (
    AdjustmentWarning,
    FormulaError,
    SpecificationError,
    listing,
)
from migdev.estimators.heterogeneous.entity_regressions import build
from migdev.kernels.arrays.types import BoolArray, FloatArray
from migdev.notes import warn
from migdev.options import check_choice
from migdev.panel.design import Design
from migdev.panel.formula import argument, one_term, parse, quote_columns
from migdev.protocols import Data

Lags = int | Literal["aic", "bic"] | tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ErrorCorrection:
    """Arrays of an error-correction form.

    Attributes
    ----------
    design : Design
        Columns: [Intercept,] L(y), x, short-run terms.
    lagged : (n,); x : (n, k); W : (n, m)
        Lagged level, long-run regressors, and short-run terms with intercept and trend last.
    long_run, short_run : tuple of str
    owner, order : (m,)
        For each short-run term the variable it belongs to (0 the dependent one, 1..k, -1 for
        intercept and trend) and its lag; they drive the choice of lags.
    """

    design: Design
    lagged: FloatArray
    x: FloatArray
    W: FloatArray
    long_run: tuple[str, ...]
    short_run: tuple[str, ...]
    owner: tuple[int, ...]
    order: tuple[int, ...]


def check_lags(lags: Any, max_lags: int, chosen: bool = True) -> Lags:
    """Lag orders as they are kept: a number, a tuple, or the criterion that chooses them."""
    if isinstance(lags, str) and chosen:
        check_choice("lags", lags, Lags)
        if max_lags < 1:
            raise SpecificationError(f"max_lags={max_lags}; at least 1.")
        return cast(Lags, lags)
    numbers = lags if isinstance(lags, tuple | list) else (lags,)
    whole = all(isinstance(v, int) and not isinstance(v, bool) and v >= 0 for v in numbers)
    if not numbers or not whole or numbers[0] < 1:
        raise SpecificationError(
            f"lags={lags!r}; give one number of at least 1 for all variables, or (p, q1, ..., qk): "
            "p >= 1 for the dependent variable and q >= 0 for each regressor."
        )
    return tuple(numbers) if isinstance(lags, list) else lags


def error_correction(
    formula: str,
    panel: Data,
    lags: Lags,
    max_lags: int,
    trend: bool,
    what: str,
    requires: Sequence[str] = (),
) -> ErrorCorrection:
    """Evaluate the error-correction form of ``formula`` with the given lag orders.

    Raises
    ------
    FormulaError
        An interaction, a factor, or no regressor.
    SpecificationError
        The number of lag orders does not fit the number of regressors.
    """
    parsed = parse(quote_columns(formula, panel.columns))
    if parsed.endog is not None:
        build(formula, panel, what)
    terms = [*parsed.dependent, *parsed.exog]
    if len(terms) < 2 or any(len(term.factors) != 1 for term in terms):
        raise FormulaError(
            f"{what} reads 'dependent ~ x + z', plain variables or expressions; {formula!r} has "
            + ("no regressor." if len(terms) < 2 else "interactions: put them in a column first.")
        )
    y, *x = [argument(term.factors[0]) for term in terms]
    orders = _orders(lags, max_lags, len(x), formula)
    short, owner, order = [], [], []
    for j, (name, q) in enumerate(zip([y, *x], orders, strict=True)):
        for lag in range(int(j == 0), q):
            short.append(f"D({name})" if lag == 0 else f"L(D({name}), {lag})")
            owner.append(j)
            order.append(lag)
    text = f"D({y}) ~ 0 + {' + '.join([f'L({y})', *map(one_term, x), *short])}"
    d = build(text, panel, what, requires=requires)
    k = len(x)
    W, names = [d.X[:, 1 + k :]], list(d.names[1 + k :])
    if trend:
        W.append((d.time - d.time.min() + 1).astype(float)[:, None])
        names.append("trend")
    if parsed.intercept:
        W.append(np.ones((d.nobs, 1)))
        names.append("Intercept")
    free = len(names) - len(owner)
    return ErrorCorrection(
        design=d, lagged=d.X[:, 0], x=d.X[:, 1 : 1 + k], W=np.column_stack(W),
        long_run=d.names[1 : 1 + k], short_run=tuple(names),
        owner=(*owner, *([-1] * free)), order=(*order, *([0] * free)),
    )  # fmt: skip


def restrict(form: ErrorCorrection, kept: Design) -> ErrorCorrection:
    """The form on the rows of a smaller design."""
    if kept is form.design:
        return form
    mask = np.isin(form.design.rows, kept.rows)
    return ErrorCorrection(
        design=kept, lagged=form.lagged[mask], x=form.x[mask], W=form.W[mask],
        long_run=form.long_run, short_run=form.short_run, owner=form.owner, order=form.order,
    )  # fmt: skip


def with_terms(form: ErrorCorrection, H: FloatArray, names: tuple[str, ...]) -> ErrorCorrection:
    """The form with further terms (n, h) that every entity keeps."""
    return replace(
        form,
        W=np.column_stack([form.W, H]),
        short_run=(*form.short_run, *names),
        owner=(*form.owner, *([-1] * len(names))),
        order=(*form.order, *([0] * len(names))),
    )


def _orders(lags: Lags, max_lags: int, k: int, formula: str) -> tuple[int, ...]:
    if isinstance(lags, str):
        return (max_lags,) * (k + 1)
    if isinstance(lags, int):
        return (lags,) * (k + 1)
    if len(lags) != k + 1:
        raise SpecificationError(
            f"lags={lags!r} gives {len(lags)} orders, but {formula!r} has a dependent variable and "
            f"{k} regressors: give {k + 1}."
        )
    return tuple(lags)


def flag_speeds(speed: FloatArray, labels: Callable[[], Sequence[object]], what: str) -> None:
    """Warn of speeds that do not lead back to the long run, by the labels of their entities."""
    for bad, why in (
        (speed >= 0, "are positive, so gaps to the long run grow"),
        (speed <= -2, "are below -2, so the return to the long run explodes"),
    ):
        mask: BoolArray = np.asarray(bad)
        if mask.any():
            who = [
                f"{label} ({value:.3f})"
                for label, value, flagged in zip(labels(), speed, mask, strict=True)
                if flagged
            ]
            warn(
                f"{what}: {len(who)} of {len(speed)} error-correction speeds {why}: "
                f"{listing(who, 12)}.",
                AdjustmentWarning,
                stacklevel=4,
            )
