"""Ahn-Schmidt moments against a plain minimisation, and known truth."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import optimize

import migdev as md
from migdev import errors
from tests.gmm_panels import panel, simulated

GMM = (md.GMMStyle("y", (2, 3), collapse=True), md.GMMStyle("x", (1, 2), collapse=True))


def quiet(spec: Any, p: md.Panel) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return spec.fit(p)


def test_units_play_no_role() -> None:
    frame = simulated(np.random.default_rng(1), 150, 7, holes=0.1)
    frame["w"] = np.random.default_rng(2).standard_normal(len(frame))
    spec = md.AhnSchmidt(formula="y ~ L(y) + x + w", gmm=GMM, iv=md.IVStyle("w"))
    base = quiet(spec, panel(frame))
    other = quiet(spec, panel(frame.assign(x=frame.x * 1e8, w=frame.w * 1e-8)))
    assert_allclose(other.params * [1, 1e8, 1e-8], base.params, rtol=1e-7)
    assert_allclose(other.std_errors * [1, 1e8, 1e-8], base.std_errors, rtol=1e-7)
    assert other.stats["hansen"].statistic == pytest.approx(base.stats["hansen"].statistic)
    assert base.stats["hansen"].alarm == "reject"


@pytest.mark.parametrize("collapse", [True, False])
@pytest.mark.parametrize("holes", [0.0, 0.12])
def test_matches_plain_minimisation(collapse: bool, holes: float) -> None:
    p = panel(simulated(np.random.default_rng(1), 150, 7, holes=holes))
    spec = md.AhnSchmidt(formula="y ~ L(y) + x", gmm=GMM, collapse=collapse)
    fit = quiet(spec, p)
    f = p.frame.assign(ly=p.L("y").to_numpy())
    f = f.assign(z1=p.L("y", 2), z2=p.L("y", 3), z3=p.L("x", 1), z4=p.L("x", 2))
    blocks = []
    for _, d in f.groupby("i"):
        rows = {r.t: r for r in d.itertuples() if np.isfinite([r.y, r.ly, r.x]).all()}
        rows = {t: r for t, r in rows.items() if t - 1 in rows or t + 1 in rows}
        pairs = [t for t in rows if t - 1 in rows]
        if pairs:
            blocks.append((rows, pairs, max(rows)))
    years = sorted({t for _, pairs, last in blocks for t in pairs if t < last})

    def g(b: Any) -> Any:
        out = []
        for rows, pairs, last in blocks:
            u = {t: r.y - b[0] * r.ly - b[1] * r.x for t, r in rows.items()}
            lin, quad = np.zeros(4), dict.fromkeys(years, 0.0)
            for t in pairs:
                z = np.nan_to_num([rows[t].z1, rows[t].z2, rows[t].z3, rows[t].z4])
                lin += z * (u[t] - u[t - 1])
                if t < last:
                    quad[t] += u[last] * (u[t] - u[t - 1])
            q = list(quad.values())
            out.append(np.concatenate([lin, [sum(q)] if collapse else q]))
        return np.array(out)

    first = quiet(md.DifferenceGMM(formula="y ~ L(y) + x", gmm=GMM, steps=1), p)
    b = first.params.to_numpy()
    for _ in range(2):
        c = g(b)
        W = np.linalg.inv(c.T @ c)
        b = optimize.minimize(
            lambda th, W=W: float(g(th).sum(axis=0) @ W @ g(th).sum(axis=0)), b,
            method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-11, "maxiter": 2000},
        ).x  # fmt: skip
    assert_allclose(fit.params, b, atol=2e-6)
    total = g(fit.params.to_numpy()).sum(axis=0)
    assert fit.stats["hansen"].statistic == pytest.approx(total @ W @ total, rel=1e-4)
    assert fit.stats["hansen"].df == len(total) - 2
    G = np.column_stack(
        [(g(b + h).sum(axis=0) - g(b - h).sum(axis=0)) / 2e-5 for h in 1e-5 * np.eye(2)]
    )
    A = np.linalg.inv(G.T @ W @ G) @ G.T @ W
    c = g(b)
    assert_allclose(fit.cov, A @ c.T @ c @ A.T, rtol=1e-4)


def persistent(rng: np.random.Generator, N: int, T: int) -> md.Panel:
    a, y = rng.standard_normal(N), np.zeros(N)
    rows = []
    for t in range(60 + T):
        y = 0.85 * y + 0.15 * a + rng.standard_normal(N)
        if t >= 60:
            rows.append(pd.DataFrame({"i": range(N), "t": t, "y": y}))
    return md.Panel.from_frame(pd.concat(rows), entity="i", time="t")


def test_quadratic_moments_help_where_y_is_persistent() -> None:
    spread, plain = [], []
    base = {"formula": "y ~ L(y)", "gmm": md.GMMStyle("y", (2, 4), collapse=True)}
    for stream in np.random.SeedSequence(5).spawn(25):
        p = persistent(np.random.default_rng(stream), 300, 6)
        spread.append(quiet(md.AhnSchmidt(**base), p).params["L(y)"] - 0.85)
        plain.append(quiet(md.DifferenceGMM(**base), p).params["L(y)"] - 0.85)
    assert np.sqrt(np.mean(np.square(spread))) < np.sqrt(np.mean(np.square(plain)))
    assert abs(np.median(spread)) < 0.1


def test_bad_input() -> None:
    d = simulated(np.random.default_rng(3), 30, 6)
    with pytest.raises(errors.SpecificationError, match="steps"):
        md.AhnSchmidt(formula="y ~ L(y)", gmm=GMM, steps=3)
    with pytest.raises(errors.SpecificationError, match="no instruments"):
        md.AhnSchmidt(formula="y ~ L(y)")
    with pytest.raises(errors.IdentificationError, match="linear moments"):
        quiet(md.AhnSchmidt(formula="y ~ L(y) + x", gmm=md.GMMStyle("y", 2, True)), panel(d))
    with pytest.raises(errors.IdentificationError, match="three consecutive"):
        quiet(md.AhnSchmidt(formula="y ~ L(y)", gmm=md.GMMStyle("y")), panel(d[d.t < 2003]))


def test_one_entity_identifies_nothing() -> None:
    one = simulated(np.random.default_rng(1), 1, 12)
    with pytest.raises(errors.IdentificationError, match="moments of 1 entities do not identify"):
        quiet(md.AhnSchmidt(formula="y ~ L(y) + x", gmm=GMM, collapse=True, steps=1), panel(one))
