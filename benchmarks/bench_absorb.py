"""The absorption kernel alone on graphs that are easy, and hard, to absorb.

    python benchmarks/bench_absorb.py                   # all designs, 1,000,000 rows, 4 columns
    python benchmarks/bench_absorb.py --only ring       # designs whose name holds "ring"
    python benchmarks/bench_absorb.py --rows 100000

Times of migdev and of each demeaner of pyfixest by turns, at its default tolerance, and sweeping
also at one that brings it as close as ours; the distance between their answers; and the largest
mean of a migdev residual over the rows of any level, in units of its standard error, which is zero
in exact arithmetic. A demeaner that stops short of its own tolerance is marked "fails".
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from _timing import by_turns

from migdev.kernels.absorb.absorber import Absorbed, absorb
from migdev.kernels.arrays.groups import group_sums, level_codes

Codes = list[np.ndarray]
PERIODS = 10


def designs(n: int, seed: int = 0) -> dict[str, Callable[[], Codes]]:
    """Factors by name; the first is the worker, if there are workers."""
    rng = np.random.default_rng(seed)
    people, firms = n // PERIODS, max(n // 100, 200)
    worker, year = np.repeat(np.arange(people), PERIODS), np.tile(np.arange(PERIODS), people)
    home = rng.integers(0, firms, people)

    def anywhere(share: float) -> np.ndarray:
        """A share of the workers moves once, to any firm."""
        moved = (rng.random(people) < share)[worker] & (year >= PERIODS // 2)
        return np.where(moved, rng.integers(0, firms, people)[worker], home[worker])

    def ring(places: int, share: float = 0.01, steps: int = 1) -> np.ndarray:
        """A share moves once, to one of the next places on a ring."""
        start, moved = rng.integers(0, places, people), rng.random(people) < share
        when = rng.integers(1, PERIODS, people)
        step = rng.integers(1, steps + 1, people)
        return (start[worker] + step[worker] * (moved[worker] & (year >= when[worker]))) % places

    def markets(share: float) -> np.ndarray:
        """Workers change firms at will inside their market; a share of rows is in the next one."""
        size, count = 100, firms // 100
        market = rng.integers(0, count, people)[worker]
        market = np.where(rng.random(n) < share, (market + 1) % count, market)
        return market * size + rng.integers(0, size, n)

    def trade() -> Codes:
        places = max(int((n / 30) ** 0.5) * 10, 30)
        i, j = rng.integers(0, places, n), rng.integers(0, places, n)
        when, near = rng.integers(0, PERIODS, n), max(places // 10, 3)
        return [i * PERIODS + when, j * PERIODS + when, (i % near) * near + j % near]

    return {
        "entity and time, balanced": lambda: [np.repeat(np.arange(n // 50), 50),
                                              np.tile(np.arange(50), n // 50)],
        "ring, 1% movers": lambda: [worker, ring(firms)],
        "ring of 1,000 firms, 1% movers": lambda: [worker, ring(max(firms // 10, 20))],
        "ring, 5% movers up to 3 firms on": lambda: [worker, ring(firms, 0.05, 3)],
        "10% movers to any firm": lambda: [worker, anywhere(0.1)],
        "any firm in every row": lambda: [worker, rng.integers(0, firms, n)],
        "100 markets, 0.5% of rows across": lambda: [worker, markets(0.005)],
        "students and teachers": lambda: [rng.integers(0, n // 20, n), rng.integers(0, n // 20, n)],
        "ring, and year": lambda: [worker, ring(firms), year],
        "ring, and another ring": lambda: [worker, ring(firms), ring(firms // 5)],
        "ring, and region-year": lambda: [worker, f := ring(firms), f % 50 * PERIODS + year],
        "10% movers, another ring, year": lambda: [worker, anywhere(0.1), ring(firms // 5), year],
        "100 markets, and a ring": lambda: [worker, markets(0.005), ring(firms)],
        "10% movers, and 5,000 at random": lambda: [worker, anywhere(0.1),
                                                    rng.integers(0, firms // 2, n)],
        "gravity: i-year, j-year, pair": trade,
    }  # fmt: skip


def demeaners() -> dict[str, Any]:
    from pyfixest.demeaners import LsmrDemeaner, MapDemeaner

    return {
        "map": MapDemeaner(fixef_maxiter=500),
        "map, as close": MapDemeaner(fixef_tol=1e-11, fixef_maxiter=500),
        "within": LsmrDemeaner(),
        "within-diagonal": LsmrDemeaner(preconditioner="diagonal", fixef_maxiter=500),
    }


def imbalance(found: Absorbed, factors: Sequence[np.ndarray]) -> float:
    worst = 0.0
    for f in factors:
        sums = np.abs(group_sums(found.values, f))
        worst = max(worst, float((sums / np.sqrt(np.bincount(f))[:, None]).max()))
    return worst


def compare(name: str, factors: Codes, repeats: int, columns: int = 4) -> None:
    from pyfixest.estimation.internals.demean_ import dispatch_demean

    rng = np.random.default_rng(1)
    factors = [level_codes(f) for f in factors]
    n = len(factors[0])
    shift = sum(rng.standard_normal(int(f.max()) + 1)[f] for f in factors)
    X = np.asfortranarray(rng.standard_normal((n, columns)) + shift[:, None])
    side, stacked = np.ascontiguousarray(X), np.stack(factors, axis=1)
    ours = absorb(X, factors)
    exact = "exact" if ours.rank_exact else "at most"
    print(
        f"\n{name}: levels {', '.join(f'{g:,}' for g in ours.levels)}, rank {exact} {ours.rank:,}; "
        f"{ours.method}, {ours.iterations} iterations, imbalance {imbalance(ours, factors):.0e}"
    )
    jobs: dict[str, Callable[[], Any]] = {"migdev": lambda: absorb(X, factors)}
    notes = {"migdev": ""}
    for label, demeaner in demeaners().items():

        def job(demeaner: Any = demeaner, label: str = label) -> Any:
            data = side if label.startswith("map") else X
            return dispatch_demean(data, stacked, None, demeaner)

        start = time.perf_counter()
        values, fine, _ = job()
        seconds = time.perf_counter() - start
        distance = np.abs(values - ours.values).max()
        notes[label] = f"apart {distance:.0e}" + ("" if fine else "  fails")
        if seconds < 5:
            jobs[label] = job
        else:
            print(f"  {label:16s} once {seconds:8.3f} s  {notes[label]}")
    times = by_turns(jobs, repeats)
    for label, t in times.items():
        ratio = t.median / times["migdev"].median
        print(
            f"  {label:16s} best {t.best:8.3f} s  median {t.median:8.3f} s  {ratio:7.2f} x  "
            f"{notes[label]}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default="", help="part of a design's name")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for name, make in designs(options.rows).items():
        if options.only in name:
            compare(name, make(), options.repeats)


if __name__ == "__main__":
    main()
