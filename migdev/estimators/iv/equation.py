"""From a formula with brackets to an identified IV equation: effects absorbed, weights applied,
collinear columns and instruments left out and reported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from migdev.errors import CollinearityWarning, IdentificationError, SpecificationError, listing
from migdev.estimators.assembly import reasons_in_words, root_weights, scaled
from migdev.estimators.static.linear import drop_singletons
from migdev.kernels.absorb.absorber import absorb
from migdev.kernels.arrays.least_squares import independent_columns
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.kernels.iv.basis import IVBasis, iv_basis
from migdev.kernels.iv.strength import least_explained
from migdev.kernels.sandwich.moments import Moments
from migdev.notes import warn
from migdev.panel.design import Design
from migdev.protocols import Data

# A smallest canonical correlation below this is rounding: no instrument speaks of that direction.
_NO_CORRELATION = 1e-7


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IVEquation:
    """An identified equation.

    Attributes
    ----------
    design : Design
        Its sample (without singletons).
    basis : IVBasis
    exogenous, endogenous, instruments : tuple of str
        Columns in the order of the basis; ``instruments`` are the excluded ones.
    effects : tuple of str; factors : tuple of (n,)
        Names and codes of the absorbed factors.
    df_absorbed : int
    dropped : mapping from column to reason
    root : (n,), optional
        Square root of the weights.
    """

    design: Design
    basis: IVBasis
    exogenous: tuple[str, ...]
    endogenous: tuple[str, ...]
    instruments: tuple[str, ...]
    effects: tuple[str, ...]
    factors: tuple[IntArray, ...]
    df_absorbed: int
    dropped: dict[str, str]
    root: FloatArray | None

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.exogenous, *self.endogenous)

    def moments(self, X: FloatArray, resid: FloatArray, bread: FloatArray, **more: Any) -> Moments:
        """Scores of a fit with effective regressors X (n, k)."""
        d = self.design
        return Moments(
            X=X, resid=resid, bread=bread, entity=d.entity, time=d.time, factors=self.factors,
            factor_names=self.effects, df_absorbed=self.df_absorbed,
            constant=bool(self.factors) or d.holds_constant, weights=d.weights, columns=d.columns,
            **more,
        )  # fmt: skip


def iv_equation(spec: Any, panel: Data, requires: Sequence[str] | None = None) -> IVEquation:
    """Build, absorb, weigh and check the equation of an IV estimator.

    Parameters
    ----------
    requires : sequence of str, optional
        Columns that the covariance takes; by default those of the estimator's own.

    Raises
    ------
    SpecificationError
        The formula has no brackets.
    IdentificationError
        Fewer instruments than endogenous regressors, a first stage of deficient rank, or too few
        rows.
    """
    formula, effects = spec.formula, spec.effects
    requires = spec.cov.requires() if requires is None else requires
    design = Design.build(
        formula, panel, weights=spec.weights, intercept=False if effects else None,
        requires=(*effects, *requires),
    )  # fmt: skip
    if not design.endog_names:
        raise SpecificationError(
            f"{type(spec).__name__} needs endogenous regressors and instruments in brackets, as in "
            f"'y ~ x + [d ~ z]'; {formula!r} has none. Use PooledOLS or FixedEffects."
        )
    if effects and spec.singletons == "drop":
        design = drop_singletons(design, effects)
    factors = tuple(design.codes(name) for name in effects)
    blocks = (design.y[:, None], design.X, design.endog, design.instruments)
    stacked = np.asfortranarray(np.column_stack(blocks))
    norms = np.sqrt(np.einsum("ij,ij->j", stacked, stacked))
    rank = 0
    if effects:
        within = absorb(stacked, factors, design.weights)
        stacked, rank = within.values, within.rank
    root = root_weights(design)
    if root is not None:
        stacked, norms = scaled(stacked, root), norms * float(root.max())
    cuts = np.cumsum([1, design.X.shape[1], design.endog.shape[1]])
    y, X1, X2, Z = stacked[:, 0], *np.split(stacked[:, 1:], cuts[1:] - 1, axis=1)
    n1, n2, nz = np.split(norms[1:], cuts[1:] - 1)
    sieve = _Sieve(formula, effects)
    exogenous, endogenous, instruments = design.names, design.endog_names, design.instrument_names
    whole = np.column_stack([X1, Z, X2])
    if not independent_columns(whole, np.concatenate([n1, nz, n2])).all():
        X1, n1, exogenous = sieve.keep(X1, n1, exogenous, "regressor")
        X2, n2, endogenous = sieve.keep(X2, n2, endogenous, "regressor", X1)
        Z, nz, instruments = sieve.keep(Z, nz, instruments, "instrument", X1)
        if not endogenous:
            raise IdentificationError(
                f"{formula!r}: no endogenous regressor is left: {reasons_in_words(sieve.dropped)}."
            )
        _require_rows(formula, len(y), X1.shape[1] + Z.shape[1], rank)
        predicted = ~_independent(X2, n2, np.column_stack([X1, Z]))
        if predicted.any():
            # A regressor that the instruments determine is exogenous, as ivreg2 also decides.
            moved = tuple(n for n, is_so in zip(endogenous, predicted, strict=True) if is_so)
            sieve.exogenous(moved, whole=bool(predicted.all()))
            X1 = np.column_stack([X1, X2[:, predicted]])
            exogenous = (*exogenous, *moved)
            X2 = X2[:, ~predicted]
            endogenous = tuple(name for name in endogenous if name not in moved)
            Z, nz, instruments = sieve.keep(Z, nz, instruments, "instrument", X1)
    _require_rows(formula, len(y), X1.shape[1] + Z.shape[1], rank)
    sieve.report()
    _require_count(formula, endogenous, instruments, sieve.dropped)
    basis = iv_basis(y, X1, X2, Z)
    _require_rank(formula, basis, endogenous, instruments)
    return IVEquation(
        design=design, basis=basis, exogenous=exogenous, endogenous=endogenous,
        instruments=instruments, effects=design.roles(effects), factors=factors, df_absorbed=rank,
        dropped=sieve.dropped, root=root,
    )  # fmt: skip


class _Sieve:
    """Leaves out dependent columns and remembers why."""

    def __init__(self, formula: str, effects: tuple[str, ...]) -> None:
        self.formula, self.effects = formula, effects
        self.dropped: dict[str, str] = {}
        self.moved: tuple[str, ...] = ()

    def keep(
        self,
        X: FloatArray,
        norms: FloatArray,
        names: tuple[str, ...],
        kind: str,
        given: FloatArray | None = None,
    ) -> tuple[FloatArray, FloatArray, tuple[str, ...]]:
        """The columns that are independent of ``given`` and of those before them."""
        keep = _independent(X, norms, given)
        if keep.all():
            return X, norms, names
        lengths = np.sqrt(np.einsum("ij,ij->j", X, X))
        gone = (lengths <= 1e-8 * norms) | (lengths == 0)
        for name, kept, absorbed in zip(names, keep, gone, strict=True):
            if kept:
                continue
            if absorbed and self.effects:
                why = f"absorbed by the effects {', '.join(self.effects)}"
            elif kind == "instrument":
                why = "collinear with the exogenous regressors and the instruments before it"
            else:
                why = "collinear with the columns before it"
            self.dropped[name] = f"instrument {why}" if kind == "instrument" else why
        kept_names = tuple(name for name, kept in zip(names, keep, strict=True) if kept)
        return X[:, keep], norms[keep], kept_names

    def exogenous(self, names: tuple[str, ...], whole: bool) -> None:
        if whole:
            raise IdentificationError(
                f"{self.formula!r}: the instruments determine {listing(names)} exactly, so nothing "
                "is endogenous. Take a regressor out of its own instruments, or put it outside "
                "the brackets."
            )
        self.moved = names

    def report(self) -> None:
        said = []
        if self.dropped:
            said.append(
                f"{len(self.dropped)} columns are left out: {reasons_in_words(self.dropped)}"
            )
        if self.moved:
            said.append(
                f"{listing(self.moved)} are linear combinations of the instruments and are "
                "treated as exogenous"
            )
        if said:
            warn(f"{self.formula!r}: {'; '.join(said)}.", CollinearityWarning, stacklevel=4)


def _independent(X: FloatArray, norms: FloatArray, given: FloatArray | None = None) -> BoolArray:
    """(k,) columns of X that are independent of ``given`` and of those before them."""
    if given is None or given.shape[1] == 0:
        return independent_columns(X, norms)
    both = np.column_stack([given, X])
    all_norms = np.concatenate([np.zeros(given.shape[1]), norms])
    return independent_columns(both, all_norms)[given.shape[1] :]


def _require_rows(formula: str, n: int, instruments: int, absorbed: int) -> None:
    if n <= instruments + absorbed:
        effects = f" and {absorbed} effects" if absorbed else ""
        raise IdentificationError(
            f"{formula!r} has {instruments} exogenous regressors and instruments{effects}, but "
            f"only {n} complete rows: the first stage would fit exactly. Use fewer instruments or "
            "effects, or more data."
        )


def _require_count(
    formula: str,
    endogenous: tuple[str, ...],
    instruments: tuple[str, ...],
    dropped: dict[str, str],
) -> None:
    if len(instruments) >= len(endogenous):
        return
    lost = {name: why for name, why in dropped.items() if why.startswith("instrument ")}
    after = f", after {reasons_in_words(lost)}" if lost else ""
    raise IdentificationError(
        f"{formula!r} is under-identified: {len(endogenous)} endogenous regressors "
        f"({', '.join(endogenous)}), but {len(instruments)} excluded instruments"
        f"{f' ({listing(instruments)})' if instruments else ''}{after}. Add instruments, or treat "
        "a regressor as exogenous."
    )


def _require_rank(
    formula: str, basis: IVBasis, endogenous: tuple[str, ...], instruments: tuple[str, ...]
) -> None:
    if least_explained(basis).correlation > _NO_CORRELATION:
        return
    lengths = np.sqrt(np.einsum("ij,ij->j", basis.A, basis.A))
    whole = np.sqrt(lengths**2 + np.einsum("ij,ij->j", basis.V, basis.V))
    unrelated = [n for n, r in zip(endogenous, lengths / whole, strict=True) if r < _NO_CORRELATION]
    what = (
        f"{listing(unrelated)} are unrelated to the instruments"
        if unrelated
        else f"the instruments ({listing(instruments)}) cannot tell the endogenous regressors "
        f"({', '.join(endogenous)}) apart"
    )
    raise IdentificationError(
        f"{formula!r} is not identified: {what}; the first stage has deficient rank. Use other "
        "instruments."
    )
