"""The marginal effect of a variable as a function of what it depends on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.polynomial import Polynomial

from migdev.errors import ResultError, listing, suggestion
from migdev.kernels.arrays.types import AnyArray, FloatArray
from migdev.results.estimate import Estimate
from migdev.results.marginal.terms import (
    Dual,
    Evaluator,
    Expression,
    Level,
    Piece,
    Reader,
    is_shift,
    subexpressions,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moderator:
    """What the marginal effect depends on.

    Attributes
    ----------
    name : str
    levels : tuple of str
        Levels of a factor that have a coefficient of their own; empty for numbers.
    sample : (n,), optional
        Its values in the estimation sample.
    """

    name: str
    levels: tuple[str, ...] = ()
    sample: AnyArray | None = field(default=None, repr=False, compare=False)

    @property
    def is_factor(self) -> bool:
        return bool(self.levels)

    @property
    def choices(self) -> tuple[str, ...]:
        """All levels of a factor, the base first."""
        if self.sample is None:
            return ("(base)", *self.levels)
        found = [str(v) for v in pd.unique(pd.Series(self.sample).dropna())]
        return (*sorted(set(found) - set(self.levels)), *self.levels)

    @property
    def numbers(self) -> FloatArray:
        """Known values in the sample, sorted; empty where there is no sample."""
        if self.sample is None or self.is_factor:
            return np.empty(0)
        values = np.asarray(self.sample, dtype=float)
        return np.sort(values[np.isfinite(values)])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surface:
    r"""Gradient of the marginal effect in the coefficients.

    With regressors :math:`f_j(v, z)`, the effect of v is :math:`g(v, z)'\beta` with
    :math:`g_j = \partial f_j / \partial v`.
    """

    estimate: Estimate
    variable: str
    reader: Reader
    terms: tuple[tuple[int, tuple[Piece, ...]], ...]  # position of the coefficient, its pieces
    moderators: tuple[Moderator, ...]

    @classmethod
    def build(
        cls, estimate: Estimate, variable: str, data: Any = None, held: Sequence[str] = ()
    ) -> Surface:
        reader = Reader(_columns(estimate, data))
        target = reader.key(variable)
        keys = {reader.key(name): None for name in held}
        everything = [(j, reader.term(name)) for j, name in enumerate(estimate.names)]
        terms = tuple(
            (j, pieces) for j, pieces in everything if target in subexpressions(reader, pieces)
        )
        if not terms:
            raise ResultError(_not_there(variable, target, estimate, reader, everything))
        surface = cls(estimate=estimate, variable=target, reader=reader, terms=terms, moderators=())
        names = surface._atoms(keys)
        columns = _Columns(estimate, data, reader)
        moderators = tuple(
            Moderator(
                name=name,
                levels=levels,
                sample=columns.factor(name) if levels else columns.number(name),
            )
            for name, levels in names.items()
        )
        return cls(
            estimate=estimate, variable=target, reader=reader, terms=terms, moderators=moderators
        )

    # ------------------------------------------------------------------ evaluation

    def gradients(self, values: Mapping[str, AnyArray], rows: int) -> FloatArray:
        """(rows, k) gradients at the values of the moderators, each (rows,)."""
        known = {
            name: Dual(v if v.dtype == object else v.astype(float)) for name, v in values.items()
        }
        target = known.get(self.variable, Dual(np.ones(rows)))
        known[self.variable] = Dual(target.value, np.ones(rows))
        G = np.zeros((rows, len(self.estimate.params)))
        evaluator = Evaluator(self.reader, known)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            for j, pieces in self.terms:
                G[:, j] = np.broadcast_to(
                    np.asarray(evaluator.term(pieces).slope, dtype=float), (rows,)
                )
        bad = ~np.isfinite(G).all(axis=1)
        if bad.any():
            first = int(np.flatnonzero(bad)[0])
            where = ", ".join(f"{k} = {v[first]}" for k, v in values.items())
            raise ResultError(
                f"The effect of {self.variable!r} is not defined at {where}: choose values where "
                "the regressors are."
            )
        return G

    def polynomial(self, moderator: str, fixed: Mapping[str, Any]) -> FloatArray | None:
        """(k, d + 1) coefficients of the gradient as a polynomial in one moderator; None where
        it is no polynomial."""
        z = Polynomial([0.0, 1.0])
        known = {name: _fixed(value) for name, value in fixed.items()}
        known[moderator] = Dual(z)
        target = known.get(self.variable, Dual(1.0))
        known[self.variable] = Dual(target.value, 1.0)
        evaluator = Evaluator(self.reader, known)
        columns: dict[int, FloatArray] = {}
        try:
            for j, pieces in self.terms:
                slope = evaluator.term(pieces).slope
                if isinstance(slope, Polynomial):
                    columns[j] = np.asarray(slope.coef, dtype=np.float64)
                else:
                    columns[j] = np.atleast_1d(np.asarray(slope, dtype=float))[:1]
        except (TypeError, ValueError):
            return None
        width = max(len(c) for c in columns.values())
        G = np.zeros((len(self.estimate.params), width))
        for j, c in columns.items():
            G[j, : len(c)] = c
        used = np.flatnonzero(np.abs(G).sum(axis=0))
        return G[:, : int(used.max(initial=0)) + 1]

    # ------------------------------------------------------------------ what it depends on

    def _atoms(self, held: Mapping[str, None]) -> dict[str, tuple[str, ...]]:
        """Names that the effect depends on, with the levels of factors."""
        levels: dict[str, list[str]] = {}
        for _, pieces in self.terms:
            for piece in pieces:
                if isinstance(piece, Level) and piece.key != self.variable:
                    levels.setdefault(piece.base, []).append(piece.level)
        known = {key: Dual(0.37) for key in held if key not in levels}
        known[self.variable] = Dual(0.61, 1.0)
        found: dict[str, None] = {}
        for _, pieces in self.terms:
            inside = set(subexpressions(self.reader, pieces))
            evaluator = Evaluator(self.reader, known)
            evaluator.term(pieces)
            found |= evaluator.seen
            found |= {key: None for key in held if key in inside}
        numbers = [name for name in found if name not in levels and name != self.variable]
        names = [*levels, *(n for n in (*numbers, self.variable) if self._depends(n, numbers))]
        return {name: tuple(dict.fromkeys(levels.get(name, ()))) for name in names}

    def _depends(self, name: str, atoms: Sequence[str]) -> bool:
        """Whether the gradient changes with a number: unless it is a polynomial of degree 0."""
        z = Polynomial([0.0, 1.0])
        known = {atom: Dual(0.53 + 0.1 * i) for i, atom in enumerate(atoms)}
        known[self.variable] = Dual(z if name == self.variable else 0.61, 1.0)
        if name != self.variable:
            known[name] = Dual(z)
        evaluator = Evaluator(self.reader, known)
        try:
            slopes = [evaluator.term(pieces).slope for _, pieces in self.terms]
        except (TypeError, ValueError):
            return True
        return any(isinstance(s, Polynomial) and bool(np.any(s.coef[1:] != 0)) for s in slopes)


def _fixed(value: Any) -> Dual:
    return Dual(np.array([value], dtype=object) if isinstance(value, str) else float(value))


def _columns(estimate: Estimate, data: Any) -> list[str]:
    if data is not None:
        from migdev.panel.frame_input import to_pandas

        return [str(c) for c in to_pandas(data).columns]
    return [] if estimate.sample is None else list(estimate.sample.panel.columns)


def _not_there(
    variable: str,
    target: str,
    estimate: Estimate,
    reader: Reader,
    everything: Sequence[tuple[int, tuple[Piece, ...]]],
) -> str:
    levels = [
        piece.key
        for _, pieces in everything
        for piece in pieces
        if isinstance(piece, Level) and piece.base == target
    ]
    message = f"{variable!r} has no coefficient in the fit of {estimate.dependent!r}."
    if levels:
        return f"{message} It is a factor: ask for one of its dummies, {listing(levels)}."
    word = target.split("(")[-1].rstrip(")")
    inside = [
        estimate.names[j]
        for j, pieces in everything
        for piece in pieces
        if isinstance(piece, Expression) and piece.tree is not None and word in piece.key
    ]
    if inside:
        return (
            f"{message} It appears within {listing(dict.fromkeys(inside))}; a lag, lead or "
            "difference is a variable of its own, such as 'L(x)'."
        )
    return f"{message}{suggestion(variable, estimate.names)} Terms: {listing(estimate.names, 12)}."


class _Columns:
    """Values of expressions on the rows of the estimation sample."""

    def __init__(self, estimate: Estimate, data: Any, reader: Reader) -> None:
        self.estimate, self.reader = estimate, reader
        self.frame: pd.DataFrame | None = None
        self.rows: Any = slice(None)
        self.panel: Any = None
        if data is not None:
            from migdev.panel.frame_input import to_pandas

            self.frame = to_pandas(data)
        elif estimate.sample is not None:
            self.panel, self.rows = estimate.sample.panel, estimate.sample.rows
            self.frame = self.panel.frame

    def factor(self, name: str) -> AnyArray | None:
        if self.frame is None or name not in self.frame.columns:
            return None
        values = self.frame[name]
        out: AnyArray = values.astype(object).where(values.notna(), None).to_numpy()[self.rows]
        return out

    def number(self, key: str) -> FloatArray | None:
        tree = self.reader.tree(key)
        if self.frame is None or tree is None:
            return None
        try:
            with np.errstate(all="ignore"):
                values = np.asarray(self._value(tree), dtype=float)
        except (ResultError, KeyError, TypeError, ValueError):
            return None  # not to be had from the data: the caller must name values
        return np.asarray(np.broadcast_to(values, (len(self.frame),))[self.rows])

    def _value(self, tree: Any) -> Any:
        return Evaluator(self.reader, {}, self._column).visit(tree).value

    def _column(self, key: str) -> Dual:
        assert self.frame is not None
        if key in self.frame.columns:
            return Dual(self.frame[key].to_numpy(dtype=float, na_value=np.nan))
        node = self.reader.tree(key)
        if node is not None and is_shift(node) and self.panel is not None:
            operator = getattr(self.panel, node.func.id)  # type: ignore[attr-defined]
            inner, *steps = node.args  # type: ignore[attr-defined]
            k = [int(self._value(step)) for step in steps]
            return Dual(operator(np.asarray(self._value(inner), dtype=float), *k).to_numpy())
        raise KeyError(key)
