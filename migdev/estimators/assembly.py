"""From transformed arrays to an Estimate: the steps that every linear estimator shares."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from migdev.errors import CollinearityWarning, IdentificationError, listing
from migdev.kernels.arrays.blocked_products import dot
from migdev.kernels.arrays.least_squares import independent_columns, least_squares, normal_matrix
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.kernels.sandwich.moments import Moments
from migdev.panel.design import Design
from migdev.protocols import Covariance
from migdev.results.estimate import Estimate, Sample
from migdev.results.facts import Facts


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
    columns: Mapping[str, Any] = field(default_factory=dict)


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
        df_absorbed=equation.df_absorbed, constant=equation.constant, weights=design.weights,
        columns=design.columns,
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
    warnings.warn(
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


def estimate(
    *,
    spec: Any,
    cov: Covariance,
    design: Design,
    moments: Moments,
    names: Sequence[str],
    params: FloatArray,
    method: str,
    stats: Mapping[str, Any],
    dropped_columns: Mapping[str, str],
    residual: FloatArray,
    stated: Facts,
    **extra: Any,
) -> Estimate:
    """The record of a fit whose moments are known.

    ``extra`` may hold ``kind`` (a subclass of Estimate) and its fields, and ``observed`` where the
    equation is not in the rows of the design (means, differences).
    """
    outcome = cov.estimate(moments)
    kind = extra.pop("kind", Estimate)
    observed = extra.pop("observed", design.y)
    result: Estimate = kind.from_arrays(
        names=names, params=params, cov=outcome.cov, dependent=design.dependent, method=method,
        nobs=moments.nobs, df_resid=float(moments.df_resid), df_inference=outcome.df, stats=stats,
        spec=spec, cov_spec=cov, covariance=outcome, moments=moments,
        sample=Sample(
            panel=design.panel, rows=design.rows, entity=design.entity, time=design.time,
            dropped=design.dropped, dropped_columns=dropped_columns,
        ),
        residual=residual, observed=observed, stated=stated, **extra,
    )  # fmt: skip
    return result


def root_weights(design: Design) -> FloatArray | None:
    return None if design.weights is None else np.sqrt(design.weights)


def scaled(values: FloatArray, root: FloatArray | None) -> FloatArray:
    """``values`` times the square root of the weights."""
    if root is None:
        return values
    out: FloatArray = values * (root if values.ndim == 1 else root[:, None])
    return out


def total_ss(y: FloatArray, weights: FloatArray | None, constant: bool = True) -> float:
    """Weighted sum of squares of y, about its mean where the model holds a constant."""
    if constant:
        y = y - np.average(y, weights=weights)
    return dot(y, y if weights is None else weights * y)


def r_squared(rss: float, total: float) -> float:
    """Share of a sum of squares that is explained; missing where there is nothing to explain."""
    return 1 - rss / total if total > 0 else float("nan")
