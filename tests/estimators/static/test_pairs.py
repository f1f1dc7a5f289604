"""Every estimator with every covariance, from formula to standard errors, against R."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import migdev as md
from migdev.errors import (
    CovarianceWarning,
    DroppedRowsWarning,
    FewClustersWarning,
    VarianceComponentWarning,
)
from tests.covariance.test_covariance_golden import RTOL, TAGS, spec_for
from tests.golden import load_golden
from tests.panel_moments import assert_cov_close, golden_frame, golden_weights, square

EFFECTS = {"individual": ("entity",), "time": ("time",), "twoways": ("entity", "time")}


def estimator(model: str, formula: str) -> Any:
    kind, _, effect = model.partition(".")
    weights = "w" if kind == "wls" else None
    if kind == "between":
        return md.Between(formula=formula)
    if kind == "fd":
        return md.FirstDifference(formula=formula, gaps="consecutive-observations")
    if kind == "random":
        return md.RandomEffects(formula=formula, effects=EFFECTS[effect])
    if effect in EFFECTS:
        return md.FixedEffects(
            formula=formula, effects=EFFECTS[effect], weights=weights, singletons="keep"
        )
    return md.PooledOLS(formula=formula, weights=weights)


def cases() -> list[tuple[str, str]]:
    found = []
    for tag in TAGS:
        models = [m for m, entry in load_golden(f"plm_{tag}").items() if "cov" in entry]
        for model in models:
            if model == "lm.first_entity":
                continue  # a time series
            if model == "random.twoways" and tag.endswith("_gaps"):
                continue  # plm leaves the data of this model untransformed
            found.append((tag, model))
    return found


@pytest.mark.parametrize(("tag", "model"), cases())
def test_estimator_with_every_covariance(tag: str, model: str) -> None:
    golden = load_golden(f"plm_{tag}")
    frame = golden_frame(tag)
    frame["w"] = golden_weights(len(frame))
    panel = md.Panel.from_frame(frame, entity="id", time="time")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VarianceComponentWarning)
        warnings.simplefilter("ignore", DroppedRowsWarning)  # singletons have no difference
        fit = estimator(model, golden["meta"]["formula"]).fit(panel)
    entry = golden[model]
    np.testing.assert_allclose(fit.params, entry["coef"], rtol=2e-8)
    assert fit.names == entry["names"]
    assert fit.nobs == entry["nobs"]
    assert fit.df_resid == entry["df_residual"]
    compared = 0
    for key, lower in entry["cov"].items():
        spec = spec_for(model, key)
        wanted = square(lower)
        if spec is None or (model == "fd" and "HC1" in key) or np.linalg.eigvalsh(wanted)[0] < 0:
            continue  # as in tests/covariance/test_covariance_golden.py
        compared += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FewClustersWarning)
            warnings.simplefilter("ignore", CovarianceWarning)
            found = fit.with_cov(spec)
        try:
            assert_cov_close(found.cov.to_numpy(), wanted, 10 * RTOL)
        except AssertionError as error:
            raise AssertionError(f"{key} -> {spec}: {error}") from None
    assert compared >= 0.8 * len(entry["cov"]) - 3
