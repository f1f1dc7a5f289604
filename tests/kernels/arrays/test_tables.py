"""Published tables: the reader, and that every file is whole, found and packed."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from numpy.testing import assert_allclose

from migdev.kernels.arrays.tables import Table, tables

ROOT = Path(__file__).parents[3]
KEYS = {
    "breaks/double_maximum.tsv": 2,
    "breaks/sup_f.tsv": 2,
    "breaks/sup_f_further.tsv": 2,
    "cointegration/gengenbach.tsv": 2,
    "cointegration/pedroni.tsv": 2,
    "cointegration/rank_tests.tsv": 2,
    "cointegration/westerlund.tsv": 2,
    "iv/stock_yogo.tsv": 2,
    "unit_roots/break_adf.tsv": 1,
    "unit_roots/cips.tsv": 3,
    "unit_roots/common_trends.tsv": 1,
    "unit_roots/ips_lags.tsv": 2,
    "unit_roots/ips_t.tsv": 1,
    "unit_roots/ips_tbar.tsv": 2,
    "unit_roots/llc.tsv": 1,
}


def test_every_table_is_among_these():
    kernels = Path(str(files("migdev.kernels")))
    assert {p.relative_to(kernels).as_posix() for p in kernels.rglob("*.tsv")} == set(KEYS)


@pytest.mark.parametrize("path", KEYS)
def test_tables_are_whole(path):
    found = tables(path, KEYS[path])
    assert found is tables(path, KEYS[path])  # read once
    for table in found.values():
        assert (np.diff(table.rows) > 0).all()
        assert len(set(table.columns)) == len(table.columns) == table.values.shape[1]
        assert not np.isnan(table.values).all(axis=0).any() or path == "iv/stock_yogo.tsv"
    source = (files("migdev.kernels") / path).read_text(encoding="utf-8").splitlines()[0]
    assert source.startswith("# ")


def test_the_wheel_holds_the_tables(tmp_path):
    wheel = pytest.importorskip("hatchling.builders.wheel")
    (built,) = wheel.WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    packed = set(ZipFile(built).namelist())
    package = ROOT / "migdev"
    data = {
        p
        for p in package.rglob("*")
        if p.suffix in (".tsv", ".toml", ".bib", ".jinja", ".j2", ".css")
    }
    assert {p.relative_to(ROOT).as_posix() for p in data} <= packed
    assert {f"migdev/kernels/{path}" for path in KEYS} <= packed


def test_lookups():
    table = Table(
        rows=np.array([1.0, 3.0]), columns=("10", "20", "40"),
        values=np.array([[1.0, 2.0, 4.0], [np.nan, 6.0, 8.0]]),
    )  # fmt: skip
    assert table.row(3) == {"20": 6.0, "40": 8.0}
    with pytest.raises(ValueError, match="not enough values"):
        table.row(2)
    assert_allclose(table.down("20", [0, 2, 9]), [2, 4, 6])
    assert_allclose(table.along(1, [5, 15, 30, 99]), [1, 1.5, 3, 4])
    assert_allclose(table.along(3, [10, 30]), [6, 7])  # the missing cell is no edge
    assert table.between(2, 30) == pytest.approx((3 + 7) / 2)
    assert table.between(0, 99) == 4
