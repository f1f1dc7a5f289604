"""The table holds what the functions give."""

from __future__ import annotations

import pandas as pd
import pytest

from migdev import diagnostics
from migdev.errors import DroppedRowsWarning, SpecificationError


def test_pretest_table(grunfeld):
    with pytest.warns(DroppedRowsWarning):
        table = diagnostics.pretest(grunfeld, ["inv", "np.log(value)"], lags=1, trend=True)
    row = table.frame.loc["inv"]
    assert row["IPS"] == diagnostics.ips(grunfeld, "inv", trend=True).statistic
    assert row["CD_p"] == diagnostics.pesaran_cd(grunfeld, "inv").pvalue
    test = diagnostics.cips(grunfeld, "inv", trend=True)
    assert [row["CIPS"], row["CIPS_5%"]] == [test.statistic, test.critical_values["5%"]]
    assert row["D_IPS"] < row["IPS"]
    assert table.tests["inv", "D_CIPS"].name == "CIPS"
    assert str(table).count("np.log(value)") == 2  # levels, then differences
    assert repr(table) == str(table)
    assert max(len(line) for line in str(table).splitlines()[:-1]) < 100
    levels = diagnostics.pretest(grunfeld, ["inv"], differences=False)
    assert not any(c.startswith("D_") for c in levels.frame)
    with pytest.raises(SpecificationError, match="list of variables"):
        diagnostics.pretest(grunfeld, "inv")


def test_a_panel_hands_itself_over(grunfeld):
    options = {"lags": 1, "short": "drop", "differences": False}
    table = grunfeld.pretest(["inv", "value"], **options)
    pd.testing.assert_frame_equal(
        table.frame, diagnostics.pretest(grunfeld, ["inv", "value"], **options).frame
    )
    assert "CIPS_5%" in table._repr_html_()
    with pytest.raises(SpecificationError, match="list of variables"):
        grunfeld.pretest("inv")


def test_no_module_hides_a_function():
    """A submodule of a function's name would replace it on the package once imported."""
    import pkgutil

    modules = {m.name for m in pkgutil.iter_modules(diagnostics.__path__)}
    assert not modules.intersection(diagnostics._HOME)
