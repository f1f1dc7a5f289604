"""Joins and windows against pandas by hand: a validated merge, and a groupby.

    python benchmarks/bench_frames.py                    # 10,000,000 rows
    python benchmarks/bench_frames.py --rows 1000000

Both sides start from the same data frames and give the same numbers, which are compared; they take
turns in one process, and the ratio is that of their medians (above 1: migdev is faster). Memory is
what each adds to the peak of a process of its own.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
from _timing import by_turns, peak_in_child, peak_of

import migdev as md

YEARS, WINDOW, LEAST = 50, 5, 3
VALUES = ["x", "y", "z", "w"]
STATISTICS = ("mean", "std", "median", "min", "first")

Jobs = dict[str, dict[str, Callable[[], pd.DataFrame]]]


def frames(rows: int, text: bool, shuffled: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two tables by unit and year, a tenth of the values missing."""
    rng, units = np.random.default_rng(0), rows // YEARS
    unit, year = np.repeat(np.arange(units), YEARS), np.tile(np.arange(1970, 1970 + YEARS), units)
    keys = {"unit": pd.Series([f"U{i:07d}" for i in range(units)])[unit].to_numpy()} if text else {
        "unit": unit
    }  # fmt: skip
    values = {name: rng.standard_normal(len(unit)) for name in VALUES}
    for column in values.values():
        column[rng.random(len(unit)) < 0.1] = np.nan
    left = pd.DataFrame({**keys, "year": year, "x": values["x"], "y": values["y"]})
    right = pd.DataFrame({**keys, "year": year, "z": values["z"], "w": values["w"]})
    if shuffled:
        right = right.sample(frac=0.9, random_state=1).reset_index(drop=True)
    return left, right


def jobs(rows: int, only: str = "") -> Jobs:
    """By case: what pandas does by hand, and migdev; ``only`` one case, if named."""
    cases: Jobs = {}
    for text, shuffled in ((False, False), (False, True), (True, False), (True, True)):
        name = f"join, {'text' if text else 'whole-number'} keys"
        name += ", other order and rows" if shuffled else ""
        if only not in ("", name):
            continue
        left, right = frames(rows, text, shuffled)
        cases[name] = {
            "pandas": lambda a=left, b=right: a.merge(
                b, on=["unit", "year"], how="left", validate="one_to_one"
            ),
            "migdev": lambda a=left, b=right: md.join([a, b], entity="unit", time="year").frame,
        }
    if only.startswith("join"):
        return cases
    left, right = frames(rows, text=False, shuffled=False)
    whole = left.merge(right, on=["unit", "year"])
    panel = md.Panel.from_frame(whole, entity="unit", time="year")
    for statistic in STATISTICS:
        cases[f"windows, {statistic}"] = {
            "pandas": lambda how=statistic: by_hand(whole, how),
            "migdev": lambda how=statistic: panel.windows(WINDOW, how=how).frame,
        }
    return cases


def by_hand(frame: pd.DataFrame, how: str) -> pd.DataFrame:
    """A statistic of at least three values of a window, missing below."""
    window = 1970 + (frame["year"] - 1970) // WINDOW * WINDOW
    groups = frame.groupby(["unit", window])[VALUES]
    return getattr(groups, how)().where(groups.count() >= LEAST).reset_index()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=lambda text: int(float(text)), default=10_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--child", nargs=2)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.child:
        case, who = options.child
        print(f"peak={peak_of(jobs(options.rows, case)[case][who])}")
        sys.exit()
    print(f"{options.rows:,} rows; seconds, ratio of medians, memory against pandas'")
    for name, rivals in jobs(options.rows).items():
        if options.only not in name:
            continue
        theirs, ours = (rivals[who]()[VALUES].to_numpy() for who in ("pandas", "migdev"))
        kept = ~np.isnan(theirs).all(axis=1) if len(theirs) > len(ours) else slice(None)
        np.testing.assert_allclose(ours, theirs[kept], rtol=1e-9)
        times = by_turns(rivals, options.repeats)
        arguments = ("--rows", str(options.rows), "--child", name)
        peaks = {who: peak_in_child("bench_frames.py", *arguments, who)["peak"] for who in rivals}
        print(
            f"{name:45s} pandas {times['pandas'].median:6.2f}  migdev {times['migdev'].median:6.2f}"
            f"  x{times['pandas'].median / times['migdev'].median:4.2f}"
            f"  memory x{peaks['migdev'] / peaks['pandas']:4.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
