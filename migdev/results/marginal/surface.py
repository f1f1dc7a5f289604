"""The marginal effect of a variable as a function of what it depends on."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.polynomial import Polynomial

from migdev.errors import ResultError, listing, suggestion
from migdev.kernels.arrays.types import AnyArray, FloatArray
from migdev.results.marginal.sample_values import SampleValues
from migdev.results.marginal.terms import (
    Dual,
    Evaluator,
    Expression,
    Level,
    Piece,
    Reader,
    subexpressions,
)

if TYPE_CHECKING:
    from migdev.results.estimate import Estimate


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

    def checked(self, values: Sequence[Any]) -> list[Any]:
        """Values that the moderator can take: finite numbers, or levels as text."""
        if not values:
            raise ResultError(f"at[{self.name!r}] holds no value.")
        if not self.is_factor:
            try:
                numbers = [float(v) for v in values]
            except (TypeError, ValueError):
                raise ResultError(f"at[{self.name!r}] must hold numbers, not {values!r}.") from None
            if not np.isfinite(numbers).all():
                raise ResultError(f"at[{self.name!r}] must hold finite numbers, not {values!r}.")
            return numbers
        levels = [str(v) for v in values]
        for name in levels:
            if name not in self.choices:
                raise ResultError(
                    f"{self.name!r} has no level {name!r}.{suggestion(name, self.choices)} Levels: "
                    f"{listing(self.choices, 12)}."
                )
        return levels

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
        values = SampleValues.of(estimate, data)
        reader = values.reader
        target = reader.key(variable)
        keys = {reader.key(name): None for name in held}
        everything = [(j, reader.term(name)) for j, name in enumerate(estimate.names)]
        terms = tuple(
            (j, pieces) for j, pieces in everything if target in subexpressions(reader, pieces)
        )
        _refuse_opaque(target, reader, everything)
        if not terms:
            raise ResultError(_not_there(variable, target, estimate, reader, everything))
        surface = cls(estimate=estimate, variable=target, reader=reader, terms=terms, moderators=())
        names = surface._atoms(keys)
        moderators = tuple(
            Moderator(
                name=name,
                levels=levels,
                sample=values.factor(name) if levels else values.number(name),
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


def _refuse_opaque(
    target: str, reader: Reader, everything: Sequence[tuple[int, tuple[Piece, ...]]]
) -> None:
    """Refuse a variable that also stands within a function of several columns, as a spline."""
    for _, pieces in everything:
        for piece in pieces:
            tree = reader.tree(piece.base) if isinstance(piece, Level) else None
            if isinstance(tree, ast.Call) and target in subexpressions(
                reader, [Expression(tree, piece.key)]
            ):
                raise ResultError(
                    f"{target!r} stands within {piece.key}, which cannot be differentiated; use "
                    "powers such as I(x ** 2) instead of splines and polynomials."
                )


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
