"""Constant, exactly predicted and rescaled series in the tests of long panels."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import migdev as md
from migdev import diagnostics
from migdev.errors import (
    DroppedEntitiesWarning,
    DroppedRowsWarning,
    IdentificationError,
    ResultError,
)
from migdev.kernels.arrays.draws import finite_draws

N, T = 6, 30
CONSTANT = "constant"
LINE = "exact line"


def panel(kind: str | None = None, scale: float = 1.0) -> md.Panel:
    """Random walks; entity "c" is degenerate as ``kind`` says."""
    rng = np.random.default_rng(11)
    y, x = np.cumsum(rng.standard_normal((2, N, T)), axis=2)
    if kind == CONSTANT:
        y[2] = 5.0
    elif kind == LINE:
        y[2] = 2.0 * np.arange(T) + 1
    frame = pd.DataFrame(
        {
            "who": np.repeat(list("abcdef"), T), "t": np.tile(np.arange(T), N),
            "y": scale * y.ravel(), "x": scale * x.ravel(),
        }
    )  # fmt: skip
    return md.Panel.from_frame(frame, entity="who", time="t")


@pytest.mark.parametrize("kind", [CONSTANT, LINE])
@pytest.mark.parametrize(
    ("call", "droppable"),
    [
        (lambda p, **k: diagnostics.hadri(p, "y", trend=True, **k), False),
        (lambda p, **k: diagnostics.breitung(p, "y", **k), False),
        (lambda p, **k: diagnostics.breitung(p, "y", lags=1, **k), False),
        (lambda p, **k: diagnostics.breitung(p, "y", trend=False, lags=1, **k), False),
        (lambda p, **k: diagnostics.pedroni(p, "y ~ x", trend=True, lags=1, **k), True),
        (lambda p, **k: diagnostics.westerlund(p, "y ~ x", **k), True),
        (lambda p, **k: diagnostics.westerlund(p, "y ~ x", lags="aic", trend=True, **k), True),
        (lambda p, **k: diagnostics.dumitrescu_hurlin(p, "y ~ x", **k), True),
        (lambda p, **k: diagnostics.dumitrescu_hurlin(p, "y ~ x", lags=2, **k), True),
        (lambda p, **k: diagnostics.toda_yamamoto(p, "y ~ x", extra=0, **k), True),
        (lambda p, **k: diagnostics.juodis_karavias_sarafidis(p, "y ~ x", **k), True),
        (lambda p, **k: diagnostics.cips(p, "y", **k), True),
        (lambda p, **k: diagnostics.panic(p, "y", factors=1, lags=1, **k), False),
        (lambda p, **k: diagnostics.panic(p, "y", factors=1, lags=1, trend=True, **k), False),
    ],
)
def test_exact_series_are_refused_by_name(kind, call, droppable):
    with pytest.raises(IdentificationError, match=r"1 of 6 entities .*: '?c'?\. Leave") as e:
        call(panel(kind))
    assert ("short='drop'" in str(e.value)) == droppable  # only tests that have this option
    if droppable:
        with pytest.warns(DroppedEntitiesWarning, match="1 of 6"):
            test = call(panel(kind), short="drop")
        assert np.isfinite(test.statistic)


def test_tests_that_only_a_constant_hurts():
    with pytest.raises(
        IdentificationError, match=r"constant or collinear variable: 'c'\. Leave it"
    ):
        diagnostics.kao(panel(CONSTANT), "y ~ x")
    with (
        pytest.warns(DroppedRowsWarning, match="5 of 15 pairs"),
        pytest.raises(IdentificationError, match="1 of 6 entities of y do not vary"),
    ):
        diagnostics.cross_section_dependence(panel(CONSTANT), "y", statistic="CD*")
    with pytest.raises(IdentificationError, match=r"1 of 6 entities without error: '?c'?\."):
        diagnostics.slope_homogeneity(panel(CONSTANT), "y ~ x")
    with pytest.warns(DroppedEntitiesWarning, match="fitted without error"):
        test = diagnostics.slope_homogeneity(panel(CONSTANT), "y ~ x", short="drop")
    rest = panel(CONSTANT).where("who != 'c'", "degenerate")
    assert_allclose(test.statistic, diagnostics.slope_homogeneity(rest, "y ~ x").statistic)


def test_dispersion_that_does_not_move():
    same = panel().assign(y=np.tile(np.arange(T), N))
    with pytest.raises(IdentificationError, match="0 in every period"):
        diagnostics.sigma_convergence(same, "y")
    shift = panel().assign(y=np.repeat(np.arange(N), T) + np.tile(np.arange(T), N))
    with pytest.raises(IdentificationError, match=r"1\.871 in every period"):
        diagnostics.sigma_convergence(shift, "y")
    # Ends that move together exactly leave nothing to compare their variances with.
    wide = np.repeat(np.arange(N), T) * (1 + np.tile(np.sin(np.arange(T)), N))
    test = diagnostics.sigma_convergence(panel().assign(y=wide), "y")
    assert test.detail["ends"] is None
    assert np.isfinite(test.statistic)


@pytest.mark.parametrize("scale", [1e8, 1e-8])
def test_westerlund_chooses_the_same_orders_in_any_units(scale):
    options = {"lags": "aic", "leads": 1, "trend": True}
    a = diagnostics.westerlund(panel(), "y ~ x", **options)
    b = diagnostics.westerlund(panel(scale=scale), "y ~ x", **options)
    assert_allclose(b.detail["statistics"], a.detail["statistics"], rtol=1e-6)
    assert a.detail["by_entity"]["lags"].nunique() > 1


def test_balance_is_asked_for_without_advice_on_other_subjects():
    uneven = panel().where("~(who == 'a' and t < 3)", "unbalanced")
    with pytest.raises(md.errors.PanelError, match=r"do not fill it\. The largest balanced"):
        diagnostics.kao(uneven, "y ~ x")
    with pytest.raises(md.errors.PanelError, match=r"or use ips\(\) or fisher\(\)\. The largest"):
        diagnostics.llc(uneven, "y")


def test_pretests_report_each_drop_once():
    broken = panel().where("~(who == 'a' and t == 20)", "a gap")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        diagnostics.pretest(broken, ["y"], differences=False)
    messages = [str(w.message) for w in caught]
    assert sum("longest spell" in m for m in messages) == 1
    assert len(messages) == len(set(messages))


def test_convergence_of_entities_that_do_not_differ():
    time = np.tile(np.arange(1.0, T + 1), N)
    with pytest.raises(IdentificationError, match="same 'y' in 21 of the periods"):
        diagnostics.log_t(panel().assign(y=time), "y")
    with pytest.raises(IdentificationError, match="all 6 entities start from 1 in 0"):
        diagnostics.beta_convergence(panel().assign(y=time), "y")
    level = np.repeat([3.0, 1.0, 3.0, 2.0, 5.0, 4.0], T)
    with pytest.raises(IdentificationError, match=r"the same for 'a and c'\. Keep one"):
        diagnostics.convergence_clubs(panel().assign(y=level * time), "y")
    index = panel().assign(y=level * (1 + time / 9 * (np.repeat(np.arange(N), T) + 1)))
    late = index.assign(y=np.where(time == 5, 100.0, index["y"]))  # of a period that is trimmed
    assert np.isfinite(diagnostics.log_t(late, "y").statistic)
    for base in (1, 20):
        flat = index.assign(y=np.where(time == base, 100.0, index["y"]))
        with pytest.raises(IdentificationError, match="in 1 of the periods in use"):
            diagnostics.log_t(flat, "y")


def sparse_counts(zeros: int) -> md.Panel:
    """Counts of corridors, some of them zero in most periods; x is unrelated."""
    rng = np.random.default_rng(3)
    y, x = rng.poisson(1.0, (10, T)).astype(float), rng.standard_normal((10, T))
    for i in range(zeros):
        y[i] = 0
        y[i, rng.integers(0, T, 3)] = rng.poisson(4, 3) + 1
    frame = pd.DataFrame(
        {
            "who": np.repeat(range(10), T), "t": np.tile(range(T), 10),
            "y": y.ravel(), "x": x.ravel(),
        }
    )  # fmt: skip
    return md.Panel.from_frame(frame, entity="who", time="t")


def test_bootstrap_leaves_out_samples_without_a_statistic():
    test = diagnostics.dumitrescu_hurlin(sparse_counts(4), "y ~ x", draws=199)
    assert "3 of 199 samples without the statistic left out" in test.note
    assert 0.1 < test.pvalue < 0.9  # 0.005 where samples without a statistic counted as small ones
    whole = diagnostics.dumitrescu_hurlin(sparse_counts(0), "y ~ x", draws=199)
    assert "left out" not in whole.note


def test_bootstrap_is_refused_where_most_samples_have_no_statistic():
    draws = np.array([np.nan, np.nan, 1.0])
    with pytest.raises(IdentificationError, match="only 1 of 3 bootstrap samples"):
        finite_draws(draws, "A test")
    kept, note = finite_draws(np.array([[1.0, 2.0], [np.inf, 0.0], [3.0, 4.0]]), "A test")
    assert kept.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert note.startswith("1 of 3 samples")


def test_kao_refuses_trends_with_hardly_an_error():
    """Changes of y given those of x have no variance but rounding, which the statistics divide."""
    t = np.tile(np.arange(T), N)
    noise = np.random.default_rng(0).standard_normal((2, N * T))
    near = panel().assign(y=t + 1e-8 * noise[0], x=2 * t + 1e-8 * noise[1])
    with pytest.raises(IdentificationError, match="explain those of the dependent variable"):
        diagnostics.kao(near, "y ~ x")


def test_tests_of_errors_refuse_equations_without_any():
    fit = md.PooledOLS("c ~ x", cov=md.Unadjusted()).fit(panel().assign(c=0.1))
    for name in ("breusch_godfrey", "poolability", "wooldridge_serial", "breusch_pagan_lm"):
        with pytest.raises(ResultError, match="without error"):
            getattr(diagnostics, name)(fit)
