"""Phillips and Sul's log-t regression and club clustering."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migdev.kernels.arrays.types import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LogT:
    """The regression of log(H_1/H_t) - 2 log log t on log t.

    Attributes
    ----------
    b, std_error : float
    t : float
        Convergence is refused for t < -1.65.
    bandwidth : float
        Of the quadratic spectral kernel.
    nobs : int
    """

    b: float
    std_error: float
    t: float
    bandwidth: float
    nobs: int


def long_run_variance_qs(u: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(g,) quadratic-spectral long-run variances of rows of u (g, n), and AR(1) plug-in bandwidths
    (Andrews 1991, eqs. 6.2 and 6.4)."""
    n = u.shape[1]
    rho = np.einsum("gt,gt->g", u[:, 1:], u[:, :-1]) / np.einsum("gt,gt->g", u[:, :-1], u[:, :-1])
    rho = np.clip(rho, -0.97, 0.97)
    alpha = 4 * rho**2 / (1 - rho) ** 4
    width = 1.3221 * (alpha * n) ** 0.2
    total = np.einsum("gt,gt->g", u, u) / n
    with np.errstate(divide="ignore", invalid="ignore"):
        for lag in range(1, n):
            x = lag / width
            a = 6 * np.pi * x / 5
            weight = 25 / (12 * np.pi**2 * x**2) * (np.sin(a) / a - np.cos(a))
            weight = np.where(width > 0, weight, 0.0)
            gamma = np.einsum("gt,gt->g", u[:, lag:], u[:, : n - lag]) / n
            total = total + 2 * weight * gamma
    return total, width


def log_t(
    X: FloatArray, members: FloatArray, trim: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """b, standard errors and bandwidths (g,) for g sets of entities at once.

    Parameters
    ----------
    X : (N, T)
        Positive levels.
    members : (g, N)
        1 where the entity belongs to the set, else 0.
    trim : float
        Share of periods left out at the start.
    """
    T = X.shape[1]
    size = members.sum(axis=1, keepdims=True)
    # Deviations from the whole cross-section first, so that little cancels below.
    r = X / X.mean(axis=0) - 1
    mean = members @ r / size  # (g, T)
    H = (members @ r**2 / size - mean**2) / (1 + mean) ** 2
    first = skipped(T, trim)
    t = np.arange(first + 1, T + 1, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        y = np.log(H[:, :1] / H[:, first:]) - 2 * np.log(np.log(t))
    z = np.log(t) - np.log(t).mean()
    b = y @ z / (z @ z)
    u = y - y.mean(axis=1, keepdims=True) - b[:, None] * z
    variance, width = long_run_variance_qs(u)
    return b, np.sqrt(variance / (z @ z)), width


def skipped(T: int, trim: float) -> int:
    """[rT], at least 1, for log log t needs t >= 2; a product that rounding put below a whole
    number counts as this number."""
    return max(int(np.floor(trim * T + 1e-9)), 1)


def log_t_of(X: FloatArray, who: IntArray, trim: float) -> LogT:
    """The regression for one set of entities."""
    members = np.zeros((1, len(X)))
    members[0, who] = 1
    b, se, width = log_t(X, members, trim)
    nobs = X.shape[1] - skipped(X.shape[1], trim)
    return LogT(
        b=float(b[0]), std_error=float(se[0]), t=float(b[0] / se[0]), bandwidth=float(width[0]),
        nobs=nobs,
    )  # fmt: skip


def clubs(
    X: FloatArray, trim: float, critical: float, sieve: float, last: float
) -> tuple[list[IntArray], IntArray]:
    """Convergence clubs, highest first, and the entities that belong to none.

    Phillips and Sul (2007, section 5): order by the average of the last periods; form a core group
    that converges most clearly; sieve further members one by one; repeat on the rest.

    Parameters
    ----------
    X : (N, T)
    critical : float
        -1.65: convergence is refused below.
    sieve : float
        c*: an entity joins the core where the t of core and entity exceeds it; raised by 0.1 until
        the club converges.
    last : float
        Share of periods whose average orders the entities.
    """
    T = X.shape[1]
    tail = max(round(last * T), 1)
    rest: IntArray = np.argsort(-X[:, T - tail :].mean(axis=1), kind="stable")
    found: list[IntArray] = []
    while len(rest) > 1:
        if log_t_of(X, rest, trim).t > critical:
            found.append(rest)
            return found, np.empty(0, dtype=np.int64)
        core = _core(X, rest, trim, critical)
        if core is None:
            return found, rest
        club = _sieve(X, rest, core, trim, critical, sieve)
        found.append(club)
        rest = rest[~np.isin(rest, club)]
    return found, rest


def _t_values(X: FloatArray, sets: list[IntArray], trim: float) -> FloatArray:
    members = np.zeros((len(sets), len(X)))
    for row, who in zip(members, sets, strict=True):
        row[who] = 1
    b, se, _ = log_t(X, members, trim)
    return b / se


def _core(X: FloatArray, order: IntArray, trim: float, critical: float) -> IntArray | None:
    """The run of neighbours, starting at the first pair that converges, with the largest t."""
    pairs = [order[j : j + 2] for j in range(len(order) - 1)]
    t = _t_values(X, pairs, trim)
    starts = np.flatnonzero(t > critical)
    if not len(starts):
        return None
    start = int(starts[0])
    runs = [order[start : start + k] for k in range(2, len(order) - start + 1)]
    t = _t_values(X, runs, trim)
    stop = int(np.argmax(t <= critical)) if (t <= critical).any() else len(t)
    return runs[int(np.argmax(t[:stop]))]


def _sieve(
    X: FloatArray, order: IntArray, core: IntArray, trim: float, critical: float, sieve: float
) -> IntArray:
    outside = order[~np.isin(order, core)]
    if not len(outside):
        return core
    t = _t_values(X, [np.append(core, i) for i in outside], trim)
    level = sieve
    while True:
        club: IntArray = np.concatenate([core, outside[t > level]])
        if len(club) == len(core) or log_t_of(X, club, trim).t > critical:
            return club
        level += 0.1


def merge(X: FloatArray, found: list[IntArray], trim: float, critical: float) -> list[IntArray]:
    """Adjacent clubs joined while their union converges (Phillips and Sul 2009)."""
    merged = list(found)
    at = 0
    while at + 1 < len(merged):
        union = np.concatenate([merged[at], merged[at + 1]])
        if log_t_of(X, union, trim).t > critical:
            merged[at : at + 2] = [union]
        else:
            at += 1
    return merged
