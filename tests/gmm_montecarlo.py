"""One cell of the Monte Carlo of dynamic panel GMM, for the slow test and for the table in docs."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

import migdev as md

GMM = (md.GMMStyle("y", (2, 4), collapse=True), md.GMMStyle("x", (1, 3), collapse=True))
SPECS = {
    "difference": md.DifferenceGMM(formula="y ~ L(y) + x", gmm=GMM),
    "system": md.SystemGMM(formula="y ~ L(y) + x", gmm=GMM),
}
BURN = 50


def draw(rng: np.random.Generator, N: int, T: int, rho: float) -> md.Panel:
    a = rng.standard_normal(N)
    x = 0.75 * a + rng.standard_normal(N) / 0.8
    y = (1.75 - 0.75 * rho) * a / (1 - rho)
    kept = np.empty((2, N, T))
    for t in range(T + BURN):
        x = 0.6 * x + 0.3 * a + rng.standard_normal(N)
        y = rho * y + (1 - rho) * x + a + rng.standard_normal(N)
        if t >= BURN:
            kept[:, :, t - BURN] = y, x
    frame = pd.DataFrame(
        {
            "i": np.repeat(np.arange(N), T),
            "t": np.tile(np.arange(T), N),
            "y": kept[0].ravel(),
            "x": kept[1].ravel(),
        }
    )
    return md.Panel.from_frame(frame, entity="i", time="t")


def cell(kind: str, N: int, T: int, rho: float, replications: int, seed: int) -> dict[str, float]:
    """Bias and spread of the coefficient of L(y), and shares of rejections at 5%."""
    spec = SPECS[kind]
    rows = []
    for stream in np.random.SeedSequence(seed).spawn(replications):
        panel = draw(np.random.default_rng(stream), N, T, rho)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit = spec.fit(panel)
        sums = fit.sums
        bread = np.linalg.inv(sums.ZX.T @ np.linalg.solve(sums.S, sums.ZX))
        at = fit.names.index("L(y)")
        levels = np.nan
        if kind == "system":
            levels = fit.difference_in_hansen.loc["GMM instruments for levels", "p_difference"]
        rows.append(
            (
                fit.params["L(y)"] - rho,
                abs(fit.params["L(y)"] - rho) / fit.std_errors["L(y)"] > 1.959964,
                abs(fit.params["L(y)"] - rho) / np.sqrt(bread[at, at]) > 1.959964,
                fit.stats["ar2"].pvalue < 0.05,
                fit.stats["hansen"].pvalue < 0.05,
                levels < 0.05,
            )
        )
    table = np.array(rows, dtype=float)
    mean = table.mean(axis=0)
    return {
        "bias": float(mean[0]),
        "sd": float(table[:, 0].std(ddof=1)),
        "t_windmeijer": float(mean[1]),
        "t_uncorrected": float(mean[2]),
        "m2": float(mean[3]),
        "hansen": float(mean[4]),
        "levels": float(mean[5]) if kind == "system" else float("nan"),
    }
