"""Joint studies of dimensions: carriers, placebos, samples, and worlds drawn from their design."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose

import migdev as md
from migdev.errors import PanelError, SpecificationError
from migdev.kernels.sandwich.index_worlds import IndexWorlds
from migdev.report.joint import joint_page
from migdev.simulate import from_answer, stylised_world
from migdev.study.cones import intersection_union, union_rejection
from migdev.study.operating import pattern_tests

pytestmark = pytest.mark.filterwarnings("ignore::migdev.errors.MigdevWarning")

CONTROLS = "L(y) + popgrowth"


def of(name: str, *lefts: str, signs: tuple[int, ...] = (), **views: str) -> md.Dimension:
    claim = md.Hypothesis(claim=name, term="remit", views=views, smallest_effect=0.1)
    signs = signs or (1,) * len(lefts)
    outcomes = [
        md.Outcome(name=y, formula=f"{y} ~ remit + {CONTROLS}", sign=sign)
        for y, sign in zip(lefts, signs, strict=True)
    ]
    return md.Dimension(name=name, hypothesis=claim, outcomes=tuple(outcomes), outcome_sd="within")


GROWS = of("development", "growth", "trade", signs=(1, -1), DF="+", CR="<=0")
GAPS = of("dependence", "trade_gap", DF="<=0", CR="+")


@pytest.fixture(scope="module")
def panel() -> md.Panel:
    world = stylised_world("critical", seed=11, entities=50)
    return md.hypotheses.get("X1-first").prepare(world).assign(
        asinh_remit=lambda p: np.arcsinh(p["remit"])
    )  # fmt: skip


@pytest.fixture(scope="module")
def answer(panel):
    study = md.JointStudy(
        components=(GROWS, GAPS), sample="largest", draws=199, region="region",
        placebos=("inflation",), leads=1, forms=("asinh_remit",),
    )  # fmt: skip
    return study.run(panel)


def test_the_joint_covariance_is_that_of_the_contributions(answer):
    main = answer.main
    psi = [main.fits[c.name].moments.values[:, 0] for c in (GROWS, GAPS)]
    assert_allclose(main.cov, np.array([[a @ b for b in psi] for a in psi]), rtol=1e-10)
    for name, fit in main.fits.items():
        assert main.focal[name].std_error == pytest.approx(fit.std_errors["index"])
        assert main.focal[name].df == pytest.approx(fit.lincom("index").df)
    assert "common" not in {*answer.variants, *answer.failures}
    assert any(name.startswith("without ") for name in answer.variants)


def test_a_common_sample_is_refused():
    with pytest.raises(SpecificationError, match="its outcomes have rows of their own"):
        md.JointStudy(components=(GROWS, GAPS))


def test_carriers_are_told_by_leverage(answer):
    table = answer.carriers
    assert list(dict.fromkeys(table.index.get_level_values("component"))) == [
        "development", "dependence",
    ]  # fmt: skip
    fit = answer.main.fits["dependence"]
    design = fit.design.equations[0]
    lever = design.groups.sums(design.focal**2) / (design.focal @ design.focal)
    own = table.loc["dependence"]
    assert_allclose(own["share"], np.sort(lever)[::-1][: len(own)], rtol=1e-9)
    assert (own["effective"] == own["effective"].iloc[0]).all()
    assert own["effective"].iloc[0] == pytest.approx(1 / np.sum(lever**2), rel=1e-9)
    heaviest = own.index[0]
    assert own.loc[heaviest, "without"] == pytest.approx(
        answer.main.focal["dependence"].estimate - fit.losses[heaviest]
    )


def test_carriers_of_formulas(panel):
    first = md.hypotheses.get("X1-first").study(draws=49, region="").run(panel)
    table = first.carriers
    fit = first.main.fits["growth"]
    m = fit.moments
    others = np.delete(m.X, fit.names.index("remit"), axis=1)
    x = m.X[:, fit.names.index("remit")]
    x = x - others @ np.linalg.lstsq(others, x, rcond=None)[0]
    share = np.bincount(m.entity, x**2) / (x @ x)
    assert_allclose(table.loc["growth", "share"], np.sort(share)[::-1][:5], rtol=1e-8)


def test_placebos_leads_and_forms_are_the_exchanged_equations(answer, panel):
    table = answer.placebos.set_index(["component", "outcome", "regressor"])
    assert set(table["role"]) == {"focal", "placebo", "lead"}
    assert (table["failure"] == "").all()
    for regressor in ("inflation", "F(remit)"):
        formula = f"trade_gap ~ {regressor} + {CONTROLS}"
        fe = md.FixedEffects(
            formula=formula, effects=("entity", "time"), cov=md.Clustered("entity", kind="CR2")
        ).fit(panel)
        row = table.loc[("dependence", "trade_gap", regressor)]
        assert row["estimate"] / row["std_error"] == pytest.approx(fe.tstats[regressor], rel=1e-8)
        assert row["nobs"] == fe.nobs
    focal = table.loc[("development", "index", "remit")]
    assert focal["estimate"] == pytest.approx(answer.main.focal["development"].estimate)
    forms = answer.forms
    assert set(forms["role"]) == {"focal", "form", "ar1"}
    white = forms[(forms["role"] == "ar1") & (forms["outcome"] == "index")]
    assert (white["std_error"] > 0).all()


def test_what_cannot_be_exchanged_says_why(panel):
    study = md.JointStudy(
        components=(GROWS, GAPS), sample="largest", draws=9, placebos=("no_such_column",)
    )
    table = study.run(panel).placebos
    lost = table[table["role"] == "placebo"]
    assert lost["failure"].str.contains("no_such_column").all()
    assert "no_such_column" in joint_page(study.run(panel)).to_markdown().replace("\\", "")


def test_samples_are_those_of_their_columns(panel):
    inside = (panel.entity_codes % 2).astype(float)
    marked = panel.assign(odd=inside, even=1 - inside)
    study = md.JointStudy(
        components=(GROWS, GAPS), sample="largest", draws=9, within="odd",
        beside=("even", "lacking"),
    )  # fmt: skip
    answer = study.run(marked)
    alone = md.JointStudy(components=(GROWS, GAPS), sample="largest", draws=9)
    for result, rows in (
        (answer.main, inside == 1),
        (answer.variants["sample 'even'"], inside == 0),
    ):
        expected = alone.fit(panel.where(rows))
        assert result.focal["dependence"].estimate == pytest.approx(
            expected.focal["dependence"].estimate
        )
    assert "no such column" in answer.failures["sample 'lacking'"]
    with pytest.raises(PanelError, match="the panel has no such column"):
        study.fit(panel)


def test_pages_tell_outcomes_carriers_placebos_and_forms(answer):
    page = joint_page(answer)
    text = page.to_markdown()
    for title in (
        "Outcomes behind the indices", "Who carries the estimates", "Placebos and leads",
        "Other forms of the regressor",
    ):  # fmt: skip
        assert title in [section.title for section in page.sections]
    for words in (
        "Effective clusters",
        "placebo",
        "lead: its own future",
        "one standard deviation",
    ):
        assert words in text
    assert "the index of dependence" in answer.rules_out["dependence"]
    out = answer.ruled_out["dependence"]
    assert (out.low, out.high) == pytest.approx(
        (answer.main.focal["dependence"].inner_low, answer.main.focal["dependence"].inner_high)
    )


def test_pages_of_formulas_have_carriers_only(panel):
    first = md.hypotheses.get("X1-first").study(draws=49, region="").run(panel)
    titles = [section.title for section in joint_page(first).sections]
    assert "Who carries the estimates" in titles
    assert "Placebos and leads" not in titles
    assert "Outcomes behind the indices" not in titles


# ---------------------------------------------------------------------- worlds of the design


def test_batched_tests_of_patterns_are_those_of_the_rule():
    rng = np.random.default_rng(3)
    est, err = rng.normal(0, 0.15, (40, 3)), rng.uniform(0.02, 0.08, (40, 3))
    df, bounds = rng.uniform(3, 60, (40, 3)), np.array([0.1, 0.05, 0.2])
    patterns = {"A": ("+", "-", "0"), "B": ("<=0", ">=0", "!=0"), "C": ("any", "0", "+")}
    yes, no = pattern_tests(patterns, est, err, bounds, df)
    for b in range(40):
        row = [x.tolist() for x in (est[b], err[b], bounds, df[b])]
        for name, predictions in patterns.items():
            assert yes[name][b] == pytest.approx(intersection_union(predictions, *row), abs=1e-12)
            assert no[name][b] == pytest.approx(union_rejection(predictions, *row), abs=1e-12)


@pytest.mark.parametrize("errors", ["normal", "blocks"])
def test_worlds_have_the_effects_they_are_given(answer, errors):
    truth = {"development": 0.3, "dependence": -0.2}
    drawn = from_answer(answer, truth, worlds=600, seed=1, errors=errors)
    spread = drawn.estimates.std(axis=0)
    assert_allclose(drawn.estimates.mean(axis=0), [0.3, -0.2], atol=4 * spread.max() / np.sqrt(600))
    typical = np.sqrt(np.mean(drawn.std_errors**2, axis=0))
    assert_allclose(typical, spread, rtol=0.3 if errors == "blocks" else 0.15)


def test_a_world_without_errors_but_those_seen_is_the_fit(answer):
    """Blocks with signs +1 would be the data: each world keeps every country's length."""
    fits = list(answer.main.fits.values())
    for fit in fits:
        within = [p.within[:, None] for p in fit.parts.values()]
        reading = fit.design.read(within)
        assert reading.index[0] == pytest.approx(fit.params["index"])
        assert reading.std_errors[0] == pytest.approx(fit.std_errors["index"])
        twice = fit.design.read([np.hstack([w, 2 * w]) for w in within])
        assert_allclose(twice.index, [reading.index[0], 2 * reading.index[0]])
        assert_allclose(twice.df[0], twice.df[1])  # no matter of units
    worlds = IndexWorlds(
        designs=[f.design for f in fits],
        within=[[p.within for p in f.parts.values()] for f in fits],
    )
    one = worlds.draw(np.zeros(2), 30, np.random.default_rng(5), "blocks")
    again = worlds.draw(np.zeros(2), 30, np.random.default_rng(5), "blocks")
    assert_allclose(one.estimates, again.estimates)


