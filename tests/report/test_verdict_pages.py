"""Verdict pages: words, labels, what stands first, and that LaTeX and Markdown hold the same."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import migdev as md
from migdev.report.frame import frame_table
from migdev.report.joint import joint_page
from migdev.report.verdict import verdict_page
from migdev.report.words import equals, interval, labeller, number, sign_words, term_words
from migdev.simulate import stylised_world

X1 = md.hypotheses.get("X1-first")


@pytest.fixture(scope="module")
def answer():
    question = md.hypotheses.get("G1")
    specs = {k: v for k, v in question.specs().items() if "GMM" not in k}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        prepared = question.prepare(stylised_world("critical", seed=2, entities=40))
        return md.Study(question, specs, prefer=question.prefer).run(prepared)


@pytest.fixture(scope="module")
def joint():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        prepared = X1.prepare(stylised_world("critical", seed=2, entities=40))
        return X1.study(draws=49).run(prepared)


def test_numbers_in_words():
    assert number(-0.01027, 0.05336) == "−0.010"
    assert interval(-0.1162, 0.09564, 0.05336) == "[−0.116, 0.096]"
    assert number(float("nan")) == ""
    assert number(1234.5678, 300.0) == "1,234.6"
    assert (equals(0.00004), equals(0.0312)) == ("p < 0.001", "p = 0.031")
    assert sign_words("<=0") == "≤ 0"
    assert sign_words("+") == "+"


def test_terms_in_words(answer):
    label = labeller(answer.panel)
    assert label("remit") == "Remittances received"
    assert label("L(y)") == "Log real GDP per capita, lagged"
    assert label("L(remit, 2)") == "Remittances received, lag 2"
    assert label("I(remit ** 2)") == "Remittances received squared"
    assert label("remit:trade") == "Remittances received × Trade"
    assert label("nowhere") == "nowhere"
    assert term_words("remit / (1 - trade)", answer.panel) == "Remittances received / (1 - Trade)"


def test_p_values_in_frames_have_three_decimals():
    frame = pd.DataFrame(
        {"p": [0.8477655, 1.4e-6, np.nan], "p (Holm)": [1.0, 5e-6, 0.2], "price": [0.00001, 1, 2]},
        index=["a", "b", "c"],
    )
    text = frame_table(frame).to_markdown()
    assert "| a | 0.848 | 1.000 |" in text
    assert r"0.001 | " in text
    assert "8477655" not in text


@pytest.mark.parametrize("make", ["answer", "joint"])
def test_pages_hold_the_same_in_every_format(make, request, tmp_path):
    subject = request.getfixturevalue(make)
    page = verdict_page(subject) if make == "answer" else joint_page(subject)
    html, text, latex = page.to_html(), page.to_markdown(), page.to_latex()
    for section in page.sections:
        assert section.blocks, section.title
        assert section.title in html
        assert f"## {section.title}" in text
        assert rf"\section*{{{section.title}}}" in latex
    assert "Remittances received" in html
    assert "95% interval" in html
    assert "−" in html
    assert r"\begin{table}" not in latex  # nothing floats away from its section
    assert latex.count(r"\begin{center}") == latex.count(r"\end{center}")
    assert latex.count("{") == latex.count("}")
    assert subject.verdict in html


def test_departures_alarms_and_failures_come_before_the_estimates(answer):
    test = md.TestStatistic(
        name="Hansen J", null="the instruments are valid", statistic=9.0, distribution="chi2",
        df=1.0, pvalue=0.003, alarm="reject",
    )  # fmt: skip
    fit = answer.fits["IV, internal"]
    fits = {**answer.fits, "IV, internal": replace(fit, stats={**fit.stats, "j": test})}
    odd = replace(
        answer, fits=fits, failures={"broken": "no"}, plan="ab" * 32, departures=("level is 0.1",)
    )
    titles = [s.title for s in verdict_page(odd).sections]
    assert titles[:5] == [
        "What could be decided", "Verdict", "Departures from the plan", "Diagnostics that failed",
        "Not fitted",
    ]  # fmt: skip
    html = verdict_page(odd).to_html()
    assert "Hansen J, p = 0.003. Null: the instruments are valid" in html
    assert "departs from it in 1 points" not in html


def test_family_and_correlations_are_on_the_joint_page(joint):
    text = joint_page(joint).to_markdown()
    assert "p (Romano-Wolf)" in text
    assert "Verdict in the family" in text
    correlation = joint.correlation.to_numpy()
    np.testing.assert_allclose(np.diag(correlation), 1.0)
    assert abs(correlation).max() <= 1 + 1e-12
    assert "| Association with | Estimate | 95% interval | p |" in text
