"""Monte Carlo of difference and system GMM: bias, and size of t, m2, Hansen, difference-in-Hansen.

    python benchmarks/montecarlo_gmm.py [replications]

    y_it = rho y_i,t-1 + (1 - rho) x_it + a_i + v_it,  x_it = 0.6 x_i,t-1 + 0.3 a_i + e_it

with a, v, e standard normal, 50 periods before the sample, two-step estimates, instruments
y(2..4) and x(1..3), collapsed. Prints the table of docs/reference/dynamic-panels.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.gmm_montecarlo import SPECS, cell


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