def test_a_pattern_names_a_truth(answer):
    drawn = from_answer(answer, "CR", size=3, worlds=20)
    assert drawn.truth == {"development": 0.0, "dependence": pytest.approx(0.3)}
    assert list(drawn.rates.index) == ["DF", "CR", "null"]
    assert set(drawn.rates.columns) == {"established", "contradicted"}


def test_shocks_of_regions_are_not_seen_by_errors_of_countries(answer):
    """Estimates spread more where regions share shocks, and errors by country do not tell."""
    apart = from_answer(answer, "null", worlds=400, seed=2)
    together = from_answer(answer, "null", worlds=400, seed=2, shared=0.6)

    def missed(found):
        return found.estimates.std(axis=0) / np.sqrt(np.mean(found.std_errors**2, axis=0))

    assert (missed(together) > missed(apart) + 0.03).any()
    for options, message in (
        ({"shared": 1.0}, "at least 0 and below 1"),
        ({"shared": 0.1, "errors": "blocks"}, "of the variance of normal errors"),
    ):
        with pytest.raises(SpecificationError, match=message):
            from_answer(answer, "null", **options)


def test_worlds_are_refused_where_there_is_no_design(answer, panel):
    with pytest.raises(SpecificationError, match="is no pattern of the study"):
        from_answer(answer, "other")
    with pytest.raises(SpecificationError, match="which is no component"):
        from_answer(answer, {"growth": 1.0})
    first = md.hypotheses.get("X1-first").study(draws=9, region="")
    plain = SimpleNamespace(main=first.fit(panel), study=first)
    with pytest.raises(SpecificationError, match="Worlds cannot be drawn for"):
        from_answer(plain, "DF")


