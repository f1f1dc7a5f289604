"""X1-MX: the joint question within Mexico, on states whose truth is known and on the real ones."""

from __future__ import annotations

import linearmodels
import numpy as np
import pandas as pd
import pytest

import migdev as md
from migdev.report.joint import joint_page
from migdev.simulate import from_answer
from migdev.study.plan import check_plan

QUESTION = md.hypotheses.get("X1-MX")
#: What one log point more of remittances per head adds to growth (log points a year), to its
#: standard deviation within windows, to the four shares of the marginal, to that of manufacturing.
TRUTH = {"DF": (4.0, -8.0, -8.0, 4.0), "CR": (0.0, -8.0, 0.0, -8.0)}


def states(truth: str, seed: int = 3, n: int = 32) -> md.Panel:
    """Yearly states, 2001-2024, without remittances and product before 2003, and counts of the
    marginal in the census years; columns named as in the files."""
    rng = np.random.default_rng(seed)
    to_growth, to_spread, to_poverty, to_factories = TRUTH[truth]
    year, window = np.arange(2001, 2025), np.arange(24) // 5
    remit = 5 + rng.normal(size=(n, 1)) + 0.3 * rng.normal(size=(n, 5)) + 0.2 * np.arange(5)
    held = remit - remit.mean(axis=1, keepdims=True) - 0.2 * (np.arange(5) - 2)
    swing = np.array([-1.0, 1.0, 0.0, 1.0, -1.0] * 4 + [-1.0, 1.0, 1.0, -1.0])  # 0 on average
    spread = 6 + to_spread * held + 0.2 * rng.normal(size=(n, 5))
    growth = 1 + (to_growth * held + 0.2 * rng.normal(size=(n, 5)))[:, window]
    growth = growth + spread[:, window] * swing
    population = rng.uniform(1e6, 9e6, (n, 1)) * np.exp(
        (0.01 + 0.004 * rng.normal(size=(n, 5)))[:, window].cumsum(axis=1)
    )
    product = 0.2 * population * np.exp(growth.cumsum(axis=1) / 100)
    earlier = np.column_stack([np.zeros(n), held[:, :-1]])  # factories answer a window later
    share = 20 + to_factories * earlier + 0.2 * rng.normal(size=(n, 5))
    columns = {
        "population": population, "gdp_constant_mxn_mn": product,
        "remittances_usd": population * np.exp(remit[:, window]),
        "va_31_33": product * share[:, window] / 100,
    }  # fmt: skip
    for name in ("gdp_constant_mxn_mn", "remittances_usd", "va_31_33"):
        columns[name] = np.where(year < 2003, np.nan, columns[name])
    for name in ("analf", "sbasc", "ovpt", "po2sm"):
        poor = 30 - np.arange(5) + to_poverty * held + 0.2 * rng.normal(size=(n, 5))
        columns[name] = np.where(np.isin(year, (2010, 2015, 2020)), poor[:, window], np.nan)
    frame = pd.DataFrame({name: values.ravel() for name, values in columns.items()})
    frame["state"] = np.repeat([f"S{i:02d}" for i in range(n)], len(year))
    frame["year"] = np.tile(year, n)
    return md.Panel.from_frame(frame, entity="state", time="year")


@pytest.mark.parametrize("truth", ["DF", "CR"])
def test_the_true_view_is_found_among_states(truth):
    panel = QUESTION.prepare(states(truth))
    answer = QUESTION.study(draws=99).run(panel)
    assert answer.verdict == truth
    growth, _, poverty, factories = TRUTH[truth]
    slopes = {
        outcome: row
        for fit in answer.main.fits.values()
        for outcome, row in fit.outcomes.iterrows()
    }
    known = {"growth": growth, "illiteracy": poverty, "manufacturing, next window": factories}
    for outcome, slope in known.items():
        error = slopes[outcome].std_error / slopes[outcome].effect * slopes[outcome].slope
        assert abs(slopes[outcome].slope - slope) < 4 * abs(error), outcome


def test_every_state_is_the_sample_and_the_page_speaks_of_states():
    panel = QUESTION.prepare(states("DF"))
    assert len(panel.entities) == 32
    assert not any("high-income" in text for text in panel.history)
    answer = QUESTION.study(draws=19).run(panel)
    for text in (str(answer), joint_page(answer).to_markdown()):
        assert "states" in text
        assert "countr" not in text.casefold()
        assert "no column 'region'" not in text
    page = joint_page(answer).to_markdown()
    assert "whole states drawn with replacement (pairs), one sign per state" in page
    assert "| State | Leverage |" in page


def test_what_entities_are_called_is_declared_and_kept_by_plans(tmp_path):
    study = QUESTION.study()
    study.preregister(tmp_path / "plan.json")
    assert not check_plan(QUESTION.study(), tmp_path / "plan.json", strict=True)[1]
    assert '"states"' in (tmp_path / "plan.json").read_text(encoding="utf-8")
    md.hypotheses.get("X1").study().preregister(tmp_path / "X1.json")
    assert '"entities"' not in (tmp_path / "X1.json").read_text(encoding="utf-8")


# ---------------------------------------------------------------------------- the real states


