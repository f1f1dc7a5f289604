"""Simulated panels with endogenous regressors, for the tests of instrumental variables."""

from __future__ import annotations

import numpy as np
import pandas as pd

import migdev as md


def simulated(
    seed: int = 1, entities: int = 30, periods: int = 8, keep: float = 1.0, strength: float = 0.6
) -> pd.DataFrame:
    """Two endogenous regressors, three instruments, weights, clustered and unequal errors.

    ``keep`` below one leaves rows out at random, so that the panel has gaps.
    """
    rng = np.random.default_rng(seed)
    n = entities * periods
    i, t = (
        np.repeat(np.arange(entities), periods),
        np.tile(np.arange(2000, 2000 + periods), entities),
    )
    z = rng.standard_normal((n, 3)) + rng.standard_normal((entities, 3))[i] * 0.5
    x = rng.standard_normal((n, 2)) + 0.3 * z[:, :1]
    common = rng.standard_normal(n) + rng.standard_normal(entities)[i]
    scale = np.exp(0.4 * z[:, 0])
    u = scale * (common + rng.standard_normal(n)) + rng.standard_normal(entities)[i]
    d1 = strength * z @ [1.0, 0.5, -0.2] + 0.2 * x[:, 0] + 0.7 * common + rng.standard_normal(n)
    d2 = strength * z @ [-0.3, 0.8, 0.6] - 0.3 * x[:, 1] + 0.5 * common + rng.standard_normal(n)
    y = 1 + x @ [0.5, -0.4] + 0.8 * d1 - 0.6 * d2 + u
    frame = pd.DataFrame(
        {
            "id": i, "year": t, "y": y, "x1": x[:, 0], "x2": x[:, 1], "d1": d1, "d2": d2,
            "z1": z[:, 0], "z2": z[:, 1], "z3": z[:, 2], "w": rng.uniform(0.3, 3, n),
            "region": i % 13,
        }
    )  # fmt: skip
    if keep < 1:
        frame = frame[rng.random(n) < keep].reset_index(drop=True)
    return frame


def as_panel(frame: pd.DataFrame) -> md.Panel:
    return md.Panel.from_frame(frame, entity="id", time="year")
