"""The largest balanced part of a panel: entities that are all observed over one unbroken span."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migdev.kernels.arrays.types import BoolArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BalancedPart:
    """Attributes
    ----------
    entities : (N,)
        True for entities that are observed in every period of the span.
    first, last : int
        Its ends, as ordinals.
    cells : int
        Entities times periods.
    """

    entities: BoolArray
    first: int
    last: int

    @property
    def cells(self) -> int:
        return int(self.entities.sum()) * (self.last - self.first + 1)


def largest_balanced_part(
    entity: IntArray, time: IntArray, fewest_entities: int = 2, fewest_periods: int = 2
) -> BalancedPart | None:
    """The span and entities with the most cells; of equals the one with more periods, then the
    latest. None where no span is shared by enough entities.

    An entity fills a span if it has no gap from the span's first period to its last, so that for
    each last period the entities are counted by where their unbroken run began: all spans cost
    N P + P^2.

    Parameters
    ----------
    entity, time : (n,)
        Codes 0..N-1 and ordinals, rows sorted by entity, then time.
    """
    N, low = int(entity.max()) + 1, int(time.min())
    P = int(time.max()) - low + 1
    seen = np.zeros((N, P), dtype=bool)
    seen[entity, time - low] = True
    # Where the run that holds a cell began; P where there is no cell.
    start = np.where(seen, np.arange(P), -1)
    start[:, 1:] = np.where(seen[:, 1:] & seen[:, :-1], -1, start[:, 1:])
    begin = np.where(seen, np.maximum.accumulate(start, axis=1), P)
    counts = np.zeros((P, P + 1), dtype=np.int64)
    np.add.at(counts, (np.broadcast_to(np.arange(P), (N, P)), begin), 1)
    filled = np.cumsum(counts[:, :P], axis=1)  # by last period, first period
    length = np.arange(P)[:, None] - np.arange(P) + 1
    allowed = (filled >= fewest_entities) & (length >= fewest_periods)
    if not allowed.any():
        return None
    size = np.where(allowed, filled * length * (P + 1) + length, -1)
    best = np.argwhere(size == size.max())[-1]
    last, first = int(best[0]), int(best[1])
    return BalancedPart(entities=begin[:, last] <= first, first=first + low, last=last + low)