@pytest.fixture(scope="module")
def windows(data_dir) -> pd.DataFrame:
    """State-windows made from the files by pandas, apart from the example and the registry."""
    years = pd.read_csv(data_dir / "mexico" / "state_gdp_annual.csv").query("state_code > 0")
    people = pd.read_csv(data_dir / "mexico" / "state_population_annual.csv")
    sent = pd.read_csv(data_dir / "mexico" / "state_quarterly.csv")
    sent["year"] = sent["quarter"].str[:4].astype(int)
    sent = sent.groupby(["state_code", "year"], as_index=False)["remittances_usd"].sum()
    counted = pd.read_csv(data_dir / "mexico_state_marginalisation.csv")
    f = people.query("2000 <= year <= 2024").merge(
        years[["state_code", "year", "gdp_constant_mxn_mn", "va_31_33"]], "left"
    )
    f = f.merge(sent, "left").merge(
        counted[["state_code", "year", "analf", "sbasc", "ovpt", "po2sm"]], "left"
    )
    f = f.sort_values(["state_code", "year"]).reset_index(drop=True)
    by_state = f.groupby("state_code")
    f["growth"] = 100 * np.log(f.gdp_constant_mxn_mn / by_state.gdp_constant_mxn_mn.shift())
    f["people"] = 100 * np.log(f.population / by_state.population.shift())
    f["remit"] = np.log(f.remittances_usd / f.population)
    f["product"] = np.log(f.gdp_constant_mxn_mn / f.population)
    f["made"] = 100 * f.va_31_33 / f.gdp_constant_mxn_mn
    f = f[f.year > 2000].assign(window=lambda t: (t.year - 2001) // 5)
    cells = f.groupby(["state_code", "window"])
    out = cells[["growth", "remit", "made", "analf", "sbasc", "ovpt", "po2sm"]].mean()
    out["people"], out["volatility"] = cells["people"].mean(), cells["growth"].std()
    out.loc[(slice(None), 0), ["growth", "volatility"]] = np.nan  # two growths of five
    out["before"] = cells["product"].last().groupby("state_code").shift()
    out["after"] = out.groupby("state_code")["made"].shift(-1)
    return out


def by_linearmodels(cells: pd.DataFrame, outcome: str) -> tuple[float, float]:
    """Standardised slope by ``PanelOLS``, and its error by CR2 on dummies."""
    rows = cells[[outcome, "remit", "before", "people"]].dropna()
    fit = linearmodels.PanelOLS(
        rows[outcome], rows[["remit", "before", "people"]], entity_effects=True, time_effects=True
    ).fit()
    ones = pd.DataFrame({"one": 1.0}, index=rows.index)
    apart = [
        linearmodels.PanelOLS(
            rows[v], ones, entity_effects=True, time_effects=True
        ).fit()
        for v in (outcome, "remit")
    ]  # fmt: skip
    spread = [np.sqrt(float(a.resid_ss) / a.df_resid) for a in apart]
    state, window = (rows.index.get_level_values(k) for k in ("state_code", "window"))
    X = np.column_stack(
        [rows[["remit", "before", "people"]], pd.get_dummies(state),
         pd.get_dummies(window).iloc[:, 1:]]
    ).astype(float)  # fmt: skip
    bread = np.linalg.inv(X.T @ X)
    left, u = np.eye(len(X)) - X @ bread @ X.T, fit.resids.to_numpy()
    variance = 0.0
    for one in np.unique(state):
        own = state == one
        s, V = np.linalg.eigh(left[np.ix_(own, own)])
        root = (V * np.where(s > 1e-9, np.where(s > 1e-9, s, 1.0) ** -0.5, 0.0)) @ V.T
        variance += float(bread[0] @ X[own].T @ root @ u[own]) ** 2
    scale = spread[1] / spread[0]
    return float(fit.params["remit"]) * scale, float(np.sqrt(variance)) * scale


@pytest.mark.slow
def test_the_real_states_by_a_second_path(data_dir, windows):
    from examples.mexico_states import states_panel

    panel = QUESTION.prepare(states_panel(data_dir))
    answer = QUESTION.study(draws=99).run(panel)
    assert len(panel.entities) == 32
    own = {
        "growth": "growth", "volatility": "volatility", "illiteracy": "analf",
        "no basic schooling": "sbasc", "floors of earth": "ovpt", "low earnings": "po2sm",
        "manufacturing, next window": "after",
    }  # fmt: skip
    effects = {}
    for fit in answer.main.fits.values():
        for outcome, row in fit.outcomes.iterrows():
            effect, error = by_linearmodels(windows, own[outcome])
            assert row.sign * row.effect == pytest.approx(effect, rel=1e-7), outcome
            assert row.std_error == pytest.approx(error, rel=1e-6), outcome
            effects[outcome] = effect
    poverty = np.mean([effects[o] for o in list(own)[2:6]])
    assert answer.main.focal["poverty"].estimate == pytest.approx(poverty, rel=1e-7)
    # what 32 states can tell: no pattern at 80% power whatever its effects, the null never
    told = answer.decidability.sentences
    assert all("whatever the effects" in text or "by any estimate" in text for text in told)
    assert answer.verdict == "undecided"


@pytest.mark.slow
def test_intervals_hold_on_the_design_of_the_real_states(data_dir):
    """Twelve to thirteen degrees of freedom: few, and intervals are as wide as they must be. 500
    worlds a cell; three and a half simulation errors are .035."""
    from examples.mexico_states import states_panel

    answer = QUESTION.study(draws=9, leads=0).run(QUESTION.prepare(states_panel(data_dir)))
    for errors in ("normal", "blocks"):
        for truth in ("null", "DF", "CR"):
            found = from_answer(answer, truth, size=3, worlds=500, errors=errors)
            assert all(share > 0.95 - 0.035 for share in found.coverage.values())
            assert found.rates.loc[truth, "contradicted"] < 0.05
            assert found.rates.loc[truth, "established"] < 0.2  # the page says out of reach
