"""Units and levels of the data: what does not matter does not move the digits."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import mpmath
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import migdev as md
from migdev import errors
from migdev.kernels.dynamic.gram import gram, halves
from migdev.kernels.dynamic.instruments import dense
from tests.gmm_panels import panel, simulated

F = "y ~ L(y) + x"
ALL = (md.GMMStyle("y", (2, None)), md.GMMStyle("x", (1, None)))
FEW = (md.GMMStyle("y", (2, 4), collapse=True), md.GMMStyle("x", (1, 3), collapse=True))
TIME = {"effects": ("time",)}
SPECS = {
    "difference": md.DifferenceGMM(F, gmm=ALL, **TIME),
    "one step": md.DifferenceGMM(F, gmm=ALL, steps=1, weight="h1", **TIME),
    "collapsed": md.DifferenceGMM(F, gmm=FEW, steps="iterated", **TIME),
    "deviations": md.DifferenceGMM(F, gmm=ALL, transform="fod", **TIME),
    "system": md.SystemGMM(F, gmm=ALL, **TIME),
    "system, h2": md.SystemGMM(F, gmm=ALL, weight="h2", time_instruments="transformed", **TIME),
    "system of deviations": md.SystemGMM(F, gmm=FEW, transform="fod", **TIME),
    "system, exogenous": md.SystemGMM(F, gmm=FEW[:1], iv=md.IVStyle("x")),
    "system, cue": md.SystemGMM(F, gmm=FEW[:1], iv=md.IVStyle("x"), steps="cue"),
}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return simulated(np.random.default_rng(3), 160, 7)


def quiet(spec: Any, frame: pd.DataFrame) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return spec.fit(panel(frame))


def assert_same(one: Any, two: Any, units: float, rtol: float) -> None:
    """Equal but for the units of x relative to y, and the constant."""
    for name, scale in (("L(y)", 1.0), ("x", units)):
        assert two.params[name] * scale == pytest.approx(one.params[name], rel=rtol)
        assert two.std_errors[name] * scale == pytest.approx(one.std_errors[name], rel=rtol)
    assert two.n_instruments == one.n_instruments
    for test in ("hansen", "ar2"):
        assert two.stats[test].statistic == pytest.approx(one.stats[test].statistic, rel=rtol)
    # Without the time effects levels matter.
    gaps = [f.difference_in_hansen["difference"].drop("time effects", errors="ignore")
            for f in (one, two)]  # fmt: skip
    assert_allclose(gaps[1], gaps[0], rtol=100 * rtol, atol=1e-5)


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize(("y", "x"), [(1e6, 1.0), (1e-6, 1.0), (1.0, 1e6), (1e-6, 1e6)])
def test_units_play_no_role(frame: pd.DataFrame, name: str, y: float, x: float) -> None:
    base = quiet(SPECS[name], frame)
    other = quiet(SPECS[name], frame.assign(y=y * frame.y, x=x * frame.x))
    assert_same(base, other, x / y, 1e-6 if SPECS[name].steps == "cue" else 1e-8)


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("shift", [1e3, 1e6])
def test_levels_play_no_role(frame: pd.DataFrame, name: str, shift: float) -> None:
    """x of a million standard deviations keeps ten digits, and so do the estimates, less some."""
    base = quiet(SPECS[name], frame)
    moved = frame.assign(x=frame.x + shift * frame.x.std())
    rtol = 1e-5 if name == "system, cue" else 1e-6  # its search stops earlier than sums round
    assert_same(base, quiet(SPECS[name], moved), 1.0, rtol)


@pytest.mark.parametrize("shift", [1e3, 1e6])
def test_levels_of_y_play_no_role_beside_time_effects(frame: pd.DataFrame, shift: float) -> None:
    base = quiet(SPECS["difference"], frame)
    moved = frame.assign(y=frame.y + shift * frame.y.std())
    assert_same(base, quiet(SPECS["difference"], moved), 1.0, 1e-6)


def test_levels_play_no_role_in_what_a_fit_is_asked(frame: pd.DataFrame) -> None:
    moved = frame.assign(x=frame.x + 1e6 * frame.x.std())
    for name in ("difference", "system"):
        one, two = quiet(SPECS[name], frame), quiet(SPECS[name], moved)
        draws = [f.long_run("x", method="bootstrap", draws=9) for f in (one, two)]
        assert_allclose(draws[1].to_numpy(), draws[0].to_numpy(), rtol=1e-6)
        strength = [f.weak_instruments().to_numpy() for f in (one, two)]
        assert_allclose(strength[1], strength[0], rtol=1e-5)
        covs = [f.with_cov(md.Clustered("region")).std_errors["x"] for f in (one, two)]
        # Rows are a million times what their sums are, and lose as many digits.
        assert covs[1] == pytest.approx(covs[0], rel=1e-4)
        assert_allclose(two.resids, one.resids, atol=1e-6)
        assert_allclose(two.fitted, one.fitted, atol=1e-6)
        assert list(two.instruments_report()["variable"]) == list(
            one.instruments_report()["variable"]
        )


LAGS = (md.GMMStyle("y", (2, 4), collapse=True), md.GMMStyle("x", (1, 3)))
WITH_ONES = {
    "difference": (md.DifferenceGMM, {"gmm": LAGS}),
    "deviations": (md.DifferenceGMM, {"gmm": LAGS, "transform": "fod"}),
    "Ahn-Schmidt": (md.AhnSchmidt, {"gmm": LAGS}),
    "Ahn-Schmidt, collapsed": (md.AhnSchmidt, {"gmm": LAGS, "collapse": True}),
    "Anderson-Hsiao": (md.AndersonHsiao, {}),
    "LSDV after ah": (md.BiasCorrectedLSDV, {"initial": "ah", "draws": 0}),
    "LSDV after ab": (md.BiasCorrectedLSDV, {"initial": "ab", "draws": 0}),
}


@pytest.mark.parametrize("name", WITH_ONES)
def test_a_constant_in_the_moments_frees_of_levels(frame: pd.DataFrame, name: str) -> None:
    """y + 100 gives another estimate without time effects, unless the moments have a constant."""
    kind, options = WITH_ONES[name]
    moved = frame.assign(y=frame.y + 100.0)
    bare, ones = kind(F, **options), kind(F, constant="moments", **options)
    gap = quiet(bare, moved).params["L(y)"] - quiet(bare, frame).params["L(y)"]
    assert abs(gap) > 1e-3
    one, two = quiet(ones, frame), quiet(ones, moved)
    for term in ("L(y)", "x"):
        assert two.params[term] == pytest.approx(one.params[term], rel=1e-7)
        assert two.std_errors[term] == pytest.approx(one.std_errors[term], rel=1e-6)
    if kind is md.AhnSchmidt:  # its levels have a constant beside time effects too
        return
    timed = {**options, "effects": ("time",)}
    assert_allclose(
        quiet(kind(F, constant="moments", **timed), frame).params,
        quiet(kind(F, **timed), frame).params, rtol=1e-9,
    )  # fmt: skip


def test_levels_have_their_own_constant() -> None:
    with pytest.raises(errors.SpecificationError, match="system GMM has its constant"):
        md.BiasCorrectedLSDV(F, initial="bb", constant="moments")


def test_a_level_that_matters_is_kept_to_the_digits() -> None:
    """Without time effects the level of an instrument matters; one step in forty digits."""
    rng = np.random.default_rng(4)
    frame = simulated(rng, 25, 6)
    frame["x"] += 3e5 * frame.x.std()
    spec = md.DifferenceGMM("y ~ L(y)", gmm=md.GMMStyle("x", (1, 3)), steps=1)
    fit = quiet(spec, frame)
    mpmath.mp.dps = 40
    J, columns = 0, {}
    for t in range(2, 6):
        for lag in range(1, 4):
            if t - lag >= 0:
                columns[t, lag] = J
                J += 1
    A, b, c = mpmath.zeros(J), mpmath.zeros(J, 1), mpmath.zeros(J, 1)
    H = mpmath.matrix(4, 4)
    for r in range(4):
        H[r, r] = 2
        if r:
            H[r, r - 1] = H[r - 1, r] = -1
    for _, d in frame.groupby("i"):
        x, y = ([mpmath.mpf(float(v)) for v in d[n]] for n in ("x", "y"))
        Z = mpmath.zeros(4, J)
        for (t, lag), j in columns.items():
            Z[t - 2, j] = x[t - lag]
        A += Z.T * H * Z
        b += Z.T * mpmath.matrix([y[t - 1] - y[t - 2] for t in range(2, 6)])
        c += Z.T * mpmath.matrix([y[t] - y[t - 1] for t in range(2, 6)])
    W = A**-1
    exact = float((b.T * W * c)[0] / (b.T * W * b)[0])
    assert fit.n_instruments == J
    assert fit.params["L(y)"] == pytest.approx(exact, rel=1e-7)


@pytest.mark.parametrize("kind", [md.DifferenceGMM, md.SystemGMM])
@pytest.mark.parametrize("transform", ["fd", "fod"])
@pytest.mark.parametrize("weight", ["h1", "h2", "h3"])
def test_halves_are_a_root_of_the_weight(kind: Any, transform: str, weight: str) -> None:
    p = panel(simulated(np.random.default_rng(5), 40, 7, holes=0.1))
    spec = kind(F, gmm=(ALL[0], FEW[1]), effects=("time",), transform=transform)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        problem = spec.problem(p)
    z, stack = problem.instruments, problem.stack
    whole = slice(0, stack.y.shape[1])
    half = halves(z, stack, weight, whole)
    expected = gram(z, stack, weight)
    assert_allclose(np.einsum("qin,qjn->ij", half, half), expected, rtol=1e-10, atol=1e-8)
    turn = np.random.default_rng(6).normal(size=(z.count, 5))
    turned = replace(z, columns=z.columns[:5], rotation=turn)
    assert_allclose(gram(turned, stack, weight), turn.T @ expected @ turn, rtol=1e-9, atol=1e-7)
    assert_allclose(dense(turned, whole), np.einsum("rjn,jm->rmn", dense(z, whole), turn))
