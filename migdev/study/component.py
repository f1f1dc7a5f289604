"""One equation of a joint test: a formula, or any specification whose fit keeps influence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from migdev.covariance import Clustered
from migdev.errors import IdentificationError, MigdevError, ResultError, SpecificationError, listing
from migdev.estimators.static.linear import FixedEffects
from migdev.identity import LATER
from migdev.kernels.arrays.types import BoolArray, FloatArray
from migdev.kernels.sandwich.cluster_draws import ClusterSums, cluster_sums
from migdev.notes import quiet
from migdev.panel.design import Design
from migdev.panel.model_matrix import require_data
from migdev.panel.panel import Panel
from migdev.protocols import Data
from migdev.results.estimate import Estimate
from migdev.study.decision_rule import Focal, focal_of
from migdev.study.hypothesis import Hypothesis
from migdev.study.influence import influence
from migdev.study.study import as_spec, readable

EFFECTS = ("entity", "time")
COMMON = "in_common_sample"


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One equation of a joint test.

    Attributes
    ----------
    name : str
    hypothesis : Hypothesis
        Its focal term is a coefficient of the formula, or an expression of the coefficients of
        ``spec``; its views predict the pattern.
    formula : str
        Fitted by fixed effects of entity and time with errors clustered by entity.
    spec : Spec or estimator, optional
        In place of ``formula``: any estimator whose fit keeps the influence of its entities (IV,
        GMM, mean groups, a likelihood, one of your own). ``Spec(term=...)`` names the focal
        parameter where it is written otherwise than in the hypothesis.
    """

    name: str
    hypothesis: Hypothesis
    formula: str = ""
    spec: Any = field(default=None, metadata=LATER)

    def __post_init__(self) -> None:
        if bool(self.formula) == (self.spec is not None):
            raise SpecificationError(
                f"The component {self.name!r} needs a formula or a spec, and "
                f"{'has both' if self.formula else 'has neither'}."
            )
        if self.spec is not None:
            object.__setattr__(self, "spec", as_spec(self.spec, self.name))

    @property
    def estimator(self) -> Any:
        """What is fitted."""
        if self.spec is not None:
            return self.spec.estimator
        return FixedEffects(formula=self.formula, effects=EFFECTS, cov=Clustered("entity"))

    @property
    def equation(self) -> str:
        """The formula, as far as the specification has one."""
        return self.formula or str(getattr(self.estimator, "formula", ""))

    @property
    def equations(self) -> tuple[str, ...]:
        """The formulas that what is fitted may warn of."""
        return (self.equation,)

    @property
    def term(self) -> str:
        """The focal parameter: a coefficient of the formula, or an expression."""
        if self.spec is None:
            return f"`{self.hypothesis.term}`"
        return self.spec.term or self.hypothesis.term

    @property
    def selectable(self) -> bool:
        """Rows of other equations can be imposed on it: it has a formula and takes weights."""
        spec = self.estimator
        takes = is_dataclass(spec) and any(f.name == "weights" for f in fields(spec))
        return takes and bool(self.equation) and spec.weights is None

    def fit(self, panel: Panel, weights: str | None = None) -> Estimate:
        """The equation fitted on its rows, or on those where ``weights`` is not missing.

        Raises
        ------
        IdentificationError
            It cannot be fitted, or its fit keeps no influence by entity.
        """
        require_data(panel)
        spec = self.estimator if weights is None else replace(self.estimator, weights=weights)
        try:
            fit: Estimate = readable(spec.fit(panel), spec)
        except MigdevError as error:
            raise IdentificationError(
                f"The equation of {self.name!r} cannot be fitted: {error}"
            ) from error
        if self.spec is None and self.hypothesis.term not in fit.params.index:
            raise SpecificationError(
                f"The focal term {self.hypothesis.term!r} of {self.name!r} is not a coefficient of "
                f"{self.formula!r}: {listing(fit.names)}."
            )
        return fit

    def focal(self, fit: Estimate) -> Focal:
        """The focal parameter of a fit, with its tests."""
        h = self.hypothesis
        try:
            return focal_of(fit.delta(self.term), bound=h.smallest_effect, level=h.level)
        except ResultError as error:
            raise IdentificationError(f"The equation of {self.name!r}: {error}") from error

    def influence(self, fit: Estimate) -> pd.Series[float]:
        """What each entity adds to the focal parameter, scaled to the variance of the fit.

        CR1 differs from CR0 by a factor only; it is read off, so any convention carries over.
        """
        psi = influence(fit, self.term)
        if psi is None:
            raise IdentificationError(
                f"The equation of {self.name!r}: {fit.method} keeps no influence by entity, so its "
                "estimate cannot be drawn jointly with the others. Use an estimator that does, or "
                "study it alone."
            )
        error = fit.delta(self.term).std_error
        return psi * (error / float(np.linalg.norm(psi)))


def common_rows(panel: Panel, formulas: Sequence[str]) -> Panel:
    """The panel with a column that is 1 in rows complete in every formula, missing elsewhere.

    As a weight it keeps the other rows out of the fit but within reach of lags.
    """
    keep = np.ones(len(panel), dtype=bool)
    for formula in formulas:
        keep[np.setdiff1d(np.arange(len(panel)), _design(formula, panel).rows)] = False
    if not keep.any():
        raise IdentificationError(
            f"No row is complete in all of {listing(formulas)}. Use sample='largest', or equations "
            "that share their observations."
        )
    return panel.assign(**{COMMON: np.where(keep, 1.0, np.nan)})


def _design(formula: str, panel: Data) -> Design:
    with quiet():  # what is left out is reported when the equation is fitted
        return Design.build(formula, panel, intercept=False)


def bootstrap_sums(
    fit: Estimate, component: Component, N: int
) -> tuple[ClusterSums, int, BoolArray]:
    """Sums by entity with the entity effects swept out and period dummies as columns.

    Sweeping within entities commutes with drawing whole entities; sweeping periods does not, so
    the dummies stay in the equation.
    """
    sample = fit.sample
    assert sample is not None
    d = _design(component.formula, sample.panel)
    at = np.searchsorted(d.rows, sample.rows)
    kept = [d.names.index(name) for name in fit.names]
    X, y = d.X[at][:, kept], d.y[at]
    codes = sample.panel.entity_codes[sample.rows]
    _, period = np.unique(sample.time, return_inverse=True)
    dummies = np.eye(int(period.max()) + 1)[period][:, 1:]
    stacked = np.column_stack([X, dummies, y])
    counts = np.bincount(codes, minlength=N)
    means = (
        np.column_stack([np.bincount(codes, weights=column, minlength=N) for column in stacked.T])
        / np.maximum(counts, 1)[:, None]
    )
    stacked = stacked - means[codes]
    focal = fit.names.index(component.hypothesis.term)
    return cluster_sums(stacked[:, :-1], stacked[:, -1], codes, N), focal, counts > 0


def stacked(parts: Sequence[pd.Series[float]], entities: pd.Index[Any]) -> FloatArray:
    """(N, m) influences on all focal parameters, of the entities of the panel; zero outside a
    sample."""
    columns = [part.reindex(entities, fill_value=0.0).to_numpy(dtype=float) for part in parts]
    return np.column_stack(columns)
