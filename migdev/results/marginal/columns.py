"""The columns of a fit as functions of its variables, on the rows of a sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from migdev.errors import ResultError, listing, suggestion
from migdev.kernels.arrays.types import AnyArray, BoolArray, FloatArray
from migdev.results.facts import CONSTANTS
from migdev.results.foreign.spec import ForeignSpec
from migdev.results.links import LINKS
from migdev.results.marginal.sample_values import SampleValues
from migdev.results.marginal.surface import Moderator
from migdev.results.marginal.terms import Dual, Evaluator, Level, Piece

if TYPE_CHECKING:
    from migdev.results.estimate import Estimate


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    r"""Columns :math:`x_j(v)` of a fit, with their slopes, given its variables.

    Attributes
    ----------
    terms : tuple of (position, pieces)
        The coefficients of products of expressions of variables; the others (the constant, time
        dummies, means by entity, shape parameters) do not move.
    variables : mapping from name to Moderator
        Columns, lags and factors, with their values on the rows.
    constant : (k,)
        One for the constant, else zero.
    rows : int
    offset : (n,), optional
        What the linear index holds beside coefficients times columns: effects, an exposure.
    """

    fit: Estimate
    values: SampleValues
    terms: tuple[tuple[int, tuple[Piece, ...]], ...]
    variables: Mapping[str, Moderator]
    constant: FloatArray
    rows: int
    offset: FloatArray | None = None

    @classmethod
    def of(cls, fit: Estimate, data: Any = None, *, index: bool) -> Columns:
        """The columns on the sample; ``index``: with what the linear index holds beside them.

        Raises
        ------
        ResultError
            The sample is not known, or the columns cannot be made again from the names of the
            coefficients (factors coded otherwise than by treatment, splines).
        """
        kept = Kept.of(fit, data)
        values = SampleValues.of(fit, kept.frame)
        constant = np.array([name in CONSTANTS for name in fit.names])
        moving = np.flatnonzero(~constant & ~kept.unknown)
        terms = tuple((int(j), values.reader.term(fit.names[j])) for j in moving)
        variables = _variables(terms, values)
        unread = [name for name, m in variables.items() if m.sample is None]
        if unread:
            raise ResultError(
                f"The values of {listing(unread)} in the sample of {fit.method} are not known; "
                "give data=..., one row for each observation."
            )
        samples = [m.sample for m in variables.values() if m.sample is not None]
        made = cls(
            fit=fit, values=values, terms=terms, variables=variables,
            constant=constant.astype(float), rows=len(samples[0]) if samples else fit.nobs,
        )  # fmt: skip
        X = made.at({})
        if kept.X is not None:
            made._check(X, kept.X)
        if not index:
            return made
        return replace(made, offset=kept.index(X) - X @ fit.params.to_numpy(dtype=float))

    def at(self, changed: Mapping[str, AnyArray]) -> FloatArray:
        """(n, k) columns with some variables at other values."""
        return self.moved(changed)[0]

    def moved(
        self, changed: Mapping[str, AnyArray], variable: str | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """(n, k) columns with some variables at other values, and their slopes in a variable."""
        known: dict[str, Dual] = {}
        for name, m in self.variables.items():
            value = np.asarray(changed.get(name, m.sample))
            known[name] = Dual(value if m.is_factor else value.astype(float))
        n = len(next(iter(known.values())).value) if known else self.rows
        if variable is not None:
            known[variable] = Dual(known[variable].value, np.ones(n))
        X, G = np.tile(self.constant, (n, 1)), np.zeros((n, len(self.constant)))
        evaluator = Evaluator(self.values.reader, known)
        with np.errstate(all="ignore"):
            for j, pieces in self.terms:
                found = evaluator.term(pieces)
                X[:, j], G[:, j] = found.value, found.slope
        return X, G

    def key(self, variable: str) -> str:
        """The name of a variable as it is known here."""
        name = self.values.reader.key(variable)
        name = name[2:-1] if name.startswith("C(") and name not in self.variables else name
        if name not in self.variables:
            raise ResultError(
                f"{self.fit.method} has no variable {variable!r}."
                f"{suggestion(variable, self.variables)} It has {listing(self.variables, 12)}."
            )
        return name

    def _check(self, ours: FloatArray, theirs: FloatArray) -> None:
        """Refuse where the names do not give the columns of the fit."""
        if len(ours) != len(theirs):
            raise ResultError(
                f"data= holds {len(ours)} rows, but {self.fit.method} has {len(theirs)}; give the "
                "rows of its sample."
            )
        size = np.maximum(np.abs(theirs).max(axis=0, initial=0.0), 1e-300)
        wrong = [
            self.fit.names[j]
            for j, _ in self.terms
            if not np.abs(ours[:, j] - theirs[:, j]).max(initial=0.0) <= 1e-8 * size[j]
        ]
        if wrong:
            raise ResultError(
                f"The columns of {listing(wrong)} cannot be made again from their names. Use "
                "treatment coding of factors, and arithmetic, np.log(x), I(x ** 2) or the like "
                "instead of splines, polynomials and transformations that are remembered."
            )


def _variables(
    terms: Sequence[tuple[int, tuple[Piece, ...]]], values: SampleValues
) -> dict[str, Moderator]:
    levels: dict[str, dict[str, None]] = {}
    evaluator = Evaluator(values.reader, {})
    for _, pieces in terms:
        evaluator.term(pieces)
        for piece in pieces:
            if isinstance(piece, Level):
                levels.setdefault(piece.base, {})[piece.level] = None
    return {
        name: Moderator(
            name=name, levels=tuple(levels.get(name, ())),
            sample=values.factor(name) if name in levels else values.number(name),
        )
        for name in evaluator.seen
    }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kept:
    """What a fit keeps of its sample.

    Attributes
    ----------
    frame : DataFrame, optional
        Of another library's fit, or as the caller gives it.
    X : (n, .), optional
        Columns of the coefficients.
    mean : (n,), optional
        Fitted means.
    unknown : (k,)
        Coefficients that are not of columns of the formula.
    """

    fit: Estimate
    frame: Any
    X: FloatArray | None
    mean: FloatArray | None
    unknown: BoolArray

    @classmethod
    def of(cls, fit: Estimate, data: Any) -> Kept:
        unknown: BoolArray = np.zeros(len(fit.names), dtype=bool)
        sample = fit.sample
        if sample is not None and sample.recipe is not None:
            if data is not None:
                raise ResultError(
                    f"{fit.method} keeps its sample, so averages are over that; by= splits them. "
                    "For other data see fit.predict(data)."
                )
            made = sample.recipe.columns(sample.panel, tuple(fit.names), sample.panel)
            X = np.where(made.unknown, 0.0, made.X[sample.rows])
            return cls(fit=fit, frame=None, X=X, mean=None, unknown=made.unknown)
        if not isinstance(fit.spec, ForeignSpec) or fit.spec.rows is None:
            return cls(fit=fit, frame=data, X=None, mean=None, unknown=unknown)
        frame, columns, mean = fit.spec.rows()
        if columns is not None:
            unknown[columns.shape[1] :] = True  # parameters beside the index, as a dispersion
        frame = frame if data is None else data
        return cls(fit=fit, frame=frame, X=columns, mean=mean, unknown=unknown)

    def index(self, X: FloatArray) -> FloatArray:
        """(n,) linear index of the sample; X (n, k) are its columns."""
        fit = self.fit
        if fit.facts.form not in ("levels", "quasi-demeaned"):
            raise ResultError(
                f"{fit.method} is fitted to {fit.facts.form}, so it has no mean in levels to "
                "predict or to relate an effect to. Take average_margins(kind='dydx')."
            )
        if fit.sample is not None and fit.sample.recipe is not None:
            predictor = fit.predictor
            if predictor.coefficients.entities is not None:  # the average entity
                return np.asarray(X @ fit.params.to_numpy(dtype=float))
            index = predictor.index(predictor.sample.panel, effects=True)
            return np.asarray(index[predictor.sample.rows])
        if self.mean is None or len(self.mean) != len(X):
            raise ResultError(
                f"The fitted means of {fit.method} are not known for these {len(X)} rows; only "
                "average_margins(kind='dydx', scale='index') needs none."
            )
        return np.asarray(LINKS[fit.facts.link or "identity"].link(self.mean))
