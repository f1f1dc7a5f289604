"""The equation that a test of cointegration is about: y and its regressors, entity by entity."""

from __future__ import annotations

import numpy as np

from migdev.diagnostics.series import Series, read_series
from migdev.errors import SpecificationError
from migdev.kernels.arrays.types import BoolArray
from migdev.kernels.cointegration.pedroni import residuals_of
from migdev.kernels.heterogeneous.slopes import blocks
from migdev.options import Gaps
from migdev.panel.panel import Panel


def read_equation(
    panel: Panel, formula: str, gaps: Gaps, *, most: int, demean: bool = False
) -> tuple[Series, int]:
    """Unbroken series of (y, x), and the number of regressors."""
    s = read_series(panel, formula, gaps=gaps, demean=demean)
    return s, count_regressors(s, formula, most=most)


def count_regressors(s: Series, formula: str, *, most: int) -> int:
    """Regressors of an equation that needs one and takes up to ``most``."""
    k: int = s.values.shape[1] - 1
    if not k:
        raise SpecificationError(f"{formula!r} names no regressor; write 'y ~ x'.")
    if k > most:
        raise SpecificationError(f"{formula!r} has {k} regressors; this test takes 1 to {most}.")
    return k


def collinear(s: Series, trend: str) -> BoolArray:
    """(N,) entities whose regressors are collinear, or that they fit without error."""
    bad = np.zeros(s.N, dtype=bool)
    for codes, rows in blocks(s.entity):
        e, dependent = residuals_of(s.values[rows], trend)
        spread = np.ptp(s.values[rows][:, :, 0], axis=1)
        with np.errstate(invalid="ignore"):
            exact = ~(np.abs(e).max(axis=1) > 1e-10 * spread) | (spread == 0)
        bad[codes] = dependent | exact
    return bad
