"""The largest balanced part, by trying every span."""

from __future__ import annotations

import numpy as np
import pytest

from migdev.kernels.arrays.balanced_part import largest_balanced_part


@pytest.mark.parametrize("seed", range(6))
def test_by_trying_every_span(seed):
    rng = np.random.default_rng(seed)
    N, P = 12, 15
    seen = (np.arange(P) >= rng.integers(0, 9, N)[:, None]) & (rng.random((N, P)) > 0.08)
    seen[:, 14] = True  # every entity once at least
    entity, time = np.nonzero(seen)
    part = largest_balanced_part(entity, time + 1990, 2, 3)
    best = (0, 0, 0)
    for a in range(P):
        for b in range(a + 2, P):
            n = int(seen[:, a : b + 1].all(axis=1).sum())
            if n >= 2:
                best = max(best, (n * (b - a + 1), b - a + 1, b))
    length = part.last - part.first + 1
    assert (part.cells, length, part.last - 1990) == best
    block = seen[part.entities][:, part.first - 1990 : part.last - 1989]
    assert block.all()
    others = seen[~part.entities][:, part.first - 1990 : part.last - 1989]
    assert not others.all(axis=1).any()


def test_none_where_nothing_is_shared():
    assert largest_balanced_part(np.array([0, 1]), np.array([3, 4])) is None
    whole = largest_balanced_part(np.repeat([0, 1], 3), np.tile([5, 6, 7], 2))
    assert (whole.first, whole.last, whole.cells) == (5, 7, 6)
