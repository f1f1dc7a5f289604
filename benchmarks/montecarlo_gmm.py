"""Monte Carlo of difference and system GMM: bias, and size of t, m2, Hansen, difference-in-Hansen.

    python benchmarks/montecarlo_gmm.py [replications]

    y_it = rho y_i,t-1 + (1 - rho) x_it + a_i + v_it,  x_it = 0.6 x_i,t-1 + 0.3 a_i + e_it

with a, v, e standard normal, 50 periods before the sample, two-step estimates, instruments
y(2..4) and x(1..3), collapsed. Prints the table of docs/reference/dynamic-panels.md.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

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


def main() -> None:
    replications = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    print(
        "| estimator | N | T | rho | bias | sd | t, Windmeijer | t, uncorrected | m2 | Hansen "
          "| levels |")  # fmt: skip
    print("| --- " * 11 + "|")
    for kind in SPECS:
        for N in (50, 150, 500):
            for T in (5, 10):
                for rho in (0.3, 0.8):
                    r = cell(kind, N, T, rho, replications, seed=20240101)
                    last = "" if kind == "difference" else f"{r['levels']:.3f}"
                    print(
                        f"| {kind} | {N} | {T} | {rho} | {r['bias']:.3f} | {r['sd']:.3f} "
                        f"| {r['t_windmeijer']:.3f} | {r['t_uncorrected']:.3f} | {r['m2']:.3f} "
                        f"| {r['hansen']:.3f} | {last} |",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
