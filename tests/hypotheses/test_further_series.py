"""Questions whose series stand beside the World Bank's main indicators: governance, productivity,
work, schooling, mortality, taxes."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import migdev as md
from migdev.errors import PanelError
from migdev.simulate import stylised_world

NAMES = ("G3", "G7", "D4", "L1", "L2", "M9")
FILES = ("wdi_panel", "wdi_more", "wgi_1996_2022", "pwt110", "country_meta")


@pytest.fixture(scope="module")
def world() -> md.Panel:
    """A simulated world with these series added, which remittances do not move."""
    world = stylised_world("null", seed=11, entities=70)
    rng = np.random.default_rng(7)
    codes = {code for name in NAMES for v in md.hypotheses.get(name).series.values() for code in v}
    lacking = sorted(codes - set(world.columns))
    assert {"CC.EST", "rtfpna", "GC.TAX.TOTL.GD.ZS"} & set(lacking)
    n = len(world.entities)
    level, added = rng.standard_normal((n, len(lacking))), {}
    for j, code in enumerate(lacking):
        noise = rng.standard_normal(len(world)) * 0.1
        standard = level[world.entity_codes, j] + noise
        added[code] = standard if code.endswith(".EST") else np.exp(3 + 0.2 * standard)
    return world.assign(**added)


@pytest.mark.parametrize("name", NAMES)
def test_runs_on_a_world_without_effect(world: md.Panel, name: str) -> None:
    question = md.hypotheses.get(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answer = question.run(world)
    fits = answer.main.fits if hasattr(answer, "main") else answer.fits
    assert len(fits) >= (2 if question.components else 5)
    wrong = {"supported", "contradicted"} | set(question.rivals) - {"CR"}
    assert answer.verdict not in wrong or name in ("L1", "M9")
    assert str(answer)


def test_institutions_are_the_mean_of_six_indicators(world: md.Panel) -> None:
    prepared = md.hypotheses.get("G3").prepare(world)
    codes = [f"{c}.EST" for c in ("CC", "GE", "PV", "RL", "RQ", "VA")]
    frame = world.frame
    rows = frame[frame[world.entity] == prepared.frame[prepared.entity].iloc[0]]
    first = int(prepared.frame[prepared.time].iloc[0])
    held = rows[rows[world.time].between(first, first + 4)]
    assert prepared["institutions"].iloc[0] == pytest.approx(
        held[codes].mean(axis=1).mean(), rel=1e-12
    )


def test_a_missing_series_is_named(world: md.Panel) -> None:
    bare = world.select(*(c for c in world.columns if c != "rtfpna"))
    with pytest.raises(PanelError, match="rtfpna"):
        md.hypotheses.get("G7").run(bare)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_on_real_data_a_second_path_agrees(data_dir: Path, name: str) -> None:
    """The equation by fixed effects again, by linearmodels on columns made by pandas."""
    from linearmodels.panel import PanelOLS

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        panel = real(data_dir)
        question = md.hypotheses.get(name)
        answer = question.run(panel)
    frame = question.prepare(panel).frame.copy()
    before = frame[["iso3", "window", "y"]].assign(window=frame["window"] + 5)
    frame = frame.merge(before.rename(columns={"y": "y1"}), on=["iso3", "window"], how="left")
    frame = frame.set_index(["iso3", "window"])
    joint = hasattr(answer, "main")
    fits = answer.main.fits if joint else {"": answer.fits["Fixed effects"]}
    for fit in fits.values():
        names = [n.replace("L(y)", "y1") for n in fit.params.index]
        if name == "G3":
            frame["remit:institutions"] = frame["remit"] * frame["institutions"]
        used = frame[[fit.dependent, *names]].dropna()
        if joint:  # on the rows that are complete in all equations
            held = [f.dependent for f in fits.values()]
            used = used[frame.loc[used.index, held].notna().all(axis=1)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it tells of singletons, as the fit did
            other = PanelOLS(
                used[fit.dependent], used[names], entity_effects=True, time_effects=True,
                singletons=False,
            ).fit()  # fmt: skip
        assert other.nobs == fit.nobs > 100
        np.testing.assert_allclose(fit.params.to_numpy(), other.params.to_numpy(), rtol=1e-6)


def real(data_dir: Path) -> md.Panel:
    """The real files, each with the columns that the questions ask of it."""
    codes = {c for name in NAMES for v in md.hypotheses.get(name).series.values() for c in v}
    parts, taken = [], set[str]()
    for file in FILES:
        part = md.read(data_dir / f"{file}.csv")
        wanted = (codes | {"region", "income_group"}) - taken
        kept = [c for c in part.frame.columns if c in {*part.keys, part.time, *wanted}]
        taken |= set(kept)
        parts.append(replace(part, frame=part.frame[kept]))
    return md.join(parts)
