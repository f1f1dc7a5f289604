"""How often the verdict rule and the joint test are right, and wrong, in simulated worlds.

    python benchmarks/simulate_verdicts.py --reps 500 --out docs/explanation/joint-test.json

Every world is seeded: replication r of a cell has seed r. The tables of
docs/explanation/joint-test.md are this script's output.
"""

import argparse
import json
import warnings
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

import migdev as md
from migdev.simulate import WORLDS, Truth, stylised_world

#: Worlds of the verdict rule: growth effect of remittances; G1's smallest effect is 0.05.
GROWTH = {
    "strong (0.20)": WORLDS["development"],
    "at the bound (0.05)": replace(WORLDS["development"], growth=0.05),
    "none (0)": WORLDS["null"],
    "at the bound (-0.05)": replace(WORLDS["null"], growth=-0.05),
}
#: Worlds of the joint test; at an edge one part of a pattern is exactly at its bound, and the
#: others hold: there its test errs most often.
JOINT = {
    "development": WORLDS["development"],
    "critical": WORLDS["critical"],
    "null": WORLDS["null"],
    "edge of DF (growth 0.05)": replace(WORLDS["development"], growth=0.05),
    "edge of CR (trade gap 0.25)": replace(WORLDS["critical"], dependence=0.25),
}
#: GMM is left out: it would take most of the time, and its sign only confirms.
STATIC = ("Pooled OLS", "Fixed effects", "Random effects", "IV, internal")
VERDICTS = ("supported", "contradicted", "no effect", "undecided")


def worlds(effects: Truth, n: int, windows: int, reps: int) -> Iterator[md.Panel]:
    """Seeded worlds that end in 2019, with cells missing as in published data."""
    for seed in range(reps):
        yield stylised_world(effects, seed=seed, entities=n, first=2020 - 5 * windows)


def verdict_cell(effects: Truth, n: int, windows: int, reps: int) -> dict[str, Any]:
    """Shares of the verdicts of G1, and mean and spread of its estimate."""
    question = md.hypotheses.get("G1")
    specs = {name: spec for name, spec in question.specs().items() if name in STATIC}
    study = md.Study(question, specs, prefer=("Fixed effects",))
    found, estimates, errors = [], [], []
    for world in worlds(effects, n, windows, reps):
        answer = study.run(question.prepare(world))
        found.append(answer.verdict)
        estimates.append(answer.estimate.estimate)
        errors.append(answer.estimate.std_error)
    return {
        **{v: float(np.mean([f == v for f in found])) for v in VERDICTS},
        "mean": float(np.mean(estimates)), "sd": float(np.std(estimates)),
        "mean_se": float(np.mean(errors)),
    }  # fmt: skip


def joint_cell(effects: Truth, n: int, windows: int, reps: int, draws: int) -> dict[str, Any]:
    """How often each cone leads, each pattern is established and contradicted in X1."""
    question = md.hypotheses.get("X1-first")
    study = question.study(draws=draws, region="")
    leads, sure, wrong, shares, rows = [], [], [], [], []
    for world in worlds(effects, n, windows, reps):
        result = study.fit(question.prepare(world))
        pairs = result.shares["pairs"]
        leads.append(max(study.patterns, key=lambda name: pairs[name]))
        sure.append({k: p < study.level for k, p in result.pvalues.items()})
        wrong.append({k: p < study.level for k, p in result.rejections.items()})
        shares.append(result.shares)
        rows.append(result.fits["growth"].nobs)

    def mean(items: list[dict[str, Any]]) -> dict[str, float]:
        return {k: float(np.mean([item[k] for item in items])) for k in items[0]}

    return {
        "leads": {k: float(np.mean([x == k for x in leads])) for k in study.patterns},
        "established": mean(sure), "contradicted": mean(wrong),
        "share": {how: mean([s[how] for s in shares]) for how in shares[0]},
        "nobs": float(np.mean(rows)),
    }  # fmt: skip


def verdict_table(cells: list[dict[str, Any]]) -> list[str]:
    lines = ["| growth effect | N | windows | mean estimate (sd) | supported | contradicted | "
             "no effect | undecided |", "| --- " * 8 + "|"]  # fmt: skip
    for cell in cells:
        shares = " | ".join(percent(cell[v]) for v in VERDICTS)
        lines.append(
            f"| {cell['world']} | {cell['N']} | {cell['windows']} | {cell['mean']:.3f} "
            f"({cell['sd']:.3f}) | {shares} |"
        )
    return lines


def joint_table(cells: list[dict[str, Any]]) -> list[str]:
    lines = ["| world | N | windows | rows | DF leads | CR leads | null leads | DF established | "
             "CR established | null established | right pattern contradicted |",
             "| --- " * 11 + "|"]  # fmt: skip
    right = {"development": "DF", "critical": "CR", "null": "null"}
    for cell in cells:
        leads = " | ".join(percent(cell["leads"][k]) for k in ("DF", "CR", "null"))
        sure = " | ".join(percent(cell["established"][k]) for k in ("DF", "CR", "null"))
        true = right.get(cell["world"])
        wrong = percent(cell["contradicted"][true]) if true else ""
        lines.append(
            f"| {cell['world']} | {cell['N']} | {cell['windows']} | {cell['nobs']:.0f} | {leads} | "
            f"{sure} | {wrong} |"
        )
    lines += ["", "| world | N | windows | cone | pairs | wild | sandwich |", "| --- " * 7 + "|"]
    for cell in cells:
        if cell["world"] in right:
            true = right[cell["world"]]
            shares = " | ".join(
                percent(cell["share"][how][true]) for how in ("pairs", "wild", "sandwich")
            )
            lines.append(
                f"| {cell['world']} | {cell['N']} | {cell['windows']} | {true} | {shares} |"
            )
    return lines


def percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reps", type=int, default=500)
    parser.add_argument("--draws", type=int, default=499)
    parser.add_argument("--entities", type=int, nargs="+", default=[60, 120])
    parser.add_argument("--windows", type=int, nargs="+", default=[6, 10])
    parser.add_argument("--part", choices=["verdict", "joint"], help="one part alone")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    started = perf_counter()
    sizes = list(product(options.entities, options.windows))
    results: dict[str, Any] = {"reps": options.reps, "draws": options.draws}
    if options.part != "joint":
        results["verdict"] = [
            {"world": name, "N": n, "windows": t, **verdict_cell(effects, n, t, options.reps)}
            for name, effects in GROWTH.items()
            for n, t in [*sizes, (2 * max(options.entities), max(options.windows))]
        ]
    if options.part != "verdict":
        results["joint"] = [
            {"world": name, "N": n, "windows": t,
             **joint_cell(effects, n, t, options.reps, options.draws)}
            for name, effects in JOINT.items()
            for n, t in sizes
        ]  # fmt: skip
    results["seconds"] = round(perf_counter() - started)
    if options.out:
        options.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print("\n".join(verdict_table(results.get("verdict", []))))
    print("\n".join(["", *joint_table(results.get("joint", []))]))
    print(f"{options.reps} replications, {options.draws} draws, {results['seconds']} s.")


if __name__ == "__main__":
    main()
