"""The registry: complete, runnable where it says so, open to outsiders."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pandas as pd
import pytest

import migdev as md
from migdev.errors import IdentificationError, PanelError, SpecificationError
from migdev.hypotheses import registry
from migdev.hypotheses.samples import income_samples
from migdev.hypotheses.variables import prepare, variables
from migdev.identity import to_code
from migdev.simulate import stylised_world

ROWS = """
G1 G2 G3 G4 G5 G6 G7 K1 K2 K3 L1 L2 L3 M1 M2 M3 M4 M5 M6 M7 M8 M9 M10 M11
P1 P2 P3 P4 P5 P6 P7 D1 D2 D3 D4 D5 D6 D7 D8 T1 T2 Q1 Q2 Q3 Q4 Q5 X1 X1-MX X1-first
""".split()
RUNNABLE = "G1 G2 G4 G5 K1 M1 M2 M8 P1 D1 D2 D3 D7 X1 X1-MX X1-first".split()


def test_every_row_is_there():
    assert sorted(md.hypotheses.names()) == sorted(ROWS)
    assert set(RUNNABLE) <= set(md.hypotheses.names(runnable=True))
    table = md.hypotheses.table()
    assert list(table.index) == md.hypotheses.names()
    assert table["claim"].str.len().min() > 10
    assert (table["runnable"] | table["waits_for"].str.len().gt(5)).all()
    assert (table.loc[table["runnable"], "source"].str.len() > 10).all()


@pytest.mark.parametrize("name", RUNNABLE)
def test_runnable_questions_name_their_series_and_smallest_effect(name):
    q = md.hypotheses.get(name)
    codes = [code for codes in q.series.values() for code in codes]
    others = {"rtfpna", "labsh", "emigrant_stock", "aid_pct_gdp_derived"}  # not the World Bank's
    if name == "X1-MX":  # columns of the files on Mexico's states
        assert all(re.fullmatch(r"[a-z][a-z0-9_]+", code) for code in codes)
    else:
        assert all(re.fullmatch(r"[A-Z]{2}(\.[A-Z0-9]+)+", code) for code in {*codes} - others)
    effects = [c.hypothesis for c in q.components] or [q]
    assert all(h.smallest_effect > 0 and h.reason for h in effects)


@pytest.fixture(scope="module")
def world() -> md.Panel:
    return stylised_world("critical", seed=5, entities=60)


@pytest.mark.parametrize(
    "name", [n for n in RUNNABLE if n not in ("M8", "X1", "X1-MX", "X1-first")]
)
def test_questions_run_on_a_simulated_world(world, name):
    answer = md.hypotheses.get(name).run(world)
    assert answer.verdict in ("supported", "contradicted", "no effect", "undecided", "DF", "CR")
    if hasattr(answer, "fits"):
        assert not answer.failures
        assert len(answer.fits) >= 3


def test_the_slope_above_a_threshold_is_judged(world):
    q = md.hypotheses.get("G4")
    answer = q.run(world)
    fit, focal = answer.fits["Panel threshold"], answer.focal["Panel threshold"]
    assert focal.estimate == pytest.approx(fit.params["remit[remit>c]"], rel=1e-12)
    assert focal.std_error == pytest.approx(fit.std_errors["remit[remit>c]"], rel=1e-8)
    assert (fit.regimes["rows"] >= 0.1 * fit.nobs).all()
    rebuilt = eval(to_code(q.study()), {"md": md})
    spec = rebuilt.specs["Panel threshold"]
    assert spec == q.study().specs["Panel threshold"]


def test_the_threshold_question_runs_on_real_data(data_dir):
    panel = md.join([md.read(data_dir / f"{name}.csv") for name in ("wdi_panel", "country_meta")])
    answer = md.hypotheses.get("G4").run(panel)
    assert not answer.failures
    fit = answer.fits["Panel threshold"]
    assert fit.nobs > 500
    below, above = fit.regimes["rows"]
    assert below + above == fit.nobs
    assert 0 < fit.thresholds[0] < 40


def test_prepare_makes_windows(world):
    panel = prepare(world, ["growth", "volatility", "y", "poverty"], window=5)
    assert panel.calendar.delta == 5
    raw = world.frame.query("iso3 == 'S001' and 1990 <= year <= 1994")
    row = panel.frame.query("iso3 == 'S001' and window == 1990").iloc[0]
    assert row["growth"] == pytest.approx(raw["NY.GDP.PCAP.KD.ZG"].mean())
    assert row["volatility"] == pytest.approx(raw["NY.GDP.PCAP.KD.ZG"].std())
    assert row["y"] == pytest.approx(np.log(raw["NY.GDP.PCAP.KD"].iloc[-1]))
    assert panel.labels["growth"] == variables()["growth"].label
    yearly = prepare(world, ["growth", "volatility"], window=0)
    assert "volatility" not in yearly
    assert len(yearly) == len(world)


def test_series_that_are_missing_are_named(world):
    with pytest.raises(PanelError, match="lack the series for 'remit': 'BX.TRF.PWKR.DT.GD.ZS'"):
        prepare(world.select("NY.GDP.PCAP.KD"), ["y", "remit"])


def test_high_income_countries_are_left_out(world):
    groups = world["income_group"].copy()
    groups[(world["iso3"] == "S002").to_numpy()] = "High income"
    sample = registry.low_and_middle_income(world.assign(income_group=groups))
    assert "S002" not in sample.entities
    assert "high income" in sample.history[-1]


@pytest.mark.parametrize(
    ("group", "kept"),
    [
        ("High income: OECD", False), (" high income ", False), ("HIC", False), ("LMC", True),
        ("Upper middle income", True), ("Not classified", False), (None, False),
    ],
)  # fmt: skip
def test_income_groups_by_their_names_and_codes(world, group, kept):
    groups = world["income_group"].astype(object)
    groups[(world["iso3"] == "S002").to_numpy()] = group
    sample = registry.low_and_middle_income(world.assign(income_group=groups))
    assert ("S002" in sample.entities) == kept


def test_other_income_groups_are_refused(world):
    groups = world["income_group"].astype(object).replace("Low income", "Ingreso bajo")
    with pytest.raises(PanelError, match="'income_group' holds 'Ingreso bajo', which is no income"):
        registry.low_and_middle_income(world.assign(income_group=groups))


@pytest.mark.parametrize("asked", ["M1", "X1"])
def test_a_sample_without_income_groups_is_called_what_it_is(world, asked, tmp_path):
    """Every country is in, so no page may speak of low- and middle-income countries as its own."""
    question = md.hypotheses.get(asked)
    study = question.study(**({"draws": 19} if asked == "X1" else {}))
    bare = question.prepare(world.select(*[c for c in world.columns if c != "income_group"]))
    md.replication.write_data(bare, tmp_path)  # a package carries the sentence to its rerun
    told = "High-income countries are not left out, since the data do not say which they are"
    for panel in (bare, md.replication.read_data(tmp_path)):
        answer = study.run(panel)
        for text in (str(answer), answer.page().to_markdown()):
            assert told in text
            before, _, after = text.partition("low- and middle-income countries")
            assert not after or before.endswith("not the declared one (")
    answer = study.run(question.prepare(world))
    assert told not in str(answer) + answer.page().to_markdown()


def test_unknown_and_waiting_questions():
    with pytest.raises(SpecificationError, match="no hypothesis 'G99'"):
        md.hypotheses.get("G99")
    assert md.hypotheses.get("g1").id == "G1"
    with pytest.raises(SpecificationError, match="waits for panel local projections"):
        md.hypotheses.get("G6").study()


def test_an_outsider_adds_a_hypothesis(world, monkeypatch):
    monkeypatch.setattr(registry, "_REGISTERED", {})
    mine = md.hypotheses.Question(
        id="Z1",
        claim="Trade raises growth",
        term="trade",
        sign=+1,
        smallest_effect=0.01,
        variables=("growth", "y", "trade"),
        specs=lambda: {
            "FE": md.Spec(estimator=md.FixedEffects(formula="growth ~ L(y) + trade")),
            "OLS": md.Spec(estimator=md.PooledOLS(formula="growth ~ L(y) + trade")),
        },
    )
    md.hypotheses.register(mine)
    assert md.hypotheses.get("Z1").run(world).verdict in ("undecided", "no effect", "supported")
    assert "Z1" in md.hypotheses.table().index
    with pytest.raises(SpecificationError, match="already a question 'Z1'"):
        md.hypotheses.register(mine)


def test_columns_of_the_panel_are_variables_too(world):
    with_own = world.assign(own=world["NY.GDP.PCAP.KD.ZG"] * 2)
    panel = prepare(with_own, ["growth", "own"], window=5)
    both = panel["own"].notna()
    np.testing.assert_allclose(panel["own"][both], 2 * panel["growth"][both])
    with pytest.raises(PanelError, match="lack the series for 'nowhere'"):
        prepare(world, ["nowhere"])


def test_samples_by_income_are_of_today_and_of_the_start():
    frame = pd.DataFrame(
        [
            ("KOR", 1987, 3600.0, "High income"), ("KOR", 1988, 9000.0, "High income"),
            ("USA", 1987, 21000.0, "High income"), ("VEN", 1990, 2900.0, None),
            ("LBY", 1989, 6500.0, "Upper middle income"), ("SSD", 2012, 1000.0, "Low income"),
        ],
        columns=["iso3", "year", "NY.GNP.PCAP.CD", "income_group"],
    )  # fmt: skip
    panel = md.Panel.from_frame(frame, entity="iso3", time="year")
    samples = income_samples(panel)
    told = {name: set(panel.entities[inside]) for name, inside in samples.items()}
    assert told == {
        "low_middle_income_today": {"LBY", "SSD"},
        "low_middle_income_at_start": {"KOR", "VEN", "SSD"},
    }
    unknown = income_samples(panel.select("NY.GNP.PCAP.CD"))
    assert unknown["low_middle_income_today"].all()
    assert list(income_samples(panel.select("income_group"))) == ["low_middle_income_today"]


def test_x1_leaves_out_outcomes_without_series_and_refuses_a_dimension_without_any(world):
    question = md.hypotheses.get("X1")
    panel = question.prepare(world)
    assert panel["tfp"].isna().all()
    development = question.components[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = development.fit(panel)
        assert set(fit.left_out) == {"TFP growth", "schooling"}
        answer = question.study(draws=9).run(panel)
        assert list(answer.main.fits["dependence"].left_out) == [
            "labour share", "emigrants, next window",
        ]  # fmt: skip
        bare = panel.assign(
            **dict.fromkeys(("manufacturing", "vulnerable", "external_debt"), np.nan)
        )
        with pytest.raises(IdentificationError, match="The dimension 'dependence' has no data"):
            question.study(draws=9).run(bare)
    with pytest.raises(PanelError, match="BX.TRF.PWKR.DT.GD.ZS"):
        question.prepare(world.select(*[c for c in world.columns if not c.startswith("BX")]))


def test_variables_over_time_are_made_within_countries():
    frame = pd.DataFrame(
        {"iso3": ["A"] * 4 + ["B"] * 3, "year": [2000, 2001, 2002, 2004, 2001, 2002, 2003],
         "NY.GDP.PCAP.KD.ZG": [3.0, 1, 5, -9, 2, -1, 0], "rtfpna": [1.0, 1.1, 1.1, 2, 1, 2, 2]}
    )  # fmt: skip
    made = prepare(md.Panel.from_frame(frame, entity="iso3", time="year"), ["reversal", "tfp"])
    nan = float("nan")
    np.testing.assert_allclose(made["reversal"], [nan, 2, 0, nan, nan, 3, 0])
    growth = 100 * np.log([1.1, 2])
    np.testing.assert_allclose(made["tfp"], [nan, growth[0], 0, nan, nan, growth[1], 0], atol=1e-12)
