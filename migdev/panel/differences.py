"""Designs in first differences."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from migdev.errors import IdentificationError
from migdev.kernels.arrays.shift import lag_rows
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.panel.design import Design

Gaps = Literal["skip", "consecutive-observations"]
#: Reason given for rows that follow a gap.
GAP = "no observation in the period before"


def difference(d: Design, gaps: str, intercept: str) -> tuple[Design, FloatArray]:
    """The design in differences, and the lengths (k,) of its columns before."""
    before, first = previous_rows(d, gaps)
    later = np.flatnonzero(before >= 0)
    if not len(later):
        raise IdentificationError(
            f"{d.formula!r}: no entity has two adjacent observations to take a difference of."
            + (" gaps='consecutive-observations' would difference across gaps." if gaps == "skip"
               else "")
        )  # fmt: skip
    earlier = before[later]
    X, names, constant = d.X[later] - d.X[earlier], d.names, d.intercept
    norms = np.sqrt(np.einsum("ij,ij->j", d.X, d.X))
    if constant:
        X[:, 0] = 1.0
        if intercept == "drop":
            X, names, norms, constant = X[:, 1:], names[1:], norms[1:], False
    lost = {"first observation of the entity": int(first.sum())}
    if len(later) + int(first.sum()) < d.nobs:
        lost[GAP] = d.nobs - len(later) - int(first.sum())
    weights = d.weights
    if weights is not None:
        weights = 1 / (1 / weights[later] + 1 / weights[earlier])
    entity = np.unique(d.entity[later], return_inverse=True)[1]
    return replace(
        d, y=d.y[later] - d.y[earlier], X=X, names=names, intercept=constant, weights=weights,
        endog=d.endog[later], instruments=d.instruments[later], rows=d.rows[later],
        entity=entity.astype(np.int64, copy=False), time=d.time[later],
        dropped={**d.dropped, **lost},
    ), norms  # fmt: skip


def previous_rows(d: Design, gaps: str) -> tuple[IntArray, BoolArray]:
    """Row before each row, -1 where there is none; and which rows are the first of an entity."""
    first = np.r_[True, d.entity[1:] != d.entity[:-1]]
    if gaps == "skip":
        return lag_rows(d.entity, d.time, 1), first
    return np.where(first, -1, np.arange(d.nobs) - 1), first
