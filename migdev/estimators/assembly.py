"""From transformed arrays to an Estimate: the steps that every linear estimator shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np

from migdev.errors import CollinearityWarning, IdentificationError, listing
from migdev.kernels.absorb.absorber import Absorber
from migdev.kernels.arrays.blocked_products import dot
from migdev.kernels.arrays.groups import Groups, level_codes
from migdev.kernels.arrays.least_squares import independent_columns, least_squares, normal_matrix
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.kernels.sandwich.moments import Moments, UnitScores
from migdev.notes import warn
from migdev.panel.design import Design, SampleColumns, UnitColumns
from migdev.protocols import Covariance, CovEstimate, Scores
from migdev.results.estimate import Estimate, Sample
from migdev.results.facts import Facts

E = TypeVar("E", bound=Estimate)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Equation:
    """A linear equation after its transformation, ready for least squares.

    Attributes
    ----------
    y : (n,); X : (n, k)
        Transformed variables, multiplied by the square root of the weights.
    names : tuple of str
    norms : (k,), optional
        Lengths of the columns before effects were absorbed, to tell what the effects took.
    factors, factor_names
        Codes and names of the absorbed factors.
    df_absorbed : int
        Rank of the absorbed dummies.
    constant : bool
        The model holds a constant, as a column or through the effects.
    why_absorbed : str
        Reason given for a column that the transformation took away.
    weights : (n,), optional
        Working weights of iterated least squares, whose square root multiplies ``y`` and ``X``;
        those of the design where not given.
    """

    y: FloatArray
    X: FloatArray
    names: tuple[str, ...]
    norms: FloatArray | None = None
    factors: tuple[IntArray, ...] = ()
    factor_names: tuple[str, ...] = ()
    df_absorbed: int = 0
    constant: bool = True
    why_absorbed: str = "collinear with the columns before it"
    weights: FloatArray | None = None


def within(
    y: FloatArray, X: FloatArray, groups: Sequence[Groups], weights: FloatArray | None = None
) -> tuple[FloatArray, FloatArray, int]:
    """Residuals of y (n,) and X (n, k) from the (weighted) projection on the dummies of all
    groups, and the rank of the dummies; copies of both where there are no groups."""
    y, X = y.copy(), np.array(X, order="F")
    if not groups:
        return y, X, 0
    columns = [y, *(X[:, j] for j in range(X.shape[1]))]
    return y, X, Absorber.build(tuple(groups), weights).sweep(columns, X).rank


def solve(
    equation: Equation, design: Design
) -> tuple[Moments, FloatArray, dict[str, str], tuple[str, ...]]:
    """Least squares on the independent columns: moments, params, dropped columns, names."""
    G = normal_matrix(equation.X)
    keep = independent_columns(equation.X, equation.norms, G)
    dropped = report_collinear(equation, keep, design.formula)
    names = tuple(name for name, kept in zip(equation.names, keep, strict=True) if kept)
    X, G = (equation.X, G) if keep.all() else (equation.X[:, keep], None)
    require_rows(design.formula, len(equation.y), X.shape[1], equation.df_absorbed)
    fit = least_squares(X, equation.y, G)
    moments = Moments(
        X=X, resid=fit.resid, bread=fit.bread, entity=design.entity, time=design.time,
        factors=equation.factors, factor_names=equation.factor_names,
        df_absorbed=equation.df_absorbed, constant=equation.constant, columns=design.columns,
        weights=design.weights if equation.weights is None else equation.weights,
    )  # fmt: skip
    return moments, fit.params, dropped, names


def report_collinear(equation: Equation, keep: BoolArray, formula: str) -> dict[str, str]:
    """Warn of dropped columns; raise where none is left."""
    if keep.all():
        return {}
    gone = [name for name, kept in zip(equation.names, keep, strict=True) if not kept]
    lengths = np.sqrt(np.einsum("ij,ij->j", equation.X, equation.X))
    norms = lengths if equation.norms is None else equation.norms
    short = dict(zip(equation.names, (lengths <= 1e-8 * norms) | (lengths == 0), strict=True))
    reasons = {
        name: equation.why_absorbed if short[name] else "collinear with the columns before it"
        for name in gone
    }
    if not keep.any():
        raise IdentificationError(
            f"{formula!r}: no regressor is left: {reasons_in_words(reasons)}. Use regressors "
            "that vary within the effects, or fewer effects."
        )
    warn(
        f"{formula!r}: {len(gone)} columns are left out: {reasons_in_words(reasons)}.",
        CollinearityWarning,
        stacklevel=5,
    )
    return reasons


def reasons_in_words(reasons: Mapping[str, str]) -> str:
    """``'a', 'b' (collinear ...); 'c' (absorbed ...)``."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        by_reason.setdefault(reason, []).append(name)
    return "; ".join(f"{listing(names)} ({reason})" for reason, names in by_reason.items())


