"""Sources by name: built-in ones, and those that other packages bring by entry points."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from migdev.errors import SourceError
from migdev.provenance import Extract, Provenance
from migdev.sources import catalog


class Made:
    """A source as another package would write it."""

    def __init__(self, level: float = 1.0) -> None:
        self.level = level

    def fetch(self, series, entities=None, periods=None, vintage=None) -> Extract:
        frame = pd.DataFrame({"iso3": ["AAA"], "year": [2000], **{s: self.level for s in series}})
        told = Provenance(
            publisher="x", dataset="y", series=tuple(series), units={s: "%" for s in series}
        )
        return Extract(frame=frame, keys="iso3", time="year", provenance=told)


@pytest.fixture
def plugins(monkeypatch, tmp_path: Path) -> None:
    info = tmp_path / "somelib-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: somelib\nVersion: 1.0\n")
    here = f"{__name__}:Made"
    (info / "entry_points.txt").write_text(
        f"[migdev.sources]\nmade = {here}\nbroken = no.such.module:X\n"
        f"hollow = types:SimpleNamespace\nfile = {here}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)


def test_names(plugins) -> None:
    built_in = tuple(catalog._BUILT_IN)
    assert "file" in built_in
    assert catalog.names() == (*built_in, "broken", "hollow", "made")


def test_plugin_with_options_and_renaming(plugins) -> None:
    extract = catalog.load("made", {"remit": "BX", "growth": "NY"}, level=3.0)
    assert list(extract.frame) == ["iso3", "year", "remit", "growth"]
    assert extract.frame["remit"].tolist() == [3.0]
    assert extract.provenance.series == ("BX", "NY")  # the publisher's own codes stay
    assert extract.provenance.units == {"remit": "%", "growth": "%"}
    assert list(catalog.load("made", "BX").frame) == ["iso3", "year", "BX"]


def test_a_plugin_cannot_take_a_built_in_name(plugins, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("iso3,year,x\nAAA,2000,1\n", encoding="utf-8")
    extract = catalog.load("file", {"mine": "x"}, path=path)
    assert extract.frame["mine"].tolist() == [1]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("mdae", {}, r"no source 'mdae'. Did you mean 'made'\? Known: .*'file'"),
        ("broken", {}, "does not load"),
        ("hollow", {}, "no source"),
        ("made", {"speed": 1}, "does not take these options"),
        ("file", {}, "does not take these options"),
    ],
)
def test_mistakes(plugins, name: str, options: dict, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        catalog.load(name, ["x"], **options)


def test_names_of_series(plugins) -> None:
    with pytest.raises(SourceError, match="'BX' is asked for under two names"):
        catalog.load("made", {"a": "BX", "b": "BX"})
    with pytest.raises(SourceError, match="'year' names a key"):
        catalog.load("made", {"year": "BX"})


def test_the_former_name_of_periods_is_understood(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("iso3,quarter,x\n" + "".join(
        f"AAA,{y}Q{q},{q}\n" for y in (2000, 2001) for q in (1, 2, 3, 4)
    ), encoding="utf-8")  # fmt: skip
    with pytest.warns(DeprecationWarning, match="periods="):
        old = catalog.load("file", "x", path=path, years=(2001, 2001))
    assert old.frame["quarter"].tolist() == ["2001Q1", "2001Q2", "2001Q3", "2001Q4"]
    assert old.frame.equals(catalog.load("file", "x", path=path, periods=(2001, "2001Q4")).frame)
