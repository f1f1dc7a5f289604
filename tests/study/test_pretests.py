"""Pre-tests: declared, run before the fit, and deciding nothing but what their rules say."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import migdev as md
from migdev.errors import DroppedRowsWarning, SpecificationError
from migdev.hypotheses.pretest_sets import NO_SHOCKS, SHOCKS, long_run_pretests
from migdev.hypotheses.specs import LONG_RUN, long_run_specs
from migdev.identity import canonical, fingerprint
from migdev.replication.numbers import compare
from migdev.report.verdict import verdict_page
from migdev.study.balanced_block import largest_block
from migdev.study.plan import RULE, plan_content
from migdev.study.pretest_rules import apply, moved

NAMES = ["a", "b", "c", "d", "e"]


def world(
    *, factor: float = 0.0, spread: float = 0.0, phi: float = -0.4, n: int = 20, t: int = 50
) -> md.Panel:
    """A long run of 0.5 between random walks, with a shared shock and slopes that may differ;
    without error correction where ``phi`` is 0."""
    rng = np.random.default_rng(11)
    f = rng.standard_normal((t, 1)).cumsum(axis=0)
    x = rng.standard_normal((t, n)).cumsum(axis=0) + factor * f * rng.uniform(0.5, 1.5, n)
    slope = 0.5 + spread * rng.standard_normal(n)
    shock = 0.5 * rng.standard_normal((t, n)) + factor * np.diff(f, axis=0, prepend=0)
    y = np.zeros((t, n))
    for s in range(1, t):
        y[s] = y[s - 1] + phi * (y[s - 1] - slope * x[s - 1]) + shock[s]
    frame = pd.DataFrame(
        {"i": np.repeat(np.arange(n), t), "t": np.tile(np.arange(t) + 1970, n),
         "y": y.T.ravel(), "x": x.T.ravel()}
    )  # fmt: skip
    return md.Panel.from_frame(frame, entity="i", time="t")


def study(**options) -> md.Study:
    h = md.Hypothesis(claim="y moves with x", term="x", sign=1, smallest_effect=0.1)
    pretests = long_run_pretests("y", ("x",), focal="x")
    return md.Study(
        h, long_run_specs("y ~ x"), **{"prefer": LONG_RUN, "pretests": pretests, **options}
    )


# ---------------------------------------------------------------------- what the rules do


def test_shared_shocks_put_estimators_with_terms_for_them_first():
    answer = study(prefer=(*NO_SHOCKS, *SHOCKS)).run(world(factor=1.0))
    outcomes = {f.name: f.outcome for f in answer.pretests}
    assert outcomes["CD of D(y)"] == "rejected"
    assert set(answer.order[:3]) == set(SHOCKS)
    assert answer.primary == "CCE mean group"
    assert "countries share shocks" in str(verdict_page(answer))


def test_independent_countries_put_them_last_and_equal_slopes_pool():
    answer = study().run(world())
    outcomes = {f.name: f.outcome for f in answer.pretests}
    assert outcomes["CD of D(y)"] == outcomes["CD of D(x)"] == "not rejected"
    assert outcomes["Equal slopes"] == "not rejected"
    assert answer.order[:3] == ("Pooled mean group", "Dynamic fixed effects", "Mean group")
    assert answer.primary == "Pooled mean group"
    # Four of its standard deviations over draws of this world (0.021).
    assert answer.estimate.estimate == pytest.approx(0.5, abs=0.084)
    assert not any("no cointegration" in text for text in answer.cautions)


def test_slopes_that_differ_are_averaged_and_not_pooled():
    answer = study().run(world(spread=0.5))
    assert {f.name: f.outcome for f in answer.pretests}["Equal slopes"] == "rejected"
    assert answer.primary == "Mean group"


def test_without_cointegration_the_long_run_is_marked():
    answer = study().run(world(phi=0.0))
    assert set(answer.marks) == {*SHOCKS, *NO_SHOCKS}
    assert any("no cointegration was found" in text for text in answer.cautions)
    assert "The pre-tests hold against it: no cointegration was found" in str(answer)
    page = verdict_page(answer)
    assert "The pre-tests hold against it" in page.to_html()


def test_an_integral_of_order_two_is_marked():
    panel = world()
    twice = panel.assign(y=panel["x"].groupby(panel["i"]).cumsum())
    held = study().run(twice).marks["Mean group"]
    assert any("order two" in text for text in held)


def test_rules_take_nothing_from_tests_that_cannot_be_run():
    base = study()
    pretests = md.PreTests(
        tests={"CD": md.PreTest(test="pesaran_cd", on="nowhere")},
        rules=(
            md.PreTestRule(
                when={"CD": "not rejected"}, specs=SHOCKS, behind=NO_SHOCKS, reason="none are seen"
            ),
        ),
    )
    answer = md.Study(base.hypothesis, base.specs, prefer=LONG_RUN, pretests=pretests).run(world())
    assert answer.order == LONG_RUN
    assert answer.rulings[0].holds is None
    assert answer.pretests[0].outcome == "not run"
    assert "names 'nowhere'" in answer.pretests[0].failure
    for text in (str(answer), verdict_page(answer).to_markdown()):
        assert "names 'nowhere'" in text


@given(
    order=st.permutations(NAMES),
    names=st.sets(st.sampled_from(NAMES)),
    behind=st.sets(st.sampled_from(NAMES)),
)
def test_moving_keeps_everyone_and_both_orders_within(order, names, behind):
    names -= behind
    after = moved(order, names, behind)
    assert sorted(after) == sorted(order)
    if behind:
        last = max(after.index(b) for b in behind)
        assert all(after.index(name) > last for name in names)
    for group in (names, set(order) - names):
        kept = [n for n in after if n in group]
        assert all(order.index(a) < order.index(b) for a, b in pairwise(kept))
    assert moved(after, names, behind) == after


@pytest.mark.parametrize(
    ("need", "outcomes", "holds"),
    [
        ("any", ("rejected", "not run"), True),
        ("any", ("not rejected", "not run"), None),
        ("any", ("not rejected", "not rejected"), False),
        ("all", ("rejected", "not run"), None),
        ("all", ("not rejected", "measure"), False),
        ("all", ("rejected", "rejected"), True),
    ],
)
def test_conditions_have_three_values(need, outcomes, holds):
    rule = md.PreTestRule(
        when={"one": "rejected", "other": "rejected"}, need=need, specs=("a",), behind=("b",),
        reason="r",
    )  # fmt: skip
    found = dict(zip(("one", "other"), outcomes, strict=True))
    assert rule.holds(found) is holds
    order, rulings = apply((rule,), found, ("a", "b"))
    assert order == (("b", "a") if holds else ("a", "b"))
    assert rulings[0].holds is holds


# ---------------------------------------------------------------------- declared beforehand


def test_plans_hold_the_pretests_and_name_departures(tmp_path):
    plan = tmp_path / "plan.json"
    study().preregister(plan)
    content = json.loads(plan.read_text())["plan"]
    assert content["pretests"]["tests"]["CD of D(y)"]["test"] == "pesaran_cd"
    assert content["rule"].startswith("Before any fit the pre-tests are run.")
    panel = world(n=8, t=30)
    assert study().run(panel, plan=plan).departures == ()
    other = long_run_pretests("y", ("x",), focal="x", trending=("y",))
    found = study(pretests=other).run(panel, plan=plan).departures
    assert len(found) == 1
    assert found[0].startswith("pretests.tests.CIPS of y.options is")
    assert "pretests was planned and is left out" in study(pretests=None).run(
        panel, plan=plan
    ).departures  # fmt: skip


def test_plans_from_before_pretests_still_match():
    """Fields that came later are left out at their defaults."""
    plain = study(pretests=None)
    content = plan_content(plain)
    assert content["rule"] == RULE
    assert set(content) == {"class", "hypothesis", "specs", "prefer", "sample", "rule"}
    g1 = canonical(md.hypotheses.get("G1"))
    assert not {"pretests", "background", "fewest", "least"} & set(g1)
    assert {"fewest", "least"} <= set(canonical(md.hypotheses.get("G5")))
    assert fingerprint(plain) != fingerprint(study())


def test_packages_rerun_the_pretests(tmp_path):
    panel = world(n=12, t=35)
    convergence = {
        "Dispersion": md.PreTest(test="sigma_convergence", on="y", background=True),
        "CD": md.PreTest(test="pesaran_cd", on="D(y)"),
    }
    rule = md.PreTestRule(
        when={"CD": "rejected"}, specs=("Mean group",), reason="they share shocks"
    )
    base = study()
    asked = md.Study(
        base.hypothesis, {k: base.specs[k] for k in ("Mean group", "CCE mean group")},
        pretests=md.PreTests(tests=convergence, rules=(rule,)),
    )  # fmt: skip
    answer = asked.run(panel, background=world(n=30))
    folder = answer.replication_package(tmp_path / "package")
    assert (folder / "data" / "background" / "panel.csv").exists()
    assert "background=background" in (folder / "code" / "run.py").read_text()
    references = (folder / "references.bib").read_text()
    assert "@article{barro1992," in references  # sigma convergence
    assert "{pesaran2015," in references  # CD
    assert "`data/background`" in (folder / "README.md").read_text()
    expected = json.loads((folder / "expected" / "numbers.json").read_text())
    assert set(expected["pretests"]) == set(convergence)
    assert expected["rulings"][0]["order"] == ["Mean group", "CCE mean group"]
    assert md.replication.verify(folder).passed
    found = json.loads((folder / "results" / "numbers.json").read_text())
    assert compare(expected, found) == []
    found["pretests"]["Dispersion"]["statistic"] *= 1.01
    found["rulings"][0]["holds"] = not found["rulings"][0]["holds"]
    told = compare(expected, found)
    assert [text.split(" is ")[0] for text in told] == [
        "pretests.Dispersion.statistic", "rulings[0].holds",
    ]  # fmt: skip


def test_a_background_that_was_not_given_is_said():
    base = study()
    test = md.PreTest(test="sigma_convergence", on="y", background=True)
    answer = md.Study(
        base.hypothesis, {"MG": base.specs["Mean group"]}, pretests=md.PreTests(tests={"s": test})
    ).run(world())
    assert answer.pretests[0].failure == "no background panel was given"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: md.PreTest(test="cip", on="y"), "'cip' is no pre-test. Did you mean 'cips'"),
        (lambda: md.PreTest(test="cips", on="y", options={"lag": 2}), "unexpected keyword.*'lag'"),
        (lambda: md.PreTest(test="cips", on="y", level=0.7), "between 0 and 0.5"),
        (lambda: md.PreTests(tests={}), "at least one test"),
        (lambda: md.PreTestRule(when={"a": "yes"}, specs=("b",), reason="r"), "not 'yes'"),
        (lambda: md.PreTestRule(when={}, specs=("b",), reason="r"), "not for none"),
        (lambda: md.PreTestRule(when={"a": "rejected"}, specs=("b",), reason=""), "its reason"),
        (lambda: md.PreTestRule(when={"a": "rejected"}, specs=("b",), behind=("b",), reason="r"),
         "cannot stand behind itself"),
        (lambda: md.PreTestRule(when={"a": "rejected"}, specs=("b",), reason="r", need="most"),
         "Use 'all' or 'any'"),
        (lambda: md.PreTests(
            tests={"CD": md.PreTest(test="pesaran_cd", on="y")},
            rules=(md.PreTestRule(when={"cd": "rejected"}, specs=("b",), reason="r"),)),
         "waits for 'cd', which is no pre-test"),
        (lambda: study(prefer=(), pretests=md.PreTests(
            tests={"CD": md.PreTest(test="pesaran_cd", on="y")},
            rules=(md.PreTestRule(when={"CD": "rejected"}, specs=("CCE",), reason="r"),))),
         "names 'CCE', which is not a specification"),
    ],
)  # fmt: skip
def test_what_cannot_be_declared(make, message):
    with pytest.raises(SpecificationError, match=message):
        make()


# ---------------------------------------------------------------------- measures and blocks


def test_findings_say_what_the_functions_give():
    panel = world(factor=1.0)
    found = {f.name: f for f in study().pretests.run(panel)}
    cips = md.diagnostics.cips(panel, "y", short="drop")
    assert found["CIPS of y"].statistic == cips.statistic
    assert found["CIPS of y"].critical == cips.critical_values["5%"]
    assert np.isnan(found["CIPS of y"].pvalue)
    alpha = md.diagnostics.dependence_exponent(
        panel.assign(d=panel.D("y")).between(1971, 2019), "d"
    )
    assert found["Exponent of D(y)"].statistic == pytest.approx(alpha.alpha, rel=1e-12)
    assert found["Exponent of D(y)"].outcome == "measure"
    assert found["CD of D(y)"].pvalue == pytest.approx(
        _quiet(md.diagnostics.pesaran_cd, panel, "D(y)").pvalue
    )
    assert any("missing in 'D(y)'" in text for text in found["CD of D(y)"].warnings)


def variance_ratio(panel: md.Panel, variable: str, *, split: int) -> md.TestStatistic:
    """A test of one's own: the variance after a period over that before it."""
    values, late = panel[variable].to_numpy(), panel.ordinals >= split
    ratio = float(np.var(values[late]) / np.var(values[~late]))
    return md.TestStatistic(
        name="Variance ratio", null="the variance is the same", statistic=ratio, pvalue=np.nan,
        distribution="tabulated", critical_values={"5%": 1.5}, subject="Breaks", tail="upper",
    )  # fmt: skip