def require_rows(formula: str, n: int, k: int, absorbed: int = 0) -> None:
    """Raise an IdentificationError unless a residual degree of freedom is left."""
    if n <= k + absorbed:
        effects = f" and {absorbed} effects" if absorbed else ""
        raise IdentificationError(
            f"{formula!r} has {k} coefficients{effects}, but only {n} complete rows. Use fewer "
            "regressors or effects, or more data."
        )


def finish(
    kind: type[E],
    *,
    spec: Any,
    design: Design | Sample,
    scores: Scores | FloatArray | Callable[[], Scores | FloatArray] | None,
    names: Sequence[str],
    params: FloatArray,
    cov: Covariance | CovEstimate,
    method: str,
    residual: FloatArray | None,
    stated: Facts,
    rows: IntArray | None = None,
    dropped_columns: Mapping[str, str] | None = None,
    **fields: Any,
) -> E:
    """The record of a fit: every estimator ends here.

    Parameters
    ----------
    kind : Estimate or a subclass
    spec : the specification that was fitted
    design : Design or Sample
    scores : Scores, (N, k) array, function or None
        Rows or units; an array is the influence of the entities of the sample. A function is
        called when scores are first read; the covariance is then the estimator's own.
    names, params : (k,)
    cov : Covariance or CovEstimate
        Applied to the scores, or the estimator's own.
    residual : (n,), optional
    stated : Facts
        What readers may rely on: effects, link, form of the equation.
    rows : (n,), optional
        Rows of the design that the residuals belong to, where they are not all.
    dropped_columns : mapping, optional
        Columns left out, and why.
    **fields
        Of ``kind``. By default ``dependent`` and ``observed`` are those of the design, and
        ``nobs`` and ``df_resid`` those of the scores.
    """
    if isinstance(design, Sample):
        sample = design
    else:
        at = slice(None) if rows is None else rows
        entity = design.entity if rows is None else level_codes(design.entity[rows])
        sample = Sample(
            panel=design.panel, rows=design.rows[at], entity=entity, time=design.time[at],
            dropped=fields.pop("dropped", design.dropped), dropped_columns=dropped_columns or {},
            recipe=design.recipe,
        )  # fmt: skip
        fields.setdefault("dependent", design.dependent)
        fields.setdefault("observed", design.y)
    moments: Any
    if callable(scores):
        moments = partial(_late_scores, scores, sample, fields["df_resid"])
        fields.setdefault("nobs", len(sample.rows))
    else:
        moments = _as_scores(scores, sample, fields.get("df_resid"))
        if moments is not None:
            fields.setdefault("nobs", moments.nobs)
            fields.setdefault("df_resid", float(moments.df_resid))
    asked = None if isinstance(cov, CovEstimate) else cov
    if isinstance(cov, CovEstimate):
        outcome = cov
    else:
        assert moments is not None and not callable(scores), "a covariance is applied to scores"
        outcome = cov.estimate(moments)
    return kind.from_arrays(
        names=names, params=params, cov=outcome.cov, df_inference=outcome.df, method=method,
        spec=spec, cov_spec=asked, covariance=outcome, moments=moments, sample=sample,
        residual=residual, stated=stated, **fields,
    )  # fmt: skip


def _as_scores(
    scores: Scores | FloatArray | None, sample: Sample, df_resid: float | None
) -> Scores | None:
    """Scores; an array is the influence of the entities of the sample."""
    if not isinstance(scores, np.ndarray):
        return scores
    assert df_resid is not None, "an influence does not tell its degrees of freedom"
    return UnitScores(
        values=scores, entity=np.arange(len(scores)), nobs=len(sample.rows), df_resid=df_resid,
        columns=UnitColumns(SampleColumns(sample.panel, sample.rows), sample.entity),
    )  # fmt: skip


def _late_scores(
    compute: Callable[[], Scores | FloatArray], sample: Sample, df_resid: float
) -> Scores | None:
    return _as_scores(compute(), sample, df_resid)


def root_weights(design: Design) -> FloatArray | None:
    return None if design.weights is None else np.sqrt(design.weights)


def scaled(values: FloatArray, root: FloatArray | None) -> FloatArray:
    """``values`` times the square root of the weights."""
    if root is None:
        return values
    return values * (root if values.ndim == 1 else root[:, None])


def total_ss(y: FloatArray, weights: FloatArray | None, constant: bool = True) -> float:
    """Weighted sum of squares of y, about its mean where the model holds a constant; zero where
    that is the rounding of the mean."""
    mean = float(np.average(y, weights=weights)) if constant else 0.0
    y = y - mean if constant else y
    total = dot(y, y if weights is None else weights * y)
    mass = len(y) if weights is None else float(weights.sum())
    return total if total > 1e-28 * mass * mean**2 else 0.0


def r_squared(rss: float, total: float) -> float:
    """Share of a sum of squares that is explained; missing where there is nothing to explain."""
    return 1 - rss / total if total > 0 else float("nan")
