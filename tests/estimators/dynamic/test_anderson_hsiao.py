"""Anderson-Hsiao against the printed 2SLS, linearmodels and IV2SLS."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import migdev as md
from migdev import errors
from tests.gmm_panels import AB_X, employment, panel, simulated


def quiet(spec: Any, p: md.Panel) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", errors.DroppedRowsWarning)
        warnings.simplefilter("ignore", errors.CollinearityWarning)
        warnings.simplefilter("ignore", errors.WeakInstrumentsWarning)
        return spec.fit(p)


def test_roodman_section_3_2() -> None:
    """ivregress 2sls D.n (D.nL1 = nL2) D.(nL2 w ... yr1983), Roodman (2009, p. 109)."""
    spec = md.AndersonHsiao(formula=f"n ~ {AB_X}", effects=("time",))
    fit = quiet(spec, employment())
    assert fit.nobs == 611
    # Printed with six decimals; Stata's data hold the logs as four-byte floats, and the
    # instrument is weak.
    assert fit.params["L(n)"] == pytest.approx(2.307626, rel=1e-4)
    assert fit.params["L(n, 2)"] == pytest.approx(-0.2240271, rel=1e-4)
    assert fit.params["w"] == pytest.approx(-0.8103626, rel=1e-4)


@pytest.mark.parametrize("instrument", ["level", "difference"])
@pytest.mark.parametrize("holes", [0.0, 0.12])
def test_matches_two_stage_least_squares(instrument: str, holes: float) -> None:
    frame = simulated(np.random.default_rng(2), 150, 8, holes=holes)
    p = panel(frame)
    z = "L(y, 2)" if instrument == "level" else "D(L(y, 2))"
    p = p.assign(dy=p.D("y"), dly=p.D(p.L("y")), dx=p.D("x"))
    fit = quiet(md.AndersonHsiao(formula="y ~ L(y) + x", instrument=instrument), p)
    iv = quiet(md.IV2SLS(formula=f"dy ~ 0 + dx + [dly ~ {z}]", cov=md.Clustered("entity")), p)
    assert fit.nobs == iv.nobs
    assert_allclose(fit.params[["L(y)", "x"]], iv.params[["dly", "dx"]], rtol=1e-9)
    assert_allclose(fit.std_errors[["L(y)", "x"]], iv.std_errors[["dly", "dx"]], rtol=1e-9)


@pytest.mark.parametrize("instrument", ["level", "difference"])
def test_time_effects_of_the_rows_that_have_instruments(instrument: str) -> None:
    """Differences cost a further period, whose effect gives way."""
    frame = simulated(np.random.default_rng(4), 80, 7, holes=0.1)
    p = panel(frame)
    fit = quiet(
        md.AndersonHsiao(formula="y ~ L(y) + x", instrument=instrument, effects=("time",)), p
    )
    z = "L(y, 2)" if instrument == "level" else "D(L(y, 2))"
    p = p.assign(dy=p.D("y"), dly=p.D(p.L("y")), dx=p.D("x"))
    iv = quiet(md.IV2SLS(formula=f"dy ~ C(t) + dx + [dly ~ {z}]", cov=md.Clustered("entity")), p)
    assert fit.nobs == iv.nobs
    assert_allclose(fit.params[["L(y)", "x"]], iv.params[["dly", "dx"]], rtol=1e-8)
    first = 2002 if instrument == "level" else 2003
    assert list(fit.names[2:]) == [f"time[{t}]" for t in range(first, 2007)]


def test_bad_input() -> None:
    frame = simulated(np.random.default_rng(2), 30, 6)
    with pytest.raises(errors.SpecificationError, match="instrument"):
        md.AndersonHsiao(formula="y ~ L(y)", instrument="lag")
    with pytest.raises(errors.SpecificationError, match=r"no L\(y\)"):
        quiet(md.AndersonHsiao(formula="y ~ x"), panel(frame))
    short = panel(frame[frame.t < 2003])
    with pytest.raises(errors.IdentificationError, match="0 differenced rows"):
        quiet(md.AndersonHsiao(formula="y ~ L(y)", instrument="difference"), short)
    with (
        pytest.warns(errors.DroppedRowsWarning, match="missing in 'L"),
        pytest.warns(errors.DroppedRowsWarning, match="missing instrument"),
    ):
        md.AndersonHsiao(formula="y ~ L(y) + x", instrument="difference").fit(panel(frame))
    with pytest.raises(errors.IdentificationError, match="does not vary over time"):
        quiet(md.AndersonHsiao(formula="y ~ L(y) + x"), panel(frame.assign(y=1.0)))
