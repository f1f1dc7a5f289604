"""Fixed effects from data frame to clustered standard errors: migdev and its peers, by turns.

    python benchmarks/bench_fixed_effects.py            # designs of 1,000,000 rows
    python benchmarks/bench_fixed_effects.py --large    # also 10,000,000 rows: memory only
    python benchmarks/bench_fixed_effects.py --check    # exit with an error if an aim is missed

Every job does all of it: read the formula, find missing rows and collinear columns, absorb,
estimate, cluster. pyfixest runs with every backend that is installed, lean: it keeps no data; the
fastest counts, and what it is apart from our coefficients and standard errors is told. The peers
are warm. Memory is the peak that the job adds, in a process of its own.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from _designs import at_random, blank_cells, country_panel, matched
from _timing import by_turns, once, peak_in_child, peak_of

import migdev as md
from migdev.panel.design import Design as Equation

FORMULA = "y ~ x1 + x2 + x3"


@dataclass(frozen=True)
class Design:
    """A data set, its effects (the first clusters), and the ratios of time that are aimed at."""

    name: str
    make: Callable[[], pd.DataFrame]
    effects: tuple[str, ...]
    aim: float
    floor: float
    panel_ols: bool = False
    backends: tuple[str, ...] = ("map", "within", "within-diagonal")


TWO = ("entity", "time")
DESIGNS = (
    Design("balanced", country_panel, TWO, 3, 2, panel_ols=True),
    Design("10% of rows absent", lambda: country_panel(missing=0.1), TWO, 3, 2, panel_ols=True),
    Design("10% of cells missing", lambda: blank_cells(country_panel()), TWO, 3, 2),
    Design("any firm in every row", lambda: at_random("firm"), ("worker", "firm"), 3, 2),
    Design("any firm, any town in every row", lambda: at_random("firm", "third"),
           ("worker", "firm", "third"), 1, 1, backends=("map", "within-diagonal")),
    Design("ring, two effects", matched, ("worker", "firm"), 7, 3,
           backends=("within", "within-diagonal")),
    Design("ring, 1,000 firms", lambda: matched(firms=1000), ("worker", "firm"), 7, 3,
           backends=("within", "within-diagonal")),
    *(
        Design(f"ring, third effect {t}", lambda t=t: matched(third=t),
               ("worker", "firm", "third"), 3, 1, backends=("within",))
        for t in ("year", "ring", "aligned", "random")
    ),
)  # fmt: skip


def migdev_job(frame: pd.DataFrame, effects: tuple[str, ...]) -> Callable[[], Any]:
    entity = effects[0]
    names = tuple("entity" if e == entity else e for e in effects)
    spec = md.FixedEffects(
        formula=FORMULA, effects=names, cov=md.Clustered("entity"), singletons="keep"
    )
    return lambda: spec.fit(md.Panel.from_frame(frame, entity=entity, time="time"))


def pyfixest_job(frame: pd.DataFrame, effects: tuple[str, ...], backend: str) -> Callable[[], Any]:
    import pyfixest as pf
    from pyfixest.demeaners import LsmrDemeaner, MapDemeaner

    demeaner = {
        "map": lambda: MapDemeaner(),
        "within": lambda: LsmrDemeaner(),
        "within-diagonal": lambda: LsmrDemeaner(preconditioner="diagonal"),
    }[backend]()
    formula = f"{FORMULA} | {' + '.join(effects)}"
    lean: dict[str, Any] = {"lean": True, "store_data": False, "copy_data": False}
    return lambda: pf.feols(
        formula, frame, vcov={"CRV1": effects[0]}, demeaner=demeaner, fixef_rm="none", **lean
    )


def panel_ols_job(frame: pd.DataFrame) -> Callable[[], Any]:
    from linearmodels import PanelOLS

    def job() -> Any:
        data = frame.set_index(["entity", "time"])
        model = PanelOLS.from_formula(f"{FORMULA} + EntityEffects + TimeEffects", data)
        return model.fit(cov_type="clustered", cluster_entity=True)

    return job


def coefficients(result: Any) -> np.ndarray:
    values = result.params if hasattr(result, "params") else result.coef()
    return np.asarray(values, dtype=float)


def errors(result: Any) -> np.ndarray:
    values = result.std_errors if hasattr(result, "std_errors") else result.se()
    return np.asarray(values, dtype=float)


def compare(design: Design, repeats: int) -> list[str]:
    """Print the times of one design; return the aims that were missed."""
    frame = design.make()
    jobs = {"migdev": migdev_job(frame, design.effects)}
    for backend in design.backends:
        jobs[f"pyfixest {backend}"] = pyfixest_job(frame, design.effects, backend)
    own = jobs["migdev"]()
    ours, ses = coefficients(own), errors(own)
    print(f"\n{design.name}: {len(frame):,} rows, effects {', '.join(design.effects)}")
    times = by_turns(jobs, repeats)
    base, missed = times["migdev"], []
    for name, t in times.items():
        found = jobs[name]()
        gap = np.abs(coefficients(found) - ours).max()
        apart = np.abs(errors(found) / ses - 1).max()
        print(
            f"  {name:26s} median {t.median:8.3f} s  {t.ratio(base):6.2f} x  "
            f"coefficients within {gap:.0e}, errors {apart:.0e}"
        )
    best = min(t.ratio(base) for name, t in times.items() if name != "migdev")
    if best < design.floor:
        missed.append(f"{design.name}: {best:.2f} x pyfixest's fastest, at least {design.floor}")
    print(f"  pyfixest's fastest / migdev: {best:.2f} (aim {design.aim}, floor {design.floor})")
    if design.panel_ols:
        job = panel_ols_job(frame)
        seconds, again = once(job), by_turns({"migdev": jobs["migdev"]}, 3, warm=False)["migdev"]
        ratio = seconds / again.median
        gap = np.abs(coefficients(job()) - ours).max()
        print(f"  PanelOLS {seconds:.2f} s: {ratio:.1f} x (floor 25), within {gap:.1e}")
        if ratio < 25:
            missed.append(f"{design.name}: {ratio:.1f} x PanelOLS, at least 25")
    return missed


def memory(design: Design, fastest: str = "within-diagonal") -> list[str]:
    index = str(DESIGNS.index(design))
    ours = peak_in_child("bench_fixed_effects.py", "--child", index, "migdev")["peak"]
    peers = {
        b: peak_in_child("bench_fixed_effects.py", "--child", index, b)["peak"]
        for b in design.backends
    }
    listed = ", ".join(f"{name} {mb:,.0f}" for name, mb in peers.items())
    lowest = min(peers.values())
    print(f"  added peak memory, MB: migdev {ours:,.0f}; pyfixest {listed}: 1/{lowest / ours:.1f}")
    if 4 * ours > lowest:
        return [f"{design.name}: {ours:,.0f} MB is more than a quarter of {lowest:,.0f} MB"]
    return []


def child(index: int, who: str) -> None:
    """Measure one job in this process."""
    design = DESIGNS[index]
    small = country_panel(200, 10).assign(worker=lambda d: d.entity, firm=lambda d: d.time)
    small = small.assign(third=small.time % 3)
    frame = design.make()

    def job(data: pd.DataFrame) -> Callable[[], Any]:
        if who == "migdev":
            return migdev_job(data, design.effects)
        return pyfixest_job(data, design.effects, who)

    job(small)()
    print(f"peak={peak_of(job(frame)):.1f}")


def child_large() -> None:
    frame = country_panel(entities=200_000, periods=50)
    migdev_job(country_panel(200, 10), TWO)()
    job = migdev_job(frame, TWO)
    print(f"data={frame.memory_usage().sum() / 2**20:.1f}")
    print(f"peak={peak_of(job):.1f}")
    print(f"seconds={once(job):.2f}")


def small_fit() -> list[str]:
    """A 200 x 50 panel with clustered errors, the design built."""
    frame = country_panel(200, 50)
    panel = md.Panel.from_frame(frame, entity="entity", time="time")
    spec = md.FixedEffects(formula=FORMULA, effects=TWO, cov=md.Clustered("entity"))
    batch = 20

    def fits() -> None:
        for _ in range(batch):
            spec.fit(panel)

    def designs() -> None:
        for _ in range(batch):
            Equation.build(FORMULA, panel, intercept=False, requires=TWO)

    times = by_turns({"fit": fits, "design": designs}, 15)
    fit, built = (1e3 * times[name].median / batch for name in ("fit", "design"))
    print(
        f"\n200 x 50, clustered: {fit:.2f} ms a fit, of which the design {built:.2f} ms and the "
        f"rest {fit - built:.2f} ms (floor 3)"
    )
    if fit - built < 3:
        return []
    return [f"200 x 50 takes {fit - built:.2f} ms once the design is built"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="", help="part of a design's name")
    parser.add_argument("--large", action="store_true", help="10,000,000 rows")
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--check", action="store_true", help="fail where an aim is missed")
    parser.add_argument("--child", nargs=2, metavar=("DESIGN", "WHO"), help=argparse.SUPPRESS)
    parser.add_argument("--child-large", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.child:
        child(int(options.child[0]), options.child[1])
        return 0
    if options.child_large:
        child_large()
        return 0
    missed = small_fit()
    for design in DESIGNS:
        if options.only in design.name:
            missed += compare(design, options.repeats)
            if not options.no_memory and design.effects == TWO:
                missed += memory(design)
    if options.large:
        large = peak_in_child("bench_fixed_effects.py", "--child-large")
        print(
            f"\n10,000,000 rows, two effects: {large['seconds']:.2f} s, {large['peak']:,.0f} MB "
            f"above the data's {large['data']:,.0f} MB (floor 2,048)"
        )
        if large["peak"] > 2048:
            missed.append(f"10,000,000 rows add {large['peak']:,.0f} MB")
    print("\n" + ("\n".join(["missed:", *missed]) if missed else "all floors are held"))
    return int(bool(missed) and options.check)


if __name__ == "__main__":
    sys.exit(main())
