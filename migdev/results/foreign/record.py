"""The record that every reader of foreign results makes, and the words they share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from migdev.errors import ResultError
from migdev.kernels.arrays.types import FloatArray
from migdev.protocols import CovEstimate
from migdev.results.estimate import Estimate
from migdev.results.facts import Facts
from migdev.results.foreign.spec import ForeignSpec


def estimate(
    *,
    params: pd.Series[float],
    cov: FloatArray,
    dependent: str,
    method: str,
    nobs: int,
    df_resid: float,
    df: float | None,
    description: str,
    clusters: Mapping[str, int],
    convention: str,
    spec: ForeignSpec,
    stats: Mapping[str, Any],
    facts: Facts,
) -> Estimate:
    """A foreign fit as an Estimate; cov (k, k) in the order of params (k,)."""
    if cov.shape != (len(params), len(params)):
        raise ResultError(
            f"{spec.library} {spec.model} has {len(params)} coefficients but a covariance of "
            f"shape {cov.shape}; it cannot be read."
        )
    if clusters and "cluster" in description and "(" not in description:
        counts = " and ".join(
            f"{n} clusters" if name.startswith("group") else f"{n} clusters of {name}"
            for name, n in clusters.items()
        )
        description = f"{description} ({counts})"
    return Estimate.from_arrays(
        names=[str(n) for n in params.index], params=np.asarray(params, dtype=float), cov=cov,
        dependent=dependent, method=method, nobs=nobs, df_resid=df_resid, df_inference=df,
        covariance=CovEstimate(
            cov=cov, df=df, description=description, convention=convention, clusters=clusters
        ),
        spec=spec, stats=stats, stated=replace(facts, engines=(spec.library,)),
    )  # fmt: skip


def covariance_words(name: str) -> str:
    """What a library calls its covariance, in one set of words."""
    if re.fullmatch(r"HC[0-5]", name):
        return f"robust to heteroskedasticity ({name})"
    return _KINDS.get(name.lower(), name)


def numbers(res: Any, **names: str) -> dict[str, Any]:
    """Finite numbers among the attributes of a foreign result, under our names."""
    found: dict[str, Any] = {}
    for ours, theirs in names.items():
        try:
            value = float(getattr(res, theirs))
        except Exception:  # a property of a foreign class may raise anything
            continue
        if np.isfinite(value):
            found[ours] = value
    return found


def unfitted(obj: Any, library: str) -> ResultError:
    hint = " Call its fit() first." if hasattr(obj, "fit") else ""
    return ResultError(f"{library}'s {type(obj).__qualname__} is not a fitted model.{hint}")


_KINDS = {
    "nonrobust": "classical (homoskedastic)",
    "unadjusted": "classical (homoskedastic)",
    "homoskedastic": "classical (homoskedastic)",
    "iid": "classical (homoskedastic)",
    "robust": "robust to heteroskedasticity",
    "heteroskedastic": "robust to heteroskedasticity",
    "hetero": "robust to heteroskedasticity (HC1)",
    "cluster": "clustered",
    "clustered": "clustered",
}
