"""The samples behind plm_static.toml, and its entries."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

import migdev as md
from tests.data import benchmark
from tests.golden import load_golden
from tests.panels import gap_rule, lower

DATA = ("grunfeld", "gasoline", "produc", "wages", "wages_fixed")
SAMPLES = [f"{name}.{subset}" for name in DATA for subset in ("full", "gaps", "ragged")]
SMALL = [s for s in SAMPLES if not s.startswith("wages")]


def golden(sample: str) -> dict[str, Any]:
    name, subset = sample.split(".")
    entry: dict[str, Any] = load_golden("plm_static")[name][subset]
    return entry


@cache
def sample_panel(sample: str) -> tuple[md.Panel, str]:
    """The panel of a sample and its formula."""
    name, subset = sample.split(".")
    file = {"produc": "munnell_produc", "wages": "wages_psid", "wages_fixed": "wages_psid"}
    frame = benchmark(file.get(name, name))
    if name.startswith("wages"):
        frame["id"], frame["t"] = np.repeat(np.arange(595), 7), np.tile(np.arange(7), 595)
        frame = frame.assign(union=frame["union"] == "yes", smsa=frame["smsa"] == "yes")
        frame = frame.astype({"union": float, "smsa": float})
    if name == "produc":
        logs = {f"l{c}": np.log(frame[c]) for c in ("gsp", "pcap", "pc", "emp")}
        frame = frame.assign(**logs)
    entity = {"grunfeld": "firm", "gasoline": "country", "produc": "state"}.get(name, "id")
    entry = golden(sample)
    n, T = len(frame), entry["periods"]
    e, t = np.divmod(np.arange(n), T)
    keep = {
        "full": np.ones(n, dtype=bool),
        "gaps": gap_rule(n, T),
        "ragged": (t >= e % 3) & (t < e % 3 + 1 + (11 * e) % T),
    }[subset]
    time = "t" if name.startswith("wages") else "year"
    panel = md.Panel.from_frame(frame[keep], entity=entity, time=time)
    assert len(panel) == entry["nobs"]
    return panel, entry["formula"]


def estimates(entry: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and covariance of an entry, without those that R could not estimate."""
    b, V = np.array(entry["coef"]), lower(entry["vcov"])
    some = ~np.isnan(np.diag(V))
    return b[~np.isnan(b)], V[np.ix_(some, some)]


def assert_agrees(fit: md.Estimate, entry: dict[str, Any], rtol: float) -> None:
    """Observations, coefficients and covariance of an entry; R prints 15 digits."""
    assert fit.nobs == entry["nobs"]
    coef, V = estimates(entry)
    np.testing.assert_allclose(fit.params, coef, rtol=rtol)
    scale = np.sqrt(np.outer(np.diag(V), np.diag(V)))
    np.testing.assert_allclose(fit.cov / scale, V / scale, atol=1e-8)
