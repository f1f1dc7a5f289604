"""The equations of a dynamic panel, transformed and in levels, laid out by period.

Every array has the entities on its last axis and one leading row per equation and period, with
zeros where an entity has no such row. Nothing is looped over entities, and entities of any pattern
of missing periods and gaps share the same arrays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migdev.kernels.arrays.types import AnyArray, BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Levels:
    """Variables in levels.

    Attributes
    ----------
    y : (T, N); X : (T, k, N)
        Zero where the row is not complete.
    complete : (T, N)
    """

    y: FloatArray
    X: FloatArray
    complete: BoolArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stack:
    """Equations stacked by row: the transformed ones first, then those in levels.

    Attributes
    ----------
    y : (R, N); X : (R, k, N)
        Zero where ``used`` is false.
    used : (R, N)
    level : (R,)
        True for rows of the equation in levels.
    period : (R,)
        The period of the residual: t for the change from t-1 to t, and for the deviation of t from
        the mean of the later periods.
    clock : (R,)
        The period from which the lags of GMM-style instruments are counted.
    transform : {"fd", "fod"}
    """

    y: FloatArray
    X: FloatArray
    used: BoolArray
    level: BoolArray
    period: IntArray
    clock: IntArray
    transform: str

    @property
    def nobs_transformed(self) -> int:
        return int(np.count_nonzero(self.used[~self.level]))

    @property
    def nobs_level(self) -> int:
        return int(np.count_nonzero(self.used[self.level]))

    def residuals(self, params: FloatArray) -> FloatArray:
        """(R, N)"""
        u: FloatArray = self.y - np.matmul(params, self.X)
        return u


def scatter(
    values: AnyArray, entity: IntArray, period: IntArray, shape: tuple[int, int]
) -> FloatArray:
    """(T, N) or (T, k, N) array of rows ``values`` (n,) or (n, k); zero where there is no row."""
    T, N = shape
    if values.ndim == 1:
        out: FloatArray = np.zeros((T, N))
        out[period, entity] = values
        return out
    out = np.zeros((T, values.shape[1], N))
    out[period, :, entity] = values
    return out


def differences(x: FloatArray, complete: BoolArray) -> tuple[FloatArray, BoolArray]:
    """First differences (T, ..., N) over consecutive periods, and where they exist (T, N).

    A gap has no difference, neither at its start nor at its end.
    """
    used = np.zeros_like(complete)
    used[1:] = complete[1:] & complete[:-1]
    out = np.zeros_like(x)
    np.subtract(x[1:], x[:-1], out=out[1:])
    out *= _along(used, x)
    return out, used


def deviations(x: FloatArray, complete: BoolArray) -> tuple[FloatArray, BoolArray]:
    r"""Forward orthogonal deviations (T, ..., N), dated by their own period, and where they exist.

    .. math:: x_{it}^\perp = c_{it}\Big(x_{it} - \frac{1}{n_{it}}\sum_{s>t} x_{is}\Big), \qquad
        c_{it}^2 = \frac{n_{it}}{n_{it}+1}

    with :math:`n_{it}` the number of complete later rows, whatever gaps lie between
    (Arellano and Bover 1995).
    """
    later = later_rows(complete)
    used = complete & (later > 0)
    n = np.maximum(later, 1)
    scale = np.sqrt(n / (n + 1.0)) * used
    ahead = np.cumsum(x[::-1], axis=0)[::-1] - x  # zeros where rows are missing
    out: FloatArray = (x - ahead / _along(n, x)) * _along(scale, x)
    return out, used


def later_rows(complete: BoolArray) -> IntArray:
    """(T, N) number of complete rows of the same entity in later periods."""
    return np.cumsum(complete[::-1], axis=0)[::-1] - complete


def transform(x: FloatArray, complete: BoolArray, kind: str) -> tuple[FloatArray, BoolArray]:
    """``differences`` or ``deviations``."""
    return differences(x, complete) if kind == "fd" else deviations(x, complete)


def build_stack(
    levels: Levels, *, kind: str, system: bool, late: bool, constant: bool = False
) -> Stack:
    """Stack the transformed equations, and for system GMM those in levels.

    Parameters
    ----------
    kind : {"fd", "fod"}
    system : bool
    late : bool
        Count the lags of instruments for a deviation from the period after its own, so that the
        same lags are valid as for differences (xtabond2); else from its own period.
    constant : bool
        Put a column of ones beside the transformed regressors, last (DPD, gretl's ``dpdstyle``).
    """
    yt, used = transform(levels.y, levels.complete, kind)
    Xt, _ = transform(levels.X, levels.complete, kind)
    if constant:
        Xt = np.concatenate([Xt, used[:, None, :].astype(float)], axis=1)
    rows = np.flatnonzero(used.any(axis=1))
    clock = rows + 1 if kind == "fod" and late else rows
    parts = [(yt[rows], Xt[rows], used[rows], np.zeros(len(rows), dtype=bool), rows, clock)]
    if system:
        at = np.flatnonzero(levels.complete.any(axis=1))
        X = levels.X[at]
        if constant:
            X = np.concatenate([X, np.zeros_like(X[:, :1])], axis=1)
        parts.append((levels.y[at], X, levels.complete[at], np.ones(len(at), dtype=bool), at, at))
    columns = list(zip(*parts, strict=True))
    y, X_, used_, level, period, clock_ = (
        c[0] if len(c) == 1 else np.concatenate(c) for c in columns
    )
    return Stack(y=y, X=X_, used=used_, level=level, period=period, clock=clock_, transform=kind)


def _along(a: AnyArray, x: FloatArray) -> AnyArray:
    """(T, N) array that broadcasts against (T, ..., N)."""
    return a if x.ndim == 2 else a[:, None, :]
