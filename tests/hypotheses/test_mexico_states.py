"""X1-MX: the joint question within Mexico, on states whose truth is known and on the real ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import migdev as md
from migdev.report.joint import joint_page
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
