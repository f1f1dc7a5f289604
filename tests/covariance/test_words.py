"""Short words and mappings for covariances: what they stand for, and whose numbers they give."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from linearmodels import PanelOLS
from numpy.testing import assert_allclose

import migdev as md
from migdev.covariance import as_covariance
from migdev.covariance.words import CLUSTERS, WORDS
from migdev.errors import SpecificationError

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "covariance.md"


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng, N, T = np.random.default_rng(3), 30, 12
    i, year = np.repeat(np.arange(N), T), np.tile(2000 + np.arange(T), N)
    x = rng.standard_normal(N * T) + i / 10
    y = x + rng.standard_normal(N)[i] + (1 + abs(x)) * rng.standard_normal(N * T)
    frame = pd.DataFrame({"iso3": i, "year": year, "region": i % 11, "x": x, "y": y})
    # Gaps inside entities, and a period that no entity has.
    return frame[(rng.random(N * T) < 0.9) & (year != 2005)].reset_index(drop=True)


@pytest.fixture(scope="module")
def fit(frame: pd.DataFrame) -> md.Estimate:
    return md.FixedEffects("y ~ x").fit(md.Panel.from_frame(frame, entity="iso3", time="year"))


@pytest.mark.parametrize("word", WORDS)
def test_a_word_is_its_covariance(word: str, fit: md.Estimate) -> None:
    cov = as_covariance(word)  # type: ignore[arg-type]
    assert as_covariance(word.upper().replace("-", "_")) == cov == as_covariance(cov)  # type: ignore[arg-type]
    spec = md.FixedEffects("y ~ x", cov=word)  # type: ignore[arg-type]
    assert spec == md.FixedEffects("y ~ x", cov=cov)
    assert hash(spec) == hash(md.FixedEffects("y ~ x", cov=cov))
    assert repr(cov) in repr(spec)
    assert fit.with_cov(word).std_errors["x"] == fit.with_cov(cov).std_errors["x"]  # type: ignore[arg-type]


@pytest.mark.parametrize("word", ["unadjusted", "robust", "kernel"])
def test_words_of_linearmodels(word: Any, frame: pd.DataFrame, fit: md.Estimate) -> None:
    data = frame.set_index(["iso3", "year"])
    theirs = PanelOLS(data["y"], data[["x"]], entity_effects=True).fit(cov_type=word)
    ours = fit.with_cov(word)
    assert_allclose(ours.std_errors["x"], theirs.std_errors["x"], rtol=1e-10)
    assert_allclose(ours.pvalues["x"], theirs.pvalues["x"], rtol=1e-8)


@pytest.mark.parametrize(
    "cov",
    ["iid", "hetero", "NW", "DK", {"CRV1": "region"}, {"CRV1": "region + year"}, {"CRV1": "iso3"}],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:The inplace keyword")
def test_words_of_pyfixest(cov: Any, frame: pd.DataFrame, fit: md.Estimate) -> None:
    pf = pytest.importorskip("pyfixest")
    keys = {"time_id": "year", "panel_id": "iso3"} if cov in ("NW", "DK") else None
    theirs = pf.feols("y ~ x | iso3", frame, vcov=cov, vcov_kwargs=keys)
    ours = fit.with_cov(cov)
    assert_allclose(ours.std_errors["x"], theirs.se()["x"], rtol=1e-9)
    if isinstance(cov, dict):
        assert_allclose(ours.conf_int().loc["x"], theirs.confint().loc["x"], rtol=1e-8)


def test_mappings_name_clusters() -> None:
    two = md.Clustered("iso3", "year", convention="fixest")
    for names in ("iso3 + year", ["iso3", "year"]):
        assert as_covariance({"CRV1": names}) == two
    assert as_covariance({"cluster": "region^year"}) == md.Clustered("region^year")
    assert as_covariance({"CR2": "region"}) == md.Clustered("region", kind="CR2")


ESTIMATORS: list[Callable[..., Any]] = [
    md.PooledOLS, md.FixedEffects, md.RandomEffects, md.Between, md.FirstDifference,
    md.CorrelatedRandomEffects, md.IV2SLS, md.LIML, md.IVGMM, md.AndersonHsiao, md.CCEPooled,
    md.DynamicFixedEffects, md.InteractiveFixedEffects,
]  # fmt: skip


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_every_estimator_reads_words(estimator: Callable[..., Any]) -> None:
    formula = "y ~ L(y) + x" if estimator is md.AndersonHsiao else "y ~ x"
    assert estimator(formula, cov="HC1").cov == md.Robust("HC1")
    assert estimator(formula, cov={"CR1": "region"}).cov == md.Clustered("region")
    with pytest.raises(SpecificationError, match="Did you mean 'clustered'"):
        estimator(formula, cov="clusterd")


def test_words_for_what_an_estimator_computes_itself() -> None:
    gmm = {"gmm": md.GMMStyle("y")}
    for words in (("robust", "Robust", "hetero"), ("classical", "unadjusted", "nonrobust")):
        first, *others = (md.DifferenceGMM("y ~ L(y)", **gmm, cov=word) for word in words)
        assert all(first == other for other in others)
        assert first.cov == words[0]
    assert md.SystemGMM("y ~ L(y)", **gmm, cov="cluster").cov == md.Clustered("entity")
    with pytest.raises(SpecificationError, match="ties the errors of neighbouring periods"):
        md.DifferenceGMM("y ~ L(y)", **gmm, cov="HC1")


@pytest.mark.parametrize(
    ("cov", "told"),
    [
        ("HC6", "Did you mean 'HC"),
        ({"CR9": "region"}, "cov='CR9' is unknown"),
        ({"CR1": "a", "CR2": "b"}, "a mapping has one word"),
        ({"CR1": 3}, "clusters are given by name"),
        (md.Clustered, r"Write Clustered\(\)"),
        (3, "cov=3 is no covariance"),
        (None, "cov=None is no covariance"),
    ],
)
def test_what_is_no_covariance(cov: Any, told: str, fit: md.Estimate) -> None:
    with pytest.raises(SpecificationError, match=told):
        fit.with_cov(cov)


def test_the_page_lists_every_word() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith('| `"')]
    said = {word for row in rows for word in re.findall(r'`"([^"]+)"`', row.split("|")[1])}
    assert said == set(WORDS)
    for row in rows:
        words, spelt = row.split("|")[1:3]
        cov = eval(spelt.strip().strip("`"), vars(md) | {n: getattr(md, n) for n in md._HOME})
        assert all(WORDS[word] == cov for word in re.findall(r'`"([^"]+)"`', words)), row
    assert all(f'"{word}"' in text for word in CLUSTERS)