@pytest.mark.parametrize("test", [variance_ratio, f"{__name__}:variance_ratio"])
def test_a_function_of_ones_own_is_a_pretest(test):
    asked = md.PreTest(test=test, on="y", options={"split": 1990})
    found = md.PreTests(tests={"ratio": asked}).run(world())[0]
    assert (found.subject, found.test) == ("Breaks", "Variance ratio")
    assert found.rejects == (found.statistic > 1.5)
    assert found.critical == 1.5
    with pytest.raises(SpecificationError, match=r"variance_ratio\(\) on 'y': missing a required"):
        md.PreTest(test=test, on="y")
    named = md.PreTest(test=test, on="y", options={"split": 1990}, subject="Volatility")
    assert md.PreTests(tests={"ratio": named}).run(world())[0].subject == "Volatility"


@pytest.mark.parametrize("place", ["no_such_module:test", "math:no_such", "math:pi", ":x"])
def test_functions_that_cannot_be_imported(place):
    with pytest.raises(SpecificationError, match=r"cannot be imported|not a function"):
        md.PreTest(test=place, on="y")


def test_nulls_are_rejected_on_the_side_that_the_test_names():
    panel = world(factor=1.0)
    frees = md.diagnostics.cross_section_dependence(panel, "y", statistic="Frees")
    assert frees.statistic > frees.critical(0.05)
    assert frees.rejects() is True  # an upper tail; those of unit roots are lower ones
    cips = md.diagnostics.cips(panel, "y")
    assert cips.rejects() == (cips.statistic < cips.critical_values["5%"])
    assert cips.rejects(0.02) is None  # not tabulated
    assert md.diagnostics.pesaran_cd(panel, "y").rejects(0.05) is True


