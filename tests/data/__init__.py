"""Classic sets of panel econometrics that ship with the tests; README.md tells their origin."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent


def benchmark(name: str) -> pd.DataFrame:
    """The set in ``tests/data/benchmarks/<name>.csv``, as it stands."""
    return pd.read_csv(HERE / "benchmarks" / f"{name}.csv")