# ---------------------------------------------------------------------- X1 on real data


@pytest.mark.slow
def test_size_and_power_of_x1_on_its_real_design(data_dir):
    """Sizes at the edges are at most the level, intervals hold, and power is that of
    docs/explanation/joint-test.md, within simulation error of 1,000 worlds."""
    from examples.joint_pattern import real_panel

    question = md.hypotheses.get("X1")
    answer = question.study(draws=9, region="", placebos=(), leads=0, forms=()).run(
        question.prepare(real_panel(data_dir))
    )
    B = 1000
    error = 3.29 * np.sqrt(0.05 * 0.95 / B)
    names = list(answer.main.fits)
    for errors in ("normal", "blocks"):
        power = {}
        for view in ("DF", "CR"):
            for size in (2, 3):
                found = from_answer(answer, view, size=size, worlds=B, errors=errors)
                power[view, size] = found.rates.loc[view, "established"]
                rival = "CR" if view == "DF" else "DF"
                assert found.rates.loc[rival, "contradicted"] > 0.8
                assert found.rates.loc[view, "contradicted"] < 0.05
                assert all(0.92 < share < 0.98 for share in found.coverage.values())
        null = from_answer(answer, "null", worlds=B, errors=errors).rates
        bars = {("DF", 2): 0.55, ("DF", 3): 0.89, ("CR", 2): 0.51, ("CR", 3): 0.68}
        if errors == "blocks":  # unequal variances cost power
            bars = {("DF", 2): 0.40, ("DF", 3): 0.88, ("CR", 2): 0.35, ("CR", 3): 0.65}
        for cell, least in bars.items():
            assert power[cell] > least - 2 * np.sqrt(0.25 / B), (errors, cell)
        assert null.loc["null", "established"] > 0.235
        holds = {"DF": (0.5, -0.5, -0.5, 0.0), "CR": (-0.3, -0.5, -0.3, 0.5)}
        for view, firm in holds.items():
            for j, sign in enumerate(answer.study.patterns[view]):
                truth = list(firm)
                truth[j] = -0.1 if sign == "-" else 0.1
                edge = from_answer(
                    answer, dict(zip(names, truth, strict=True)), worlds=B, errors=errors
                )
                assert edge.rates.loc[view, "established"] < 0.05 + error, (errors, view, j)