def _quiet(function, *args):
    with pytest.warns(DroppedRowsWarning):
        return function(*args)


@given(
    seen=st.lists(
        st.lists(st.booleans(), min_size=6, max_size=6), min_size=4, max_size=4
    ).filter(lambda rows: any(map(any, rows)))
)  # fmt: skip
def test_the_largest_block_is_the_largest(seen):
    mask = np.array(seen)
    frame = pd.DataFrame(
        {"i": np.repeat(range(4), 6), "t": np.tile(range(2000, 2006), 4),
         "y": np.where(mask.ravel(), 1.0, np.nan)}
    )  # fmt: skip
    block = largest_block(md.Panel.from_frame(frame, entity="i", time="t"), "y")
    best = max(
        int(mask[:, a:b].all(axis=1).sum()) * (b - a) for a in range(6) for b in range(a + 1, 7)
    )
    assert len(block) == best
    assert block.balanced
    assert block["y"].notna().all()


def test_blocks_of_differences_keep_the_year_before():
    panel = world(n=4, t=10)
    y = panel["y"].copy()
    y.iloc[[0, 12]] = np.nan
    block = largest_block(panel.assign(y=y), "D(y)")
    assert len(block.entities) * (len(block.periods) - 1) == max(4 * 6, 3 * 8, 2 * 9)
