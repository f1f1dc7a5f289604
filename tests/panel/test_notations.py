"""Formulas in the notation of other programs: the error shows how they are written here."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import migdev as md
from migdev.errors import FormulaError, PanelError
from migdev.panel.notations import as_here


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ("y ~ L.x", "y ~ L(x)"),
        ("D.y ~ L2.x + F.z", "D(y) ~ L(x, 2) + F(z)"),
        ("y ~ L1.x", "y ~ L(x)"),
        ("y ~ LD.x", "y ~ L(D(x))"),
        ("y ~ L2D.x", "y ~ L(D(x), 2)"),
        ("y ~ D2.x", "y ~ D(D(x))"),
        ("y ~ L(1/3).x", "y ~ L(x, [1, 2, 3])"),
        ("y ~ i.year + c.x", "y ~ C(year) + x"),
        ("y ~ c.x#c.z", "y ~ x:z"),
        ("y ~ i.region##c.x", "y ~ C(region)*x"),
        ("y ~ ln(x)", "y ~ log(x)"),
        ("y ~ L(x, 1:2)", "y ~ L(x, [1, 2])"),
        ("y ~ L(x, 1/2)", "y ~ L(x, [1, 2])"),
        ("y ~ l(x, 1:2) + d(z)", "y ~ L(x, [1, 2]) + D(z)"),
        ("y ~ i(region) + factor(year)", "y ~ C(region) + C(year)"),
        ("y ~ x + EntityEffects + TimeEffects", "y ~ x | entity + time"),
        ("y ~ [x ~ L.x + z]", "y ~ [x ~ L(x) + z]"),
    ],
)  # fmt: skip
def test_other_notations(there: str, here: str) -> None:
    assert as_here(there) == here
    assert as_here(here) == here
    with pytest.raises(FormulaError) as error:
        md.PooledOLS(there).fit(panel())
    assert str(error.value).endswith(f"write {here!r}.")


@pytest.mark.parametrize(
    "text",
    ["y ~ L(x) + D(x, 2)", "y ~ L(x, [1, 2])", "y ~ np.log(x) + C(region)", "y ~ x/z", "y ~ I(x/2)",
     "y ~ `L.x` + `i.year`", "y ~ ID.x", "y ~ 0 + x:z", "y ~ bs(x, df=4)", "y ~ cl(x)"],
)  # fmt: skip
def test_what_is_written_so_here_stays(text: str) -> None:
    assert as_here(text) == text


def panel() -> md.Panel:
    rng = np.random.default_rng(1)
    i, t = np.repeat(np.arange(12), 8), np.tile(2000 + np.arange(8), 12)
    columns = {name: rng.standard_normal(96) for name in ("x", "z", "y", "i.code")}
    columns["x"] += 2 * columns["z"]
    frame = pd.DataFrame({"iso3": i, "year": t, "region": i % 3, **columns})
    return md.Panel.from_frame(frame, entity="iso3", time="year")


def test_a_column_of_that_name_is_a_column() -> None:
    assert md.PooledOLS("y ~ i.code").fit(panel()).names == ["Intercept", "i.code"]


def test_effects_behind_a_bar_are_effects() -> None:
    short, long = "y ~ x | iso3 + region^year", ("iso3", "region^year")
    assert md.FixedEffects(short) == md.FixedEffects("y ~ x", effects=long)
    assert md.FixedEffects(short, effects=long) == md.FixedEffects("y ~ x", effects=long)
    assert md.IV2SLS("y ~ [x ~ z] | iso3").effects == ("iso3",)
    assert md.IV2SLS("y ~ [x ~ z] | 0").effects == ()
    assert md.PooledOLS("y ~ I(x | z)").formula == "y ~ I(x | z)"
    for formula, told in (
        ("y ~ x | iso3 | z ~ w", "more than effects behind the bar"),
        ("y ~ x | iso3:year", "'iso3:year' is no effect"),
        ("y ~ x | C(iso3)", "is no effect"),
    ):
        with pytest.raises(FormulaError, match=told):
            md.FixedEffects(formula)
    for spec in (
        lambda: md.FixedEffects("y ~ x | iso3", effects=("year",)),
        lambda: md.PooledOLS("y ~ x | iso3"),
        lambda: md.MeanGroup("y ~ x | iso3"),
    ):
        with pytest.raises(md.errors.SpecificationError, match="behind the bar"):
            spec()
    with pytest.raises(FormulaError, match="only estimators with effects= read them"):
        md.Design.build("y ~ x | iso3", panel())


def test_the_panels_keys_go_by_their_own_names() -> None:
    own = md.FixedEffects("y ~ x | iso3 + year", cov=md.Clustered("iso3")).fit(panel())
    role = md.FixedEffects("y ~ x", effects=("entity", "time"), cov="cluster").fit(panel())
    assert own.params["x"] == role.params["x"]
    assert own.std_errors["x"] == role.std_errors["x"]
    assert own.facts.absorbed == role.facts.absorbed == ("entity", "time")
    assert own.df_resid == role.df_resid
    iv = md.IV2SLS("y ~ [x ~ z] | iso3").fit(panel())
    assert iv.facts.absorbed == ("entity",)
    with pytest.raises(PanelError, match="keys 'iso3' and 'year' are also called 'entity' and"):
        md.FixedEffects("y ~ x", effects=("country", "year")).fit(panel())


def test_the_page_shows_what_is_told() -> None:
    text = (Path(__file__).parents[2] / "docs/reference/specifications.md").read_text("utf-8")
    table = text[text.index("| there | here |") : text.index("A formula in another notation")]
    pairs = [
        (there, here)
        for row in table.replace(r"\|", "¦").splitlines()[2:]
        if row.startswith("| `")
        for there, here in zip(
            *(re.findall("`([^`]+)`", c) for c in row.split("|")[1:3]), strict=True
        )
    ]
    assert len(pairs) == 16
    for there, here in pairs:
        if not there.startswith("y ~"):  # three bars: told by split_effects
            assert as_here(f"y ~ {there}") == f"y ~ {here}".replace("¦", "|")
