"""Panels for the tests of dynamic panel GMM."""

from __future__ import annotations

import numpy as np
import pandas as pd

import migdev as md
from tests.data import benchmark

AB_X = "L(n) + L(n, 2) + w + L(w) + k + L(k) + L(k, 2) + ys + L(ys) + L(ys, 2)"
AB_IV = "w + L(w) + k + L(k) + L(k, 2) + ys + L(ys) + L(ys, 2)"


def employment(ragged: bool = False) -> md.Panel:
    """The Arellano-Bond data in logs; with late starts and early ends where asked."""
    d = benchmark("empl_uk")
    for name, source in (("n", "emp"), ("w", "wage"), ("k", "capital"), ("ys", "output")):
        d[name] = np.log(d[source])
    if ragged:
        gone = ((d.firm % 3 == 1) & (d.year >= 1982)) | ((d.firm % 4 == 2) & (d.year <= 1978))
        d["ng"] = d.n.where(~gone)
    d["block"] = d.firm // 7
    return md.Panel.from_frame(d, entity="firm", time="year")


def simulated(
    rng: np.random.Generator, N: int, T: int, rho: float = 0.5, holes: float = 0.0
) -> pd.DataFrame:
    """y_it = rho y_i,t-1 + 0.5 x_it + a_i + v_it with predetermined x; rows lost at random."""
    burn = 20
    a = rng.standard_normal(N)
    x, y = np.zeros((N, T + burn)), np.zeros((N, T + burn))
    y[:, 0] = a / (1 - rho)
    for t in range(1, T + burn):
        v = rng.standard_normal(N)
        x[:, t] = 0.5 * x[:, t - 1] + 0.2 * a + 0.2 * (y[:, t - 1] - a) + rng.standard_normal(N)
        y[:, t] = rho * y[:, t - 1] + 0.5 * x[:, t] + a + v
    frame = pd.DataFrame(
        {
            "i": np.repeat(np.arange(N), T),
            "t": np.tile(np.arange(T), N) + 2000,
            "y": y[:, burn:].ravel(),
            "x": x[:, burn:].ravel(),
            "z": np.repeat(rng.standard_normal(N), T),
        }
    )
    frame["region"] = frame.i % max(N // 3, 1)
    if holes:
        frame = frame[rng.random(len(frame)) > holes]
    return frame.reset_index(drop=True)


def panel(frame: pd.DataFrame) -> md.Panel:
    return md.Panel.from_frame(frame, entity="i", time="t")
