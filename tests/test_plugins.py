"""Parts of other packages, brought by distributions that are put on the import path."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import migdev as md
from migdev import diagnostics, hypotheses
from migdev.errors import PluginWarning, ResultError, SourceError, SpecificationError
from migdev.plugins import SOURCES, Group
from migdev.sources import catalog
from migdev.testing import check_source

CODE = '''
import pandas as pd
import migdev as md
from migdev.hypotheses import Question
from migdev.sources.read.table import Table

class Remesas:
    """Corridors of a central bank."""

    def fetch(self, series, entities=None, periods=None, vintage=None):
        have = {"flow": [1.0, 2.0, 3.0, 5.0]}
        frame = pd.DataFrame({"origin": ["MEX", "MEX", "SLV", "SLV"], "destination": "USA",
                              "year": [2000, 2001, 2000, 2001]})
        held = {s: have[s] for s in series if s in have}
        if periods is not None:
            keep = frame["year"].between(*periods)
            frame, held = frame[keep], {s: pd.Series(v)[keep] for s, v in held.items()}
        told = md.Provenance(publisher="Banco", dataset="Remesas", sha256="0" * 64,
                             missing={s: "unknown" for s in series if s not in have})
        return md.Extract(frame=frame.assign(**held), keys=("origin", "destination"),
                          time="year", provenance=told)

QUESTION = Question(id="Z9", claim="Sends more who earns more", term="wage", sign=1,
                    views={"DF": "+", "CR": "+"}, source="none")
OTHER = Question(id="Z8", claim="x", term="y", sign=1, source="none")

def runs(panel, on, *, times: int = 1) -> md.TestStatistic:
    """Share of rises of a variable, as a test."""
    x = panel[on].to_numpy()
    rises = float((x[1:] > x[:-1]).mean())
    return md.TestStatistic(name="runs", statistic=times * rises, pvalue=rises, null="no rises",
                            distribution="none")

class Fitted:
    __module__ = "strangelib.models"
    b, se = 0.5, 0.1

def read(fit):
    return md.as_result({"x": (fit.b, fit.se)}, nobs=20, dependent="y")

class Padron:
    """Files that begin with the word PADRON."""

    def recognise(self, rows):
        from types import SimpleNamespace
        return SimpleNamespace(header=1) if rows and rows[0][:1] == ["PADRON"] else None

    def from_csv(self, stream, shape, dialect, name, options):
        frame = pd.read_csv(stream, skiprows=shape.header)
        return Table(frame, keys=("muni",), time="year", layout=self,
                     provenance={"publisher": "Padron", "dataset": name})

    def members(self, names):
        return None

LAYOUT = Padron()
'''

POINTS = """
[migdev.sources]
banco = brought:Remesas
half = brought.missing:Nothing
[migdev.questions]
Z9 = brought:QUESTION
Z7 = brought:OTHER
[migdev.tests]
runs = brought:runs
[migdev.readers]
strangelib = brought:read
[migdev.layouts]
padron = brought:LAYOUT
"""


def distribution(folder: Path, name: str, points: str, version: str = "1.2") -> None:
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(points)


@pytest.fixture
def brought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A distribution beside the installed ones, whose module is imported only when asked for."""
    distribution(tmp_path, "bancolib", POINTS)
    (tmp_path / "brought.py").write_text(CODE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("brought", None)


def test_names_are_known_before_anything_is_imported(brought) -> None:
    assert {"banco", "half"} <= set(catalog.names())
    assert "runs" in dir(diagnostics)
    assert "brought" not in sys.modules


def test_a_source_of_corridors(brought) -> None:
    extract = md.load("banco", {"remit": "flow"}, periods=(2001, 2001))
    assert extract.frame["remit"].tolist() == [2, 5]
    panel = md.Panel.from_extract(md.load("banco", "flow"))
    assert panel.D("flow").dropna().tolist() == [1, 2]
    assert check_source(catalog.source("banco"), ["flow"]).keys == ("origin", "destination")


def test_a_question(brought) -> None:
    question = hypotheses.get("z9")
    assert question.claim == "Sends more who earns more"
    with pytest.raises(
        SpecificationError, match="gives the question 'Z8', not a Question whose id"
    ):
        hypotheses.get("Z7")
    with pytest.warns(PluginWarning, match="gives the question 'Z8'"):
        table = hypotheses.table()
    assert table.index[-1] == "Z9"
    assert len(table) > 10
    with pytest.raises(SpecificationError, match="already a question 'Z9'"):
        hypotheses.register(question)


def test_a_test(brought) -> None:
    frame = pd.DataFrame({"i": "a", "t": range(5), "x": [1.0, 2, 1, 4, 5]})
    panel = md.Panel.from_frame(frame, entity="i", time="t")
    assert diagnostics.runs(panel, "x", times=2).statistic == 1.5
    pretest = md.PreTest(test="runs", on="x", options={"times": 2})
    assert pretest.function(panel, "x").pvalue == 0.75
    with pytest.raises(AttributeError, match="no attribute 'run'"):
        _ = diagnostics.run


def test_a_reader_of_results(brought) -> None:
    import brought as module

    fit = md.as_result(module.Fitted())
    assert (fit.params["x"], fit.nobs) == (0.5, 20)


def test_a_layout_of_files(brought, tmp_path: Path) -> None:
    place = tmp_path / "muni.csv"
    place.write_text("PADRON,,\nmuni,year,people\nA1,2000,5\nB2,2000,6\n", encoding="utf-8")
    extract = md.read(place)
    assert (extract.keys, extract.provenance.publisher) == (("muni",), "Padron")
    assert extract.frame["people"].tolist() == [5, 6]


def test_what_does_not_import_says_whose_it_is(brought) -> None:
    told = r"'half' of bancolib 1.2 \(brought.missing:Nothing\) does not load: ModuleNotFoundError"
    with pytest.raises(SourceError, match=told):
        catalog.source("half")


def test_two_packages_with_one_name(brought, tmp_path_factory, monkeypatch) -> None:
    other = tmp_path_factory.mktemp("other")
    distribution(other, "rivallib", "[migdev.sources]\nbanco = rival:Thing\n", "0.1")
    monkeypatch.syspath_prepend(other)
    assert catalog.names().count("banco") == 1
    told = (
        r"2 packages bring a source 'banco': rivallib 0.1 \(rival:Thing\) and bancolib 1.2 "
        r"\(brought:Remesas\). Keep one"
    )
    with pytest.raises(SourceError, match=told):
        md.load("banco", "flow")


def test_one_distribution_found_twice_is_no_rival(brought, tmp_path_factory, monkeypatch) -> None:
    again = tmp_path_factory.mktemp("again")
    distribution(again, "bancolib", POINTS)
    monkeypatch.syspath_prepend(again)
    assert len(md.load("banco", "flow").frame) == 4


def test_unknown_names(brought) -> None:
    with pytest.raises(
        SourceError, match=r"no source 'bnco'. Did you mean 'banco'\? Known: 'worldb"
    ):
        md.load("bnco", "flow")
    with pytest.raises(ResultError, match="no thing 'x'"):
        Group("migdev.nothing", "thing", ResultError).load("x")
    assert SOURCES.names() == ("banco", "half")
    assert np.all([name.islower() for name in SOURCES.names()])
