"""Every public diagnostic on data that cannot be judged: a clear refusal, or a number."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import migdev as md
from migdev import diagnostics as d
from migdev.errors import MigdevError, MigdevWarning
from migdev.lazy import homes

T = 30


def _panel(rng: np.random.Generator, N: int = 6) -> dict[str, np.ndarray]:
    y, x, z = 50 + np.cumsum(rng.standard_normal((3, N, T)), axis=2)
    return {"y": y, "x": x, "z": z}


def constant(rng: np.random.Generator) -> dict[str, np.ndarray]:
    return _panel(rng) | {"y": np.full((6, T), 5.0)}


def constant_regressor(rng: np.random.Generator) -> dict[str, np.ndarray]:
    return _panel(rng) | {"x": np.full((6, T), 0.1)}


def one_entity(rng: np.random.Generator) -> dict[str, np.ndarray]:
    return _panel(rng, 1)


def two_entities(rng: np.random.Generator) -> dict[str, np.ndarray]:
    return _panel(rng, 2)


def trending(rng: np.random.Generator) -> dict[str, np.ndarray]:
    t = np.arange(1.0, T + 1)
    return _panel(rng) | {"y": np.tile(t, (6, 1)), "x": t * np.arange(1, 7)[:, None]}


def nearly_trending(rng: np.random.Generator) -> dict[str, np.ndarray]:
    exact = trending(rng)
    return {name: v + 1e-8 * rng.standard_normal(v.shape) for name, v in exact.items()}


def missing(rng: np.random.Generator) -> dict[str, np.ndarray]:
    return _panel(rng) | {"y": np.full((6, T), np.nan)}


def copied(rng: np.random.Generator) -> dict[str, np.ndarray]:
    columns = _panel(rng)
    return columns | {"x": columns["y"]}


def repeated(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Every entity has the same series."""
    return {name: np.repeat(v[:1], 6, axis=0) for name, v in _panel(rng).items()}


def few_periods(rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {name: v[:, :3] for name, v in _panel(rng).items()}


BAD = (
    constant, constant_regressor, one_entity, two_entities, trending, nearly_trending, missing,
    copied, repeated, few_periods,
)  # fmt: skip


def pooled(p: md.Panel) -> md.Estimate:
    return md.PooledOLS("y ~ x", cov=md.Unadjusted()).fit(p)


def within(p: md.Panel) -> md.Estimate:
    return md.FixedEffects("y ~ x", cov=md.Unadjusted()).fit(p)


def random(p: md.Panel) -> md.Estimate:
    return md.RandomEffects("y ~ x", cov=md.Unadjusted()).fit(p)


CALLS: dict[str, Callable[[md.Panel], Any]] = {
    "bai_perron": lambda p: d.bai_perron(p, "y ~ 1"),
    "dumitrescu_hurlin": lambda p: d.dumitrescu_hurlin(p, "y ~ x"),
    "juodis_karavias_sarafidis": lambda p: d.juodis_karavias_sarafidis(p, "y ~ x"),
    "toda_yamamoto": lambda p: d.toda_yamamoto(p, "y ~ x"),
    "westerlund_durbin_hausman": lambda p: d.westerlund_durbin_hausman(p, "y ~ x"),
    "engle_granger": lambda p: d.engle_granger(p, "y ~ x"),
    "gengenbach": lambda p: d.gengenbach(p, "y ~ x"),
    "johansen": lambda p: d.johansen(p, ["y", "x"]),
    "kao": lambda p: d.kao(p, "y ~ x"),
    "pedroni": lambda p: d.pedroni(p, "y ~ x"),
    "westerlund": lambda p: d.westerlund(p, "y ~ x"),
    "beta_convergence": lambda p: d.beta_convergence(p, "np.log(y)"),
    "gap_breaks": lambda p: d.gap_breaks(p, "y"),
    "gap_tests": lambda p: d.gap_tests(p, "y"),
    "gap_to": lambda p: d.gap_to(p, "y", p.entities[0]),
    "convergence_clubs": lambda p: d.convergence_clubs(p, "y"),
    "log_t": lambda p: d.log_t(p, "y"),
    "sigma_convergence": lambda p: d.sigma_convergence(p, "y"),
    "bias_adjusted_lm": lambda p: d.bias_adjusted_lm(p, "y ~ x"),
    "cross_section_dependence": lambda p: [
        d.cross_section_dependence(p, "y", statistic=s)
        for s in ("CDw", "CDw+", "CD*", "LM", "scaled LM", "bias-corrected LM", "Friedman", "Frees")
    ],
    "pesaran_cd": lambda p: d.pesaran_cd(p, "y"),
    "dependence_exponent": lambda p: d.dependence_exponent(p, "y", factors=1),
    "baltagi_wu_lbi": lambda p: d.baltagi_wu_lbi(within(p)),
    "bhargava_durbin_watson": lambda p: d.bhargava_durbin_watson(within(p)),
    "breusch_pagan_lm": lambda p: d.breusch_pagan_lm(pooled(p)),
    "f_effects": lambda p: d.f_effects(within(p)),
    "hausman": lambda p: d.hausman(within(p), random(p)),
    "poolability": lambda p: d.poolability(pooled(p)),
    "breusch_godfrey": lambda p: d.breusch_godfrey(pooled(p)),
    "wooldridge_serial": lambda p: d.wooldridge_serial(within(p)),
    "slope_homogeneity": lambda p: d.slope_homogeneity(p, "y ~ x"),
    "pretest": lambda p: d.pretest(p, ["y"]),
    "breitung": lambda p: d.breitung(p, "y"),
    "hadri": lambda p: d.hadri(p, "y"),
    "harris_tzavalis": lambda p: d.harris_tzavalis(p, "y"),
    "cips": lambda p: d.cips(p, "y"),
    "fisher": lambda p: d.fisher(p, "y"),
    "ips": lambda p: d.ips(p, "y"),
    "llc": lambda p: d.llc(p, "y"),
    "panic": lambda p: d.panic(p, "y", factors=1),
}


def test_every_public_diagnostic_is_tried():
    assert set(CALLS) == set(homes("migdev.diagnostics"))


@pytest.mark.parametrize("data", BAD, ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", CALLS)
def test_bad_data_are_refused_or_judged(name, data):
    columns = data(np.random.default_rng(5))
    frame = {"e": np.repeat([f"E{i}" for i in range(len(columns["y"]))], columns["y"].shape[1])}
    frame["t"] = np.tile(np.arange(1990, 1990 + columns["y"].shape[1]), len(columns["y"]))
    frame |= {key: values.ravel() for key, values in columns.items()}
    panel = md.Panel.from_frame(pd.DataFrame(frame), entity="e", time="t")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MigdevWarning)
        try:
            found = CALLS[name](panel)
        except MigdevError as error:
            refusal = str(error)
        else:
            refusal = ""
    if refusal:
        assert len(refusal) > 40  # what was found, what was expected
        return
    str(found)
    for test in found if isinstance(found, list) else [found]:
        assert np.isfinite(getattr(test, "statistic", 0.0)), test
        p = getattr(test, "pvalue", 0.5)
        assert np.isnan(p) or 0 <= p <= 1
