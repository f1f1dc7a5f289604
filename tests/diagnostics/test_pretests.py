"""The table holds what the functions give."""

from __future__ import annotations

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
    assert "np.log(value)" in str(table)
    levels = diagnostics.pretest(grunfeld, ["inv"], differences=False)
    assert not any(c.startswith("D_") for c in levels.frame)
    with pytest.raises(SpecificationError, match="list of variables"):
        diagnostics.pretest(grunfeld, "inv")


def test_no_module_hides_a_function():
    """A submodule of a function's name would replace it on the package once imported."""
    import pkgutil

    modules = {m.name for m in pkgutil.iter_modules(diagnostics.__path__)}
    assert not modules.intersection(diagnostics._HOME)
