"""Quantiles of the tests of the number of common stochastic trends.

Under the null of m trends both statistics of Bai and Ng (2004) tend to the smallest eigenvalue of
the matrix that random walks without serial correlation give, demeaned or detrended. This prints
the lines of migdev/kernels/unit_roots/common_trends.tsv: 60,000 walks of 1,000 steps for each m,
seeded. Simulation error of a quantile q at p is sqrt(p (1-p) / 60,000) over the density
there: 0.4 per cent of the 5% values and 0.7 per cent of the 1% values.

    python benchmarks/simulate_common_trends.py
"""

from __future__ import annotations

import numpy as np

PROBABILITIES = np.array(
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95,
     0.99]
)  # fmt: skip


def draws(m: int, trend: bool, reps: int, T: int, rng: np.random.Generator) -> np.ndarray:
    """(reps,) statistics of m walks over T periods."""
    t = np.arange(T)
    Q = np.linalg.qr(np.column_stack([np.ones(T), t]) if trend else np.ones((T, 1)))[0]
    out, step = [], max(1, 2_000_000 // (T * m))
    for start in range(0, reps, step):
        n = min(step, reps - start)
        W = np.cumsum(rng.standard_normal((n, T, m)), axis=1)
        W -= Q @ (Q.T @ W)
        lag, now = W[:, :-1], W[:, 1:]
        cross, square = lag.transpose(0, 2, 1) @ now, lag.transpose(0, 2, 1) @ lag
        root = np.linalg.inv(np.linalg.cholesky(square))
        middle = root @ (cross + cross.transpose(0, 2, 1)) @ root.transpose(0, 2, 1) / 2
        out.append(T * (np.linalg.eigvalsh(middle)[:, 0] - 1))
    return np.concatenate(out)


if __name__ == "__main__":
    for trend in (False, True):
        for m in range(1, 7):
            rng = np.random.default_rng([20041127, m, int(trend)])
            values = np.quantile(draws(m, trend, 60_000, 1_000, rng), PROBABILITIES)
            print("ct" if trend else "c", m, *(f"{v:.2f}" for v in values), sep="\t", flush=True)
