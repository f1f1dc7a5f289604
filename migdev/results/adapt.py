"""Results of other libraries, and results in any collection, as estimates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from migdev.errors import ResultError, listing
from migdev.protocols import Result
from migdev.results.estimate import Estimate
from migdev.results.foreign import library, reader
from migdev.results.published import published as read_published


def as_result(obj: Any, **published: Any) -> Any:
    """A result of this or another library, or printed numbers, as :class:`~migdev.Estimate`.

    Recognised by the name of the module that defines its class: statsmodels (linear, discrete,
    generalised linear, GMM, mixed models), linearmodels (panel, IV, systems), pyfixest. Tests and
    intervals use the t or the normal distribution as that library does.

    Parameters
    ----------
    obj : object
        A mapping from term to (estimate, standard error) holds numbers read in a paper:
        ``as_result({"remit": (0.10, 0.02)}, nobs=84, dependent="growth")``.
    **published
        Of printed numbers: ``nobs``, ``dependent``, and optionally ``method``, ``df`` (of the t
        distribution), ``cov``, ``covariance`` (what the errors are, in words), ``stats``.

    Returns
    -------
    Estimate, or the object itself where it fulfils the Result protocol, or a list of estimates for
    pyfixest's multiple estimation.

    Raises
    ------
    ResultError
        The object is not a result that is known.
    """
    if isinstance(obj, Mapping):
        return read_published(obj, **{"nobs": None, "dependent": "", **published})
    if published:
        raise ResultError(
            f"{listing(published)} go with printed numbers, {{term: (estimate, standard error)}}; "
            f"a {type(obj).__qualname__} brings its own."
        )
    if isinstance(obj, Estimate):
        return obj
    kind = library(obj)
    if kind is not None:
        return reader(kind)(obj)
    if isinstance(obj, Result):
        return obj
    raise ResultError(
        f"{type(obj).__module__}.{type(obj).__qualname__} is not a result that can be read: give "
        "an Estimate, a fitted model of statsmodels, linearmodels or pyfixest, or an object with "
        "params, cov, nobs, df_resid, dependent, method and stats. Models must be fitted first."
    )


def as_estimate(result: Any) -> Estimate:
    """A result of any kind as an Estimate, so that inference is at hand."""
    found = as_result(result)
    if isinstance(found, Estimate):
        return found
    if isinstance(found, list):
        raise ResultError(f"{type(result).__qualname__} holds {len(found)} models; pick one.")
    params, cov = found.params, found.cov
    return Estimate.from_arrays(
        names=[str(n) for n in params.index], params=np.asarray(params, dtype=float),
        cov=np.asarray(cov, dtype=float), dependent=found.dependent, method=found.method,
        nobs=int(found.nobs), df_resid=float(found.df_resid),
        df_inference=getattr(found, "df_inference", float(found.df_resid)), stats=found.stats,
        spec=getattr(found, "spec", None), covariance=getattr(found, "covariance", None),
        sample=getattr(found, "sample", None),
    )  # fmt: skip


def as_results(objects: Any) -> dict[str, Any]:
    """Results by name: from one result, a sequence, a mapping, or an answer with ``fits``.

    Names are those of a mapping; results without a name are called ``(1)``, ``(2)``, ... Multiple
    estimations and systems of equations give one entry for each model or equation.
    """
    if isinstance(getattr(objects, "fits", None), Mapping) and not isinstance(objects, Result):
        objects = objects.fits
    if isinstance(objects, Mapping):
        pairs: Iterable[tuple[str, Any]] = [(str(k), v) for k, v in objects.items()]
    elif isinstance(objects, list | tuple | pd.Series):
        pairs = [("", v) for v in objects]
    else:
        pairs = [("", objects)]
    found: dict[str, Any] = {}
    for name, obj in pairs:
        parts = _parts(obj)
        for label, part in parts.items():
            full = " ".join(p for p in (name, label) if p) if len(parts) > 1 else name
            key = full or f"({len(found) + 1})"
            if key in found:
                raise ResultError(f"Two results are called {key!r}; give each a name of its own.")
            found[key] = part
    if not found:
        raise ResultError("There is no result to show; give at least one.")
    return found


def _parts(obj: Any) -> dict[str, Any]:
    if isinstance(obj, BaseException) or obj is None:
        raise ResultError(f"{obj!r} is not a result; leave failed fits out.")
    equations = getattr(obj, "equations", None)
    if library(obj) == "linearmodels" and isinstance(equations, Mapping):
        return {str(label): as_result(eq) for label, eq in equations.items()}
    result = as_result(obj)
    if isinstance(result, list):
        return {f"{i + 1}": item for i, item in enumerate(result)}
    return {"": result}
