"""The statsmodels engine against what statsmodels gives one number at a time."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from migdev.engines.statsmodels import mackinnon_critical, mackinnon_pvalue


@pytest.mark.parametrize("variables", [1, 2, 6])
@pytest.mark.parametrize("trend", ["n", "c", "ct"])
def test_mackinnon_pvalues_are_those_of_statsmodels(trend, variables):
    from statsmodels.tsa.adfvalues import mackinnonp

    t = np.linspace(-15, 0.5, 200)  # inside the range of every surface
    one_by_one = [mackinnonp(v, trend, variables) for v in t]
    assert_allclose(mackinnon_pvalue(t, trend, variables), one_by_one, rtol=1e-13)


def test_mackinnon_pvalues_stay_positive_and_monotone():
    p = mackinnon_pvalue(np.linspace(-40, 10, 501), "c")
    assert p.min() > 0 and p.max() < 1 and (np.diff(p) >= 0).all()


def test_mackinnon_critical_values_as_published():
    # MacKinnon (2010), table 2: -2.86154 - 2.8903/T - 4.234/T^2 - 40.040/T^3 at 5% with a constant.
    expected = -2.86154 - 2.8903 / 50 - 4.234 / 50**2 - 40.040 / 50**3
    assert mackinnon_critical("c", 50)["5%"] == pytest.approx(expected, abs=1e-6)
    assert mackinnon_critical("ct", variables=3)["1%"] == pytest.approx(-4.66305, abs=1e-9)
