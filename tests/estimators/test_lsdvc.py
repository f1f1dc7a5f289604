"""Bias-corrected LSDV against the printed output of xtlsdvc and known truth."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import migdev as md
from migdev import errors
from tests.gmm_panels import employment


@pytest.fixture(scope="module")
def industry(data_dir: Path) -> md.Panel:
    return employment(data_dir).where("sector == 4")


def quiet(spec: Any, p: md.Panel) -> Any:
    with warnings.catch_warnings():
        for category in (errors.DroppedRowsWarning, errors.SingletonWarning):
            warnings.simplefilter("ignore", category)
        return spec.fit(p)


def spec(**options: Any) -> md.BiasCorrectedLSDV:
    base = {"formula": "n ~ L(n) + w + k", "effects": ("time",), "replications": 0}
    return md.BiasCorrectedLSDV(**{**base, **options})


@pytest.mark.parametrize(
    ("initial", "order", "printed"),
    [
        ("ah", 1, (0.5389829, -0.3375203, 0.2218794)),
        ("ah", 2, (0.5354691, -0.3380943, 0.2226967)),
        ("ah", 3, (0.6338054, -0.3258186, 0.1988694)),
        ("ab", 3, (0.6360273, -0.3256377, 0.1988754)),
    ],
)
def test_bruno_2005_appendix(
    industry: md.Panel, initial: str, order: int, printed: tuple[float, ...]
) -> None:
    """xtlsdvc n w k yr1977-yr1984 if ind==4, Bruno (2005, Stata Journal 5, appendix)."""
    fit = quiet(spec(initial=initial, order=order), industry)
    # Seven decimals, on Stata's four-byte logs.
    assert_allclose(fit.params.iloc[:3], printed, atol=1e-6)
    assert fit.stats["lsdv"] == pytest.approx(0.4056509, abs=1e-6)
    assert fit.stats["initial"] == pytest.approx(
        {"ah": 0.2204939, "ab": 0.2721012}[initial], abs=2e-6
    )


def test_uncorrected_covariance_is_that_of_lsdv(industry: md.Panel) -> None:
    fit = quiet(spec(), industry)
    assert fit.std_errors["L(n)"] == pytest.approx(0.0731424, abs=1e-6)
    assert fit.std_errors["w"] == pytest.approx(0.1315442, abs=1e-6)
    fe = quiet(
        md.FixedEffects(formula="n ~ L(n) + w + k", effects=("entity", "time"),
                        cov=md.Unadjusted()), industry,
    )  # fmt: skip
    assert_allclose(
        fit.std_errors[["L(n)", "w", "k"]], fe.std_errors[["L(n)", "w", "k"]], rtol=1e-8
    )


def test_bootstrap_errors(industry: md.Panel) -> None:
    fit = quiet(spec(replications=60, seed=2), industry)
    again = quiet(spec(replications=60, seed=2), industry)
    assert fit.cov.equals(again.cov)
    # xtlsdvc printed 0.091 and 0.143 from its own draws.
    assert 0.05 < fit.std_errors["L(n)"] < 0.18
    assert 0.08 < fit.std_errors["w"] < 0.25
    assert "60 samples" in fit.covariance.description


def test_residuals_have_no_entity_means(industry: md.Panel) -> None:
    fit = quiet(spec(), industry)
    assert_allclose(fit.resids.groupby(level=0).mean(), 0.0, atol=1e-12)


def dynamic(rng: np.random.Generator, N: int, T: int, rho: float, holes: float) -> md.Panel:
    a, y = rng.standard_normal(N), np.zeros(N)
    rows = []
    for t in range(30 + T):
        x = rng.standard_normal(N)
        y = rho * y + x + a + rng.standard_normal(N)
        if t >= 30:
            rows.append(pd.DataFrame({"i": range(N), "t": t, "y": y, "x": x}))
    d = pd.concat(rows)
    return md.Panel.from_frame(d[rng.random(len(d)) >= holes], entity="i", time="t")


@pytest.mark.parametrize("holes", [0.0, 0.1])
def test_the_correction_removes_most_of_the_bias(holes: float) -> None:
    gap, plain = [], []
    for stream in np.random.SeedSequence(1).spawn(25):
        p = dynamic(np.random.default_rng(stream), 60, 8, 0.6, holes)
        fit = quiet(md.BiasCorrectedLSDV(formula="y ~ x + L(y)", replications=0, initial="ah"), p)
        gap.append(fit.params["L(y)"] - 0.6)
        plain.append(fit.stats["lsdv"] - 0.6)
    assert np.mean(plain) < -0.05
    assert abs(np.mean(gap)) < 0.35 * abs(np.mean(plain))


def test_bad_input(industry: md.Panel) -> None:
    for options, message in [
        ({"order": 4}, "order"),
        ({"initial": "gmm"}, "initial"),
        ({"effects": ("entity",)}, "effects"),
        ({"replications": -1}, "replications"),
    ]:
        with pytest.raises(errors.SpecificationError, match=message):
            spec(**options)
    with pytest.raises(errors.SpecificationError, match="one lag"):
        quiet(spec(formula="n ~ L(n, [1, 2]) + w"), industry)
    with pytest.raises(errors.IdentificationError, match="sector"):
        quiet(spec(formula="n ~ L(n) + w + sector", effects=()), industry)
    with pytest.raises(errors.SpecificationError, match="must be a column"):
        quiet(
            spec(formula="np.log(emp) ~ L(np.log(emp)) + w", replications=5, initial="ah"), industry
        )
