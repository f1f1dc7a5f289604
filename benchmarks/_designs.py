"""Simulated panels whose fixed effects are easy, and hard, to absorb."""

from __future__ import annotations

import numpy as np
import pandas as pd

TRUTH = {"x1": 1.0, "x2": 0.5, "x3": -0.3}


def country_panel(
    entities: int = 20_000, periods: int = 50, missing: float = 0.0, seed: int = 0
) -> pd.DataFrame:
    """y on three regressors with entity and period effects; rows missing at random."""
    rng = np.random.default_rng(seed)
    entity = np.repeat(np.arange(entities), periods)
    time = np.tile(np.arange(1970, 1970 + periods), entities)
    if missing:
        keep = rng.random(len(entity)) >= missing
        entity, time = entity[keep], time[keep]
    return _frame(rng, {"entity": entity, "time": time}, ("entity", "time"))


def blank_cells(frame: pd.DataFrame, share: float = 0.1, seed: int = 1) -> pd.DataFrame:
    """Missing values in ``share`` of the rows, in one of the regressors each."""
    rng = np.random.default_rng(seed)
    frame = frame.copy()
    rows = np.flatnonzero(rng.random(len(frame)) < share)
    which = rng.integers(0, 3, len(rows))
    for j, name in enumerate(TRUTH):
        values = frame[name].to_numpy().copy()
        values[rows[which == j]] = np.nan
        frame[name] = values
    return frame


def matched(
    workers: int = 100_000,
    periods: int = 10,
    firms: int = 10_000,
    movers: float = 0.01,
    third: str = "",
    seed: int = 0,
) -> pd.DataFrame:
    """Workers at firms on a ring: a share ``movers`` moves once, to the next firm.

    ``third`` adds an effect: ``"year"``; ``"ring"``, another ring with movers of its own;
    ``"aligned"``, a town for five firms each, where 1 row in 100 is a town away; ``"random"``,
    unrelated to both.
    """
    rng = np.random.default_rng(seed)
    worker = np.repeat(np.arange(workers), periods)
    time = np.tile(np.arange(periods), workers)

    def walk(places: int) -> np.ndarray:
        home, moves = rng.integers(0, places, workers), rng.random(workers) < movers
        when = rng.integers(1, periods, workers)
        return (home[worker] + (moves[worker] & (time >= when[worker]))) % places

    effects = {"worker": worker, "firm": walk(firms)}
    towns = firms // 5
    if third == "year":
        effects["third"] = time
    elif third == "ring":
        effects["third"] = walk(towns)
    elif third == "aligned":
        home = effects["firm"] // 5
        effects["third"] = np.where(rng.random(len(worker)) < 0.01, (home + 1) % towns, home)
    elif third == "random":
        effects["third"] = rng.integers(0, towns, len(worker))
    return _frame(rng, {**effects, "time": time}, tuple(effects))


def at_random(
    *others: str, workers: int = 100_000, periods: int = 10, seed: int = 0
) -> pd.DataFrame:
    """Workers who meet any of 10,000 firms (and of 5,000 towns, as ``"third"``) in every row."""
    rng = np.random.default_rng(seed)
    effects = {"worker": np.repeat(np.arange(workers), periods)}
    for name in others:
        levels = {"firm": 10_000, "third": 5_000}[name]
        effects[name] = rng.integers(0, levels, workers * periods)
    time = np.tile(np.arange(periods), workers)
    return _frame(rng, {**effects, "time": time}, tuple(effects))


def _frame(
    rng: np.random.Generator, codes: dict[str, np.ndarray], effects: tuple[str, ...]
) -> pd.DataFrame:
    n = len(next(iter(codes.values())))
    level = np.zeros(n)
    for name in effects:
        level += rng.standard_normal(int(codes[name].max()) + 1)[codes[name]]
    columns = {name: 0.5 * level + rng.standard_normal(n) for name in TRUTH}
    y = level + rng.standard_normal(n)
    for name, slope in TRUTH.items():
        y += slope * columns[name]
    return pd.DataFrame({"y": y, **columns, **codes})
