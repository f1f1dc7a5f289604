"""Averages over two entities make mirror images of them: their slopes are one number twice."""

from __future__ import annotations

import numpy as np
import pytest

import migdev as md
from migdev import diagnostics
from migdev.errors import CovarianceError, FewClustersWarning, IdentificationError
from tests.panels import matrix_panel


def panel(N: int) -> md.Panel:
    rng = np.random.default_rng(N)
    x, z = np.cumsum(rng.standard_normal((2, N, 60)), axis=2)
    return matrix_panel(y=x + rng.standard_normal((N, 60)), x=x, z=z)


FITS = {
    "demeaned": md.MeanGroup("y ~ x", demean=True),
    "demeaned with trends": md.MeanGroup("y ~ x", demean=True, trend=True),
    "CCE": md.CCEMeanGroup("y ~ x + z"),
    "recursive": md.CCEMeanGroup("y ~ x", recursive=True),
    "dynamic CCE": md.CCEMeanGroup("y ~ L(y) + x", cross_lags=2),
    "pooled CCE": md.CCEPooled("y ~ x"),
    "CS-ARDL": md.CSARDL("y ~ x"),
    "CS-DL": md.CSDL("y ~ x"),
    "jackknife": md.HalfPanelJackknife("y ~ x", effects=("entity", "time")),
}


@pytest.mark.filterwarnings("ignore::migdev.errors.DroppedRowsWarning")
@pytest.mark.parametrize("spec", FITS.values(), ids=FITS)
def test_two_mirror_images_are_refused(spec):
    with pytest.raises(IdentificationError, match=r"mirror .*three entities or more"):
        spec.fit(panel(2))
    assert (spec.fit(panel(3)).std_errors > 1e-6).all()


def test_uneven_spans_do_not_hide_the_mirror():
    uneven = panel(2).where("~(e == 1 and t < 10)", "late entry")
    with pytest.raises(IdentificationError, match="mirror images"):
        md.CCEMeanGroup("y ~ x").fit(uneven)


def test_averages_that_hold_more_than_two_are_taken():
    """A third entity that is in the averages only, or averages without y, leave slopes apart."""
    three = panel(3)
    short = three.assign(x=np.where((three["e"] == 2) & (three["t"] > 2), np.nan, three["x"]))
    with pytest.warns(md.errors.MigdevWarning):
        fit = md.CCEMeanGroup("y ~ x", averages=("y", "z"), short="drop").fit(short)
    assert fit.entities == 2
    assert (fit.std_errors > 1e-6).all()
    assert (md.CCEMeanGroup("y ~ x", averages=("x",)).fit(panel(2)).std_errors > 1e-6).all()


CALLS = {
    "cips": lambda p: diagnostics.cips(p, "y"),
    "gengenbach": lambda p: diagnostics.gengenbach(p, "y ~ x"),
    "slopes": lambda p: diagnostics.slope_homogeneity(p, "y ~ x", averages=True),
    "ips": lambda p: diagnostics.ips(p, "y", demean=True),
    "fisher": lambda p: diagnostics.fisher(p, "y", demean=True),
    "llc": lambda p: diagnostics.llc(p, "y", demean=True),
    "hadri": lambda p: diagnostics.hadri(p, "y", demean=True),
    "pedroni": lambda p: diagnostics.pedroni(p, "y ~ x", demean=True),
    "kao": lambda p: diagnostics.kao(p, "y ~ x", demean=True),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_tests_on_averages_refuse_two_entities(call):
    with pytest.raises(IdentificationError, match="mirror image"):
        call(panel(2))
    assert np.isfinite(call(panel(3)).statistic)


@pytest.mark.parametrize("kind", ["CR1", "CR2"])
def test_two_clusters_under_shared_effects_have_no_variance(kind):
    """Scores of both clusters are equal and sum to zero, so each is zero: 3e-16 for a standard
    error of .08."""
    spec = md.FixedEffects(
        "y ~ x", effects=("entity", "time"), cov=md.Clustered("entity", kind=kind)
    )
    with (
        pytest.warns(FewClustersWarning),
        pytest.raises(CovarianceError, match="scores of every group sum to zero"),
    ):
        spec.fit(panel(2))
    with pytest.warns(FewClustersWarning):
        assert spec.fit(panel(3)).std_errors["x"] > 0.01
