"""Corridors from a source to a fit: two columns name an entity all the way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import migdev as md
from migdev.errors import CountryError, CountryWarning, SourceError
from migdev.provenance import Extract
from migdev.sources.read.local import LocalFile
from migdev.testing import check_source

PLACES = ["GTM", "HND", "MEX", "SLV", "USA"]


@pytest.fixture(scope="module")
def flows() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    rows = [
        (o, d, t) for o in PLACES for d in PLACES if o != d for t in range(2010, 2016)
        if rng.random() < 0.9
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["origin", "destination", "year"])
    level = dict(zip(PLACES, rng.normal(size=5), strict=True))
    frame["wage"] = rng.normal(size=len(frame))
    frame["sent"] = (
        0.7 * frame["wage"] + frame["origin"].map(level) - 2 * frame["destination"].map(level)
        + rng.normal(size=len(frame))
    )  # fmt: skip
    return frame.sample(frac=1, random_state=1)


@pytest.fixture
def file(flows, tmp_path: Path) -> Path:
    flows.to_csv(tmp_path / "flows.csv", index=False)
    return tmp_path / "flows.csv"


def test_from_a_source_to_a_fit(file, flows) -> None:
    extract = md.load("file", {"remit": "sent", "wage": "wage"}, path=file, periods=(2011, 2014))
    assert (extract.keys, extract.time) == (("origin", "destination"), "year")
    panel = md.Panel.from_extract(extract)
    assert panel.entity_columns == ("origin", "destination")
    assert panel.periods.tolist() == [2011, 2012, 2013, 2014]
    spec = md.FixedEffects(
        formula="remit ~ wage", effects=("origin", "destination", "time"),
        cov=md.Clustered("entity"),
    )  # fmt: skip
    fit = spec.fit(panel)
    used = flows[flows["year"].between(2011, 2014)]
    dummies = pd.get_dummies(used[["origin", "destination", "year"]].astype(str), dtype=float)
    X = np.column_stack([used["wage"], dummies])
    known = np.linalg.lstsq(X, used["sent"], rcond=None)[0][0]
    assert_allclose(fit.params["wage"], known, rtol=1e-9)  # two ways of the same least squares
    assert fit.covariance.clusters == {
        "entity": len(used[["origin", "destination"]].drop_duplicates())
    }
    lagged = panel.L("remit")
    row = int(np.flatnonzero(lagged.notna())[0])
    origin, destination, year = panel.frame.loc[row, ["origin", "destination", "year"]]
    before = flows[(flows.origin == origin) & (flows.destination == destination)
                   & (flows.year == year - 1)]  # fmt: skip
    assert lagged[row] == pytest.approx(before["sent"].item())


def test_the_source_is_checked_like_any_other(file) -> None:
    extract = check_source(LocalFile(file), ["sent"])
    assert list(extract.frame) == ["origin", "destination", "year", "sent"]


def test_entities_are_pairs(file) -> None:
    source = LocalFile(file)
    got = source.fetch(["sent"], entities=[("MEX", "USA"), ("USA", "XXX")])
    assert set(zip(got.frame["origin"], got.frame["destination"], strict=True)) == {("MEX", "USA")}
    assert got.provenance.missing == {"USA-XXX": "no rows in the file"}
    with pytest.raises(SourceError, match="'MEX', but an entity of this file is named by 'origin'"):
        source.fetch(["sent"], entities=["MEX"])


def test_keys_are_named_where_their_names_are_not_usual(flows, tmp_path: Path) -> None:
    place = tmp_path / "flujos.csv"
    flows.rename(columns={"origin": "de", "destination": "a"}).to_csv(place, index=False)
    assert md.read(place, entity=("de", "a")).keys == ("de", "a")
    (tmp_path / "map.toml").write_text('entity = ["de", "a"]\n[columns]\nsent = "R"\n')
    mapped = md.read(place, columns=tmp_path / "map.toml")
    assert (mapped.keys, "R" in mapped.frame) == (("de", "a"), True)
    with pytest.raises(SourceError, match=r"entity='b' is not a column of flujos.csv"):
        md.read(place, entity=("de", "b"))


def test_a_file_with_a_country_column_is_no_corridor(tmp_path: Path) -> None:
    place = tmp_path / "a.csv"
    place.write_text("iso3,origin,destination,year,x\nMEX,a,b,2000,1\n", encoding="utf-8")
    assert md.read(place).keys == ("iso3",)


def test_both_ends_are_harmonised(flows) -> None:
    told = md.Provenance(publisher="x", dataset="flows")
    named = flows.assign(origin=flows["origin"].replace("MEX", "Mexico"))
    more = pd.DataFrame({"origin": "WLD", "destination": "USA", "year": [2010], "sent": 1.0})
    extract = Extract(frame=pd.concat([named, more]), keys=("origin", "destination"), time="year",
                      provenance=told)  # fmt: skip
    with pytest.warns(CountryWarning, match=r"'origin': 1 aggregates left out \(1 rows\): 'WLD'"):
        clean = md.harmonise(extract)
    assert set(clean.frame["origin"]) == set(PLACES)
    assert len(clean.frame) == len(flows)
    # Two names of one country meet only where the other end and the year are the same.
    first = flows[flows["origin"] == "MEX"].iloc[[0]].assign(origin="Mexico")
    extract = Extract(frame=pd.concat([flows, first]), keys=("origin", "destination"), time="year",
                      provenance=told)  # fmt: skip
    with pytest.raises(CountryError, match="'Mexico' all become 'MEX'"):
        md.harmonise(extract)


def test_corridors_join(flows) -> None:
    told = md.Provenance(publisher="x", dataset="flows")
    keys = ("origin", "destination")
    left = Extract(frame=flows[[*keys, "year", "sent"]], keys=keys, time="year", provenance=told)
    distance = flows[[*keys]].drop_duplicates().assign(km=100.0)
    right = Extract(frame=distance, keys=keys, provenance=told)
    panel = md.join([left, right])
    assert panel.entity_columns == keys
    assert (panel["km"] == 100).all()


def test_one_key_may_be_given_as_text() -> None:
    told = md.Provenance(publisher="x", dataset="households")
    frame = pd.DataFrame({"household": [1, 2], "x": [1.0, 2.0]})
    extract = Extract(frame=frame, keys="household", provenance=told)
    assert (extract.keys, extract.time) == (("household",), "")
    assert Extract(frame=frame, keys="", time="year", provenance=told).keys == ()
