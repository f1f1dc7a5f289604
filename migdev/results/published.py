"""Numbers read in a paper, as an estimate that stands beside ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from migdev.errors import ResultError, listing
from migdev.protocols import CovEstimate
from migdev.results.estimate import Estimate


def published(
    numbers: Mapping[str, Sequence[float]],
    *,
    nobs: int,
    dependent: str,
    method: str = "Published",
    df: float | None = None,
    cov: Any = None,
    covariance: str = "as published",
    stats: Mapping[str, Any] | None = None,
) -> Estimate:
    """Coefficients and standard errors as printed.

    Parameters
    ----------
    numbers : mapping from term to (estimate, standard error)
    nobs : int
    dependent, method : str
    df : float, optional
        Degrees of freedom of the t distribution behind tests; the normal where not given.
    cov : (k, k), optional
        The covariance, where the source prints it. Without it covariances between coefficients
        are missing, and what needs them (a sum of coefficients, a joint test) is refused.
    covariance : str
        What the standard errors are, for the notes under a table.
    stats : mapping, optional
        Printed statistics under the names of ours: ``{"r2": 0.41}``.

    Raises
    ------
    ResultError
        A term has no pair of numbers, a standard error is not positive, or ``cov`` does not fit.
    """
    if nobs is None or not dependent:
        raise ResultError(
            "Published numbers need nobs= (observations) and dependent= (the name of the "
            'dependent variable): as_result({"remit": (0.10, 0.02)}, nobs=84, dependent="growth").'
        )
    pairs = {str(term): _pair(term, pair) for term, pair in numbers.items()}
    if not pairs:
        raise ResultError("There is no coefficient: give {term: (estimate, standard error)}.")
    params = np.array([b for b, _ in pairs.values()])
    variances = np.array([se for _, se in pairs.values()]) ** 2
    if cov is None:
        matrix = np.full((len(pairs), len(pairs)), np.nan)
        np.fill_diagonal(matrix, variances)
    else:
        matrix = _full(cov, list(pairs), variances)
    return Estimate.from_arrays(
        names=list(pairs), params=params, cov=matrix, dependent=dependent, method=method,
        nobs=int(nobs), df_resid=float("nan") if df is None else float(df), df_inference=df,
        covariance=CovEstimate(cov=matrix, df=df, description=covariance, convention="published"),
        stats=dict(stats or {}),
    )  # fmt: skip


def _pair(term: object, pair: Any) -> tuple[float, float]:
    try:
        estimate, error = (float(v) for v in pair)
    except (TypeError, ValueError):
        raise ResultError(
            f"{term!r} has {pair!r}, not (estimate, standard error). Where the source prints t "
            "statistics, the standard error is the estimate over t."
        ) from None
    if not np.isfinite(estimate) or not error > 0 or not np.isfinite(error):
        raise ResultError(
            f"{term!r} has the estimate {estimate:g} and the standard error {error:g}; an estimate "
            "is finite and a standard error above zero."
        )
    return estimate, error


def _full(cov: Any, names: list[str], variances: np.ndarray[Any, Any]) -> Any:
    if isinstance(cov, pd.DataFrame):
        absent = [n for n in names if n not in cov.index or n not in cov.columns]
        if absent:
            raise ResultError(f"cov has no row and column for {listing(absent)}.")
        cov = cov.loc[names, names]
    matrix = np.asarray(cov, dtype=float)
    if matrix.shape != (len(names), len(names)) or not np.allclose(matrix, matrix.T):
        raise ResultError(
            f"cov must be a symmetric ({len(names)}, {len(names)}) matrix for {listing(names)}; "
            f"its shape is {matrix.shape}."
        )
    if not np.allclose(np.diagonal(matrix), variances, rtol=0.02):  # printed to two digits or more
        raise ResultError(
            "The diagonal of cov is not the square of the standard errors: "
            f"{np.sqrt(np.diagonal(matrix))} against {np.sqrt(variances)}."
        )
    return matrix
