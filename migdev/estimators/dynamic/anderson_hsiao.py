"""Anderson and Hsiao's instrumental variables for the first-differenced equation."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import ClassVar, Literal

import numpy as np

from migdev.covariance import Clustered, CovarianceOption
from migdev.errors import (
    CollinearityWarning,
    DroppedRowsWarning,
    IdentificationError,
    SpecificationError,
    listing,
)
from migdev.estimators.assembly import finish
from migdev.estimators.dynamic.gmm.difference_system import DifferenceGMM
from migdev.estimators.dynamic.gmm.styles import GMMStyle
from migdev.estimators.specification import Effects, of_panel, settle
from migdev.identity import LATER
from migdev.kernels.arrays.groups import level_codes
from migdev.kernels.arrays.least_squares import independent_columns
from migdev.kernels.arrays.types import BoolArray, FloatArray
from migdev.kernels.sandwich.moments import Moments
from migdev.notes import warn
from migdev.options import held
from migdev.panel.design import SampleColumns
from migdev.panel.operators import difference, lag
from migdev.panel.terms import evaluate_terms
from migdev.protocols import Data
from migdev.results.dynamics import lag_structure
from migdev.results.estimate import Estimate
from migdev.results.facts import linear_facts


@dataclass(frozen=True, slots=True)
class AndersonHsiao:
    r"""Instrumental variables in first differences (Anderson and Hsiao 1981).

    .. math::
        \Delta y_{it} &= \rho\,\Delta y_{i,t-1} + \Delta x_{it}'\beta + \Delta v_{it} \quad (1) \\
        \hat\delta &= (Z'X)^{-1}Z'\Delta y \quad (2)

    :math:`\Delta y_{i,t-1}` is instrumented by :math:`y_{i,t-2}` or :math:`\Delta y_{i,t-2}`;
    every other column, further lags of y among them, is its own instrument. Exactly identified.

    Parameters
    ----------
    formula : str
        ``y ~ L(y) + x``.
    instrument : {"level", "difference"}
        The level has the smaller variance over most of the parameter space (Arellano 1989) and
        costs no further period.
    effects : tuple of str
        ``()`` or ``("time",)``.
    constant : {"none", "moments"}
        ``"none"``: the instrument as it stands, so that without time effects the estimate depends
        on the level of y. ``"moments"``: less its mean, which adds
        :math:`E[\Delta v_{it}] = 0` to the moment and frees it of the level.
    cov : Covariance
        By default clustered by entity, as :math:`\Delta v_{it}` is a moving average.

    Raises
    ------
    SpecificationError
        The formula has no first lag of the dependent variable.
    IdentificationError
        No rows, or an instrument that does not move with :math:`\Delta y_{i,t-1}`.

    References
    ----------
    Anderson and Hsiao (1981), Journal of the American Statistical Association 76, 598-606.
    Arellano (1989), Economics Letters 31, 337-341.
    """

    #: Class of design, for verdicts.
    design: ClassVar[str] = "internal instruments"

    formula: str
    _: KW_ONLY
    instrument: Literal["level", "difference"] = "level"
    effects: Effects = held(())
    cov: CovarianceOption = held(Clustered("entity"))
    constant: Literal["none", "moments"] = field(default="none", metadata=LATER)

    def __post_init__(self) -> None:
        settle(self)
        self._layout("y")

    def _layout(self, dependent: str) -> DifferenceGMM:
        return DifferenceGMM(
            formula=self.formula, gmm=(GMMStyle(dependent, (2, 2), True),), effects=self.effects
        )

    @of_panel
    def fit(self, panel: Data) -> Estimate:
        """Estimate on a panel."""
        dependent = self.formula.split("~")[0].strip()
        problem = self._layout(dependent).problem(panel)
        design, stack = problem.design, problem.stack
        own = lag_structure(problem.names, design.dependent).own
        if 1 in lag_structure(tuple(problem.dropped), design.dependent).own:
            raise IdentificationError(
                f"{self.formula!r}: L({design.dependent}) does not vary over time within entities, "
                "or repeats other regressors."
            )
        if 1 not in own:
            raise SpecificationError(
                f"{self.formula!r} has no L({design.dependent}) among its regressors "
                f"({', '.join(problem.names)})."
            )
        r, i = np.nonzero(stack.used)
        at = problem.row[stack.period[r], i]
        order = np.argsort(at, kind="stable")
        r, i, at = r[order], i[order], at[order]
        lagged = lag(panel, evaluate_terms(design.dependent, panel)[0][:, 0], 2)
        z = (lagged if self.instrument == "level" else difference(panel, lagged))[design.rows[at]]
        there = ~np.isnan(z)
        dropped = dict(design.dropped)
        if not there.all():
            lost = int(np.count_nonzero(~there))
            reason = f"missing instrument of L({design.dependent})"
            dropped[reason] = lost
            warn(
                f"{self.formula!r}: {lost} differenced rows are not used: {reason}.",
                DroppedRowsWarning,
                stacklevel=2,
            )
        r, i, at, z = r[there], i[there], at[there], z[there]
        z = z - z.mean() if self.constant == "moments" else z
        X, y = stack.X[r, :, i], stack.y[r, i]
        kept = _identified(X, problem.n_time)
        names = tuple(name for name, k in zip(problem.names, kept, strict=True) if k)
        own = lag_structure(names, design.dependent).own
        X = X[:, kept]
        n, k = X.shape
        if n <= k or 1 not in own:
            raise IdentificationError(
                f"{self.formula!r} has {len(problem.names)} coefficients but {n} differenced rows "
                "with instruments. Use fewer lags or a longer panel."
            )
        gone = [name for name in problem.names if name not in names]
        regressors = problem.names[: len(kept) - problem.n_time]
        if any(name in regressors for name in gone):
            shown = listing(name for name in gone if name in regressors)
            warn(
                f"{self.formula!r}: left out are {shown}, which do not vary, or repeat others, in "
                "the rows with instruments.",
                CollinearityWarning,
                stacklevel=2,
            )
        why = "repeats others in the rows with instruments"
        lost_columns = {**problem.dropped, **dict.fromkeys(gone, why)}
        Z = X.copy()
        Z[:, own[1]] = z
        Q, R = np.linalg.qr(Z)
        size = np.abs(np.diagonal(R)) / np.linalg.norm(Z, axis=0)
        projected = Q @ (Q.T @ X)
        scale = np.linalg.norm(X, axis=0)
        U, s, Vt = np.linalg.svd(projected / scale, full_matrices=False)
        if size.min() < 1e-9 or s[-1] < 1e-9 * s[0]:
            raise IdentificationError(
                f"{self.formula!r}: the instrument does not identify L({design.dependent}): given "
                "the other regressors it does not move with its change."
            )
        inverse = (Vt.T / s) / scale[:, None]
        params = inverse @ (U.T @ y)
        bread = inverse @ inverse.T
        resid = y - X @ params
        rows = design.rows[at]
        entity = level_codes(design.entity[at])
        moments = Moments(
            X=projected, resid=resid, bread=bread, entity=entity, time=design.time[at],
            columns=SampleColumns(panel, rows), constant=False,
        )  # fmt: skip
        return finish(
            Estimate, spec=self, cov=self.cov, design=design, rows=at, scores=moments,
            names=names, params=params,
            method=f"Anderson-Hsiao, {self.instrument}s as instruments",
            stats={"sigma": float(np.sqrt(resid @ resid / (n - k)))}, residual=resid, observed=y,
            dropped=dropped, dropped_columns=lost_columns,
            stated=linear_facts(
                "instruments", self.effects, form="differences", removed=("entity",)
            ),
        )  # fmt: skip


def _identified(X: FloatArray, n_time: int) -> BoolArray:
    """(k,) columns of X (n, k) that do not repeat others; of the time effects, which come last,
    the earliest give way, as their periods lack instruments."""
    k = X.shape[1]
    order = np.concatenate([np.arange(k - n_time), np.arange(k - n_time, k)[::-1]])
    keep = np.zeros(k, dtype=bool)
    keep[order] = independent_columns(X[:, order])
    return keep
