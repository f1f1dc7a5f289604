"""Sequential estimation of thresholds and the bootstrap of their tests (Hansen 1999)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from migdev.kernels.arrays.types import Done, FloatArray, IntArray, untold
from migdev.kernels.threshold.search import (
    Found,
    Search,
    basis,
    best,
    demean,
    prepare,
    residual_draws,
    search,
)

# Elements of one block of bootstrap errors.
_BLOCK = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """Data of a threshold regression, rows sorted by entity and period.

    Attributes
    ----------
    y : (n,); W : (n, k)
        Demeaned; W holds the regressors that do not change, and x itself.
    x : (n, m); q : (n,)
        As observed.
    """

    y: FloatArray
    W: FloatArray
    x: FloatArray
    q: FloatArray
    entity: IntArray
    values: FloatArray
    least: int
    _memo: dict[tuple[float, ...], Search] = field(default_factory=dict)

    def given(self, known: tuple[float, ...]) -> Search:
        """The search for one more threshold beside ``known`` ones."""
        key = tuple(sorted(known))
        if key not in self._memo:
            if len(self._memo) > 64:
                self._memo.clear()
            self._memo[key] = prepare(
                self.q, self.x, self.columns(key), self.entity, self.values, np.array(key),
                self.least,
            )  # fmt: skip
        return self._memo[key]

    def columns(self, known: tuple[float, ...]) -> FloatArray:
        """W and the demeaned pieces of x below the known thresholds."""
        extra = [demean(self.x * (self.q <= g)[:, None], self.entity) for g in known]
        return np.concatenate([self.W, *extra], axis=1) if extra else self.W


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stages:
    """Estimates by number of thresholds.

    Attributes
    ----------
    rss : (g+1,)
        Sums of squares with 0, 1, ..., g thresholds, each found given the earlier ones.
    thresholds : (g,)
        In the order in which they were found, the first two refined.
    given : tuple of the thresholds held fixed at every stage
    paths : tuple of (G,)
        Sum of squares over candidates for every threshold, the others held fixed.
    least_rss : tuple of float
        Minimum of each path.
    """

    rss: FloatArray
    thresholds: tuple[float, ...]
    given: tuple[tuple[float, ...], ...]
    paths: tuple[FloatArray, ...]
    least_rss: tuple[float, ...]


class NoCandidate(ValueError):
    """No value of the threshold variable leaves enough rows in every regime."""


def stages(sample: Sample, count: int) -> Stages:
    """One threshold after the other; the first is refined once the second is known."""
    _, rss0 = search(sample.given(()), sample.y[:, None])
    rss = [float(rss0[0])]
    found: list[float] = []
    given: list[tuple[float, ...]] = []
    paths: list[FloatArray] = []
    least: list[float] = []
    for g in range(count):
        known = tuple(found)
        step = _best(sample, known)
        found.append(step.value)
        rss.append(step.rss)
        given.append(known)
        paths.append(step.rss_path)
        least.append(step.rss)
        if g == 1:
            again = _best(sample, (step.value,))
            found[0], paths[0], least[0] = again.value, again.rss_path, again.rss
    return Stages(
        rss=np.array(rss), thresholds=tuple(found), given=tuple(given), paths=tuple(paths),
        least_rss=tuple(least),
    )  # fmt: skip


def _best(sample: Sample, known: tuple[float, ...]) -> Found:
    s = sample.given(known)
    if not s.allowed.any():
        raise NoCandidate
    return best(s, sample.y)


def f_statistic(before: FloatArray, after: FloatArray, df: int) -> FloatArray:
    """(S_{g-1} - S_g) / (S_g / df); zero where a draw leaves no room for another threshold."""
    room = np.isfinite(after)
    after = np.where(room, after, 1.0)
    return np.where(room, (before - after) / (after / df), 0.0)


def bootstrap(
    sample: Sample,
    fit: Stages,
    stage: int,
    df: int,
    draws: int,
    rng: np.random.Generator,
    kind: str,
    done: Done = untold,
) -> FloatArray:
    """(draws,) statistics of ``stage`` thresholds against one fewer, when one fewer is true.

    The regressors and q stay; errors are drawn from the residuals of the larger model; thresholds
    are searched anew in every draw.
    """
    known = fit.given[stage - 1]
    null_Q = basis(sample.columns(known))
    null = null_Q @ (null_Q.T @ sample.y)
    newest = fit.thresholds[stage - 1] if stage != 1 else _best(sample, ()).value
    full_Q = basis(sample.columns((*known, newest)))
    resid = sample.y - full_Q @ (full_Q.T @ sample.y)
    out = np.empty(draws)
    block = max(1, _BLOCK // len(sample.y))
    for start in range(0, draws, block):
        size = min(block, draws - start)
        e = demean(residual_draws(rng, resid, sample.entity, size, kind), sample.entity)
        out[start : start + size] = _statistics(sample, null[:, None] + e, stage, df)
        done(size)
    return out


def _statistics(sample: Sample, y: FloatArray, stage: int, df: int) -> FloatArray:
    """Statistic of the last stage for every column of y; columns whose thresholds so far agree
    are searched together."""
    draws = y.shape[1]
    s = sample.given(())
    path, rss0 = search(s, y)
    at = np.argmin(path, axis=1)
    before, after = rss0, path[np.arange(draws), at]
    known: list[tuple[float, ...]] = [(float(v),) for v in s.values[at]]
    for g in range(1, stage):
        fresh = np.full(draws, np.inf)
        deeper: list[tuple[float, ...]] = list(known)
        for key in set(known):
            mine = np.array([j for j, k in enumerate(known) if k == key])
            s = sample.given(key)
            path, _ = search(s, y[:, mine])
            at = np.argmin(path, axis=1)
            fresh[mine] = path[np.arange(len(mine)), at]
            for j, a in zip(mine, at, strict=True):
                deeper[j] = (*key, float(s.values[a]))
        if g == 1 and stage == 3:
            deeper = _refined(sample, y, deeper)
        known = deeper
        before, after = after, fresh
    return f_statistic(before, after, df)


def _refined(
    sample: Sample, y: FloatArray, known: list[tuple[float, ...]]
) -> list[tuple[float, ...]]:
    """The first of two thresholds found anew, given the second."""
    out = list(known)
    for second in {k[1] for k in known}:
        mine = np.array([j for j, k in enumerate(known) if k[1] == second])
        s = sample.given((second,))
        path, _ = search(s, y[:, mine])
        for j, a in zip(mine, np.argmin(path, axis=1), strict=True):
            out[j] = (float(s.values[a]), second)
    return out
