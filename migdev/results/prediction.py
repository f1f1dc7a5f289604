"""Predictions of a fit: on its sample, and on other data under the same keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from migdev.errors import PredictionWarning, ResultError, listing
from migdev.kernels.absorb.absorber import absorb
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.notes import warn
from migdev.options import check_choice
from migdev.panel.panel import Panel
from migdev.panel.recipe import Made, Recipe
from migdev.protocols import Data
from migdev.results.effects import Effects, estimated_effects, levels_of
from migdev.results.links import LINKS

if TYPE_CHECKING:
    from migdev.results.estimate import Estimate, Sample

# What fitted values may differ from coefficients times columns plus effects, of their size.
_ROUNDING = 1e-7


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coefficients:
    """Coefficients of all rows (k,), or by entity (N, k).

    Attributes
    ----------
    names : tuple of str
    values : (k,) or (N, k)
    entities : (N,), optional
        Labels of the entities that have their own.
    first : (N,), optional
        Their first periods as whole numbers, from which a column called ``trend`` counts.
    """

    names: tuple[str, ...]
    values: FloatArray
    entities: pd.Index | None = None
    first: IntArray | None = None

    def index(self, X: FloatArray, data: Data) -> tuple[FloatArray, list[str]]:
        """(n,) linear index by row, and entities without coefficients."""
        if self.entities is None:
            return X @ self.values, []
        labels = levels_of("entity", data)
        at = self.entities.get_indexer(labels)
        if self.first is not None and "trend" in self.names:
            X[:, self.names.index("trend")] = data.ordinals - self.first[at] + 1
        index = np.einsum("ij,ij->i", X, self.values[at])
        strange = labels[at < 0].unique()
        return np.where(at >= 0, index, np.nan), [str(s) for s in strange]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predictor:
    """Coefficients and effects that reproduce the fitted values of a fit.

    Attributes
    ----------
    fit : Estimate
    coefficients : Coefficients
    effects : Effects, optional
        They hold the part of coefficients whose columns are not of the formula (time dummies,
        means by entity).
    """

    fit: Estimate
    sample: Sample
    recipe: Recipe
    coefficients: Coefficients
    effects: Effects | None

    @classmethod
    def build(cls, fit: Estimate) -> Predictor:
        """The first coefficients of :meth:`Estimate.coefficients` that, with the effects that the
        fit has, give its fitted values.

        Raises
        ------
        ResultError
            None do: averages, factors or regimes stand between.
        """
        sample, recipe = fit.sample, None if fit.sample is None else fit.sample.recipe
        if sample is None or recipe is None:
            raise ResultError(
                f"{fit.method} keeps no design, so it cannot predict. Predict with the library "
                "that fitted it, or fit with an estimator of this one."
            )
        form = fit.facts.form
        if form not in ("orthogonal deviations", "means") and fit.residual is not None:
            for coefficients in fit.coefficient_sets():
                found = cls._reproducing(fit, sample, recipe, coefficients)
                if found is not None:
                    return found
        raise ResultError(
            f"{fit.method} cannot predict other data: its fitted values are not its coefficients "
            f"times the columns of {recipe.formula!r} plus effects by level"
            + (f" (the equation is one of {form})" if form != "levels" else "")
            + ". Those of the sample are in .fitted."
        )

    @classmethod
    def _reproducing(
        cls, fit: Estimate, sample: Sample, recipe: Recipe, coefficients: Coefficients
    ) -> Predictor | None:
        data, rows = sample.panel, sample.rows
        _, X = _columns(recipe, coefficients, data, data, fit.facts.form)
        index = coefficients.index(X, data)[0][rows]
        assert fit.observed is not None and fit.residual is not None
        with np.errstate(invalid="ignore", divide="ignore"):
            linear = LINKS[fit.facts.link or "identity"].link(fit.observed - fit.residual)
        gap = linear - index
        size = np.abs(linear).max(initial=0.0) + np.abs(index).max(initial=0.0)
        held = tuple(dict.fromkeys((*(fit.facts.absorbed or ()), *fit.facts.random)))
        effects, rest = None, gap
        if held and coefficients.entities is None:
            weights = None if recipe.weights is None else data.numbers(recipe.weights)
            effects, rest = estimated_effects(
                gap, held, data, rows, None if weights is None else weights[rows]
            )
        if not np.abs(rest).max(initial=0.0) <= _ROUNDING * size:
            return None
        return cls(
            fit=fit, sample=sample, recipe=recipe, coefficients=coefficients, effects=effects
        )

    def index(self, data: Data, *, effects: bool) -> FloatArray:
        """(n,) linear index on data, with the estimated effects or without; a PredictionWarning
        counts rows that are missing for other reasons than a missing regressor."""
        like, form = self.sample.panel, self.fit.facts.form
        coefficients = self.coefficients
        if not effects and coefficients.entities is not None:  # the average instead of their own
            coefficients = self.fit.coefficient_sets()[-1]
        made, X = _columns(self.recipe, coefficients, data, like, form)
        index, strangers = coefficients.index(X, data)
        told = {"entity": strangers} if strangers else {}
        told |= {name: list(levels) for name, levels in made.unseen.items()}
        if effects and self.effects is not None:
            added, unknown = self.effects.at(data)
            index, told = index + added, told | unknown
        if not effects:
            self._refuse_unknown(coefficients.names, made.unknown)
        if data is not like:
            loose = self._not_identified(data, effects) & ~np.isnan(index)
            index[loose] = np.nan
            _warn(self.fit.method, told, loose, self.fit.dropped_columns)
        return index

    def _refuse_unknown(self, names: tuple[str, ...], unknown: BoolArray) -> None:
        dates = "time" in (self.fit.facts.absorbed or ())
        lost = [
            name
            for name, is_unknown in zip(names, unknown, strict=True)
            if is_unknown and not (dates and name.startswith("time["))
        ]
        if lost:
            raise ResultError(
                f"{self.fit.method}: {listing(lost)} are not columns of {self.recipe.formula!r}, "
                "so there is no index without effects. Use effects='estimated'."
            )

    def _not_identified(self, data: Data, effects: bool) -> BoolArray:
        """(n,) rows in which a column that was left out as collinear breaks its dependence on the
        others, so that its coefficient, which is not identified, would matter."""
        loose: BoolArray = np.zeros(len(data), dtype=bool)
        names = tuple(self.fit.dropped_columns)
        factors = () if self.effects is None else tuple(self.effects)
        if not names or self.coefficients.entities is not None or (factors and not effects):
            return loose
        like, rows = self.sample.panel, self.sample.rows
        own = Coefficients(names=names, values=np.zeros(len(names)))
        form = self.fit.facts.form
        (out, Z), (_, Z_new) = (_columns(self.recipe, own, d, like, form) for d in (like, data))
        (_, X), (_, X_new) = (
            _columns(self.recipe, self.coefficients, d, like, form) for d in (like, data)
        )
        Z, X = Z[rows], X[rows]
        within = np.column_stack([X, Z])
        if factors:
            codes = [
                pd.factorize(levels_of(f, like)[rows])[0].astype(np.int64) for f in factors
            ]  # fmt: skip
            within = absorb(within, codes).values
        k = X.shape[1]
        slopes = np.linalg.lstsq(within[:, :k], within[:, k:], rcond=None)[0]
        for j in np.flatnonzero(~out.unknown):
            expected = X_new @ slopes[:, j]
            if factors:
                held, _ = estimated_effects(Z[:, j] - X @ slopes[:, j], factors, like, rows)
                expected = expected + held.at(data)[0]
            size = np.abs(Z[:, j]).max(initial=0.0) + np.abs(X * slopes[:, j]).sum(1).max(initial=0)
            off = np.abs(Z_new[:, j] - expected) > 1e-6 * max(float(size), 1e-300)
            loose |= off
        return loose


def _columns(
    recipe: Recipe, coefficients: Coefficients, data: Data, like: Data, form: str
) -> tuple[Made, FloatArray]:
    """Columns of the coefficients in the form of the equation; zero where they are not of the
    formula."""
    made = recipe.columns(data, coefficients.names, like)
    X = made.X
    if form == "differences":
        before = data.lag_rows(1)
        X = np.where((before >= 0)[:, None], X - X[before], np.nan)
        X[:, [name == "Intercept" for name in coefficients.names]] = 1.0
    X[:, made.unknown] = 0.0
    return made, X


def _warn(
    method: str, told: Mapping[str, list[str]], loose: BoolArray, dropped: Mapping[str, str]
) -> None:
    parts = [f"{name} has levels that it did not see ({listing(v)})" for name, v in told.items()]
    if loose.any():
        parts.append(
            f"{int(loose.sum())} rows would need the coefficients of {listing(dropped)}, which "
            "were left out of the fit"
        )
    if parts:
        warn(
            f"{method}: predictions are missing where {'; '.join(parts)}.",
            PredictionWarning,
            stacklevel=5,
        )


# ---------------------------------------------------------------------- what a caller sees


def predict(
    fit: Estimate, data: Any = None, *, effects: str = "estimated", scale: str = "response"
) -> pd.Series[float]:
    """Predictions on the sample, or on other data under the same keys.

    Parameters
    ----------
    data : Panel or frame, optional
        Regressors are coded as in the fit; lags are taken from these data. Default: the
        fitted values of the sample.
    effects : {"estimated", "none"}
        With the estimated effects (own coefficients of entities) of the levels that the fit
        knows, or without them (with the average coefficients).
    scale : {"response", "index"}
        The conditional mean, or the linear index behind its link.

    Returns
    -------
    Series
        By (entity, time); of a frame, by its own index in its own order. Missing where a
        regressor is, where a level was not seen in the fit, or where a coefficient that was
        left out as collinear would matter; a PredictionWarning tells of the last two. Fits of
        differences predict differences.

    Raises
    ------
    ResultError
        The fitted values are more than coefficients times columns plus effects (averages,
        common factors, regimes), or the fit keeps no design.
    """
    check_choice("effects", effects, ("estimated", "none"), ResultError)
    check_choice("scale", scale, ("response", "index"), ResultError)
    link = LINKS[fit.facts.link or "identity"]
    if data is None and effects == "estimated":
        fitted = fit.fitted.rename("prediction")
        return fitted if scale == "response" else link.link(fitted)
    predictor = fit.predictor
    source = predictor.sample.panel if data is None else as_data(data, predictor.sample.panel)
    index = predictor.index(source, effects=effects == "estimated")
    values = index if scale == "index" else link.inverse(index)
    if data is None:
        rows = predictor.sample.rows
        return pd.Series(values[rows], index=source.index(rows), name="prediction")
    if isinstance(source, Panel) and source is not data:
        return source._origin.series(values, "prediction")
    return pd.Series(values, index=source.index(), name="prediction")


def fixed_effects(fit: Estimate) -> Effects:
    """See :attr:`migdev.Estimate.effects`."""
    if not fit.facts.absorbed:
        other = ""
        if fit.facts.random:
            other = f" Its effects of {' and '.join(fit.facts.random)} are in .random_effects."
        raise ResultError(f"{fit.method} has absorbed no effects.{other}")
    effects = fit.predictor.effects
    assert effects is not None
    return effects


def as_data(data: Any, like: Data) -> Data:
    """Data as they are, or a frame under the keys of the panel of the fit."""
    if isinstance(data, Panel) or hasattr(data, "lag_rows"):
        return data  # type: ignore[no-any-return]
    calendar = like.calendar
    return Panel.from_frame(
        data, entity=list(like.entity_columns), time=like.time, freq=calendar.freq,
        delta=calendar.delta,
    )  # fmt: skip
