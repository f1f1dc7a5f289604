"""Country codes and names: recognised, recoded, left out, never merged in silence."""

from __future__ import annotations

import warnings
from pathlib import Path

import pandas as pd
import pytest

from migdev.errors import CountryError, CountryWarning, SpecificationError
from migdev.panel import country_match
from migdev.panel.countries import harmonise, to_iso3
from migdev.panel.country_codes import RETIRED, aggregate_names, countries, dissolved_states, plain
from migdev.panel.country_match import classify
from migdev.provenance import Extract, Provenance

# ---------------------------------------------------------------------- the tables


def test_tables_do_not_clash() -> None:
    tables = [set(countries()), set(dissolved_states()), set(aggregate_names()), set(RETIRED)]
    assert sum(map(len, tables)) == len(set.union(*tables))
    assert set(RETIRED.values()) <= tables[0]
    for state in dissolved_states().values():
        assert set(state.successors) <= tables[0]
        assert not state.continuing or state.continuing in state.successors
        assert not state.afterwards or state.afterwards in dissolved_states()
        assert state.first <= state.last


def test_every_name_belongs_to_one_code() -> None:
    owner: dict[str, str] = {}
    named = [(c.iso3, (c.name, *c.other_names)) for c in countries().values()]
    named += [(s.code, (s.name, *s.other_names)) for s in dissolved_states().values()]
    named += list(aggregate_names().items())
    for code, names in named:
        for name in names:
            assert owner.setdefault(plain(name), code) == code


def test_codes_are_well_formed_and_single() -> None:
    all_countries = countries().values()
    assert len(all_countries) == 251  # 249 of ISO 3166-1, Kosovo, Channel Islands
    for attribute in ("iso3", "iso2", "numeric", "name"):
        values = [v for c in all_countries if (v := getattr(c, attribute))]
        assert len(values) == len(set(values))
    assert all(len(c.iso3) == 3 and len(c.iso2) == 2 for c in all_countries)


def test_alpha2_and_numbers_agree_with_country_converter() -> None:
    from importlib.resources import files

    pytest.importorskip("country_converter")
    path = files("country_converter").joinpath("country_data.tsv")
    with path.open("rb") as stream:
        theirs = pd.read_csv(stream, sep="\t", dtype=str, keep_default_na=False)
    compared = 0
    for row in theirs.itertuples():
        ours = countries().get(row.ISO3)
        if ours is None or row.ISO2.startswith("^") or row.ISO3 in ("CHI", "XKX"):
            continue
        assert ours.iso2 == row.ISO2
        assert int(ours.numeric) == int(row.ISOnumeric)
        compared += 1
    assert compared > 240


def test_every_country_of_the_world_bank_is_known(data_dir: Path) -> None:
    meta = pd.read_csv(data_dir / "country_meta.csv")
    table = classify(meta["country"])
    assert table["code"].tolist() == meta["iso3"].tolist()
    assert set(table["how"]) == {"name"}  # without country_converter


# ---------------------------------------------------------------------- single values


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("MEX", "MEX"), (" mex ", "MEX"), ("\ufeffMEX", "MEX"), ("MX", "MEX"), ("484", "MEX"),
        (484, "MEX"), (484.0, "MEX"), ("México", "MEX"), ("NA", "NAM"), ("EL", "GRC"),
        ("ROM", "ROU"), ("ZAR", "COD"), ("TMP", "TLS"), ("WBG", "PSE"), ("KSV", "XKX"),
        ("ADO", "AND"), ("IMY", "IMN"), ("BUR", "MMR"), ("UVK", "XKX"), ("CHI", "CHI"),
        ("Congo, Dem. Rep.", "COD"), ("Congo, Rep.", "COG"), ("Korea, Rep.", "KOR"),
        ("Korea, Dem. People's Rep.", "PRK"), ("Côte d’Ivoire", "CIV"), ("Turkey", "TUR"),
        ("Türkiye", "TUR"), ("St. Lucia", "LCA"), ("Saint Lucia", "LCA"), ("The Gambia", "GMB"),
        ("Bosnia & Herzegovina", "BIH"), ("Niger", "NER"), ("Nigeria", "NGA"),
        ("Guinea", "GIN"), ("Guinea-Bissau", "GNB"), ("Papua New Guinea", "PNG"),
        ("Dominica", "DMA"), ("Dominican Republic", "DOM"), ("Samoa", "WSM"),
        ("American Samoa", "ASM"), ("Hong Kong SAR, China", "HKG"), ("China", "CHN"),
        ("YUG", "YUG"), ("USSR", "SUN"), ("Yugoslavia, FR", "SCG"), ("WLD", "WLD"),
        ("Sub-Saharan Africa (excluding high income)", "SSA"), ("South Asia", "SAS"),
        ("Middle East, North Africa, Afghanistan & Pakistan", "MEA"),
    ],
)  # fmt: skip
def test_values(value: object, code: str) -> None:
    assert to_iso3([value]) == [code]


def test_forms_of_input() -> None:
    assert to_iso3("Mexico") == "MEX"
    series = to_iso3(pd.Series(["Mexico", "PER"], index=[5, 7]))
    assert series.to_dict() == {5: "MEX", 7: "PER"}
    assert to_iso3(("MX",)) == ["MEX"]


def test_spellings_of_country_converter() -> None:
    pytest.importorskip("country_converter")
    table = classify(["Kingdom of Spain", "Commonwealth of Australia", "Narnia"])
    assert table["code"].tolist() == ["ESP", "AUS", None]
    assert table["how"].tolist() == ["pattern", "pattern", ""]


def test_ambiguous_names_are_not_guessed() -> None:
    assert classify(["Guinea and Spain"])["kind"].tolist() == ["unknown"]


def test_unknown_values() -> None:
    with pytest.raises(CountryError, match=r"'Narnya'.*Did you mean|2 values"):
        to_iso3(["Mexcio", "Narnya", "Peru"])
    with pytest.raises(CountryError, match="'Mexcio': Did you mean 'Mexico'"):
        to_iso3("Mexcio")
    assert to_iso3(["Mexcio", "Peru"], unknown="keep") == ["Mexcio", "PER"]
    assert to_iso3(["Mexcio", "Peru"], unknown="drop") == [None, "PER"]
    with pytest.raises(SpecificationError, match="unknown='ignore'"):
        to_iso3("MEX", unknown="ignore")


def test_the_extra_is_pointed_at_when_it_is_absent(monkeypatch) -> None:
    country_match.patterns.cache_clear()
    monkeypatch.setattr(country_match, "find_spec", lambda name: None)
    with pytest.raises(CountryError, match=r"pip install 'migdev\[countries\]'"):
        to_iso3("Kingdom of Spain")
    country_match.patterns.cache_clear()


# ---------------------------------------------------------------------- tables


def frame(codes: list[object], years: list[int] | None = None) -> pd.DataFrame:
    years = years or [2000] * len(codes)
    return pd.DataFrame({"c": codes, "year": years, "x": range(len(codes))})


def test_recodes_and_aggregates_are_told() -> None:
    data = frame(["MEX", "ROM", "WLD", "LMY", "PER", "WLD"], [2000] * 5 + [2001])
    with pytest.warns(CountryWarning) as caught:
        out = harmonise(data, "c", time="year")
    assert str(caught[0].message) == (
        "'c': retired codes recoded: ROM to ROU (1 rows); 2 aggregates left out (3 rows): "
        "'WLD', 'LMY'."
    )
    assert out["c"].tolist() == ["MEX", "ROU", "PER"]
    assert out["x"].tolist() == [0, 1, 4]
    assert data["c"].tolist()[1] == "ROM"  # the input is unchanged
    with pytest.warns(CountryWarning, match="recoded"):
        assert len(harmonise(data, "c", aggregates="keep")) == 6


def test_nothing_to_tell_is_silent() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out = harmonise(frame(["Mexico", "Peru"]), "c")
    assert out["c"].tolist() == ["MEX", "PER"]


def test_dissolved_states() -> None:
    data = frame(["YUG", "YUG", "SUN", "CSK", "MEX"], [1985, 1995, 1985, 1985, 1985])
    with pytest.warns(CountryWarning, match=r"with 1 rows after 1991 of another state"):
        assert harmonise(data, "c", time="year")["c"].tolist() == data["c"].tolist()
    with pytest.warns(CountryWarning, match="1 rows after 1991 become SCG"):
        out = harmonise(data, "c", time="year", dissolved="split")
    assert out["c"].tolist() == ["YUG", "SCG", "SUN", "CSK", "MEX"]
    with pytest.warns(CountryWarning, match=r"SUN .* given to RUS; CSK .* kept as an entity"):
        out = harmonise(data, "c", time="year", dissolved="successor")
    assert out["c"].tolist() == ["SRB", "SRB", "RUS", "CSK", "MEX"]
    with pytest.warns(CountryWarning, match="3 rows of dissolved states left out"):
        out = harmonise(data, "c", dissolved="drop")
    assert out["c"].tolist() == ["MEX"]
    with pytest.raises(CountryError, match="name the time column"):
        harmonise(data, "c", dissolved="split")


def test_years_after_the_end_of_a_state() -> None:
    with pytest.warns(CountryWarning, match="2 rows after 1992, when it no longer existed"):
        harmonise(frame(["CSK"] * 3, [1990, 1994, 1995]), "c", time="year")


def test_two_values_for_one_country_in_a_period_are_refused() -> None:
    with pytest.raises(CountryError, match=r"'ROM', 'ROU' all become 'ROU' in 2000 \(1 such"):
        harmonise(frame(["ROM", "ROU"]), "c", time="year")
    with pytest.raises(CountryError, match="'SUN', 'RUS' all become 'RUS'"):
        harmonise(frame(["SUN", "RUS"], [1990, 1990]), "c", time="year", dissolved="successor")
    with pytest.warns(CountryWarning):  # one after the other is one series
        assert len(harmonise(frame(["ROM", "ROU"], [2000, 2001]), "c", time="year")) == 2


def test_unknown_and_missing_values_of_a_table() -> None:
    data = frame(["MEX", "Narnia", "Narnia"], [2000, 2000, 2001])
    with pytest.raises(CountryError, match="1 values of 'c' are no country .*: 'Narnia'"):
        harmonise(data, "c")
    with pytest.warns(CountryWarning, match=r"1 unknown values kept as they are \(2 rows\)"):
        assert harmonise(data, "c", unknown="keep")["c"].tolist() == ["MEX", "Narnia", "Narnia"]
    with pytest.warns(CountryWarning, match="1 unknown values left out"):
        assert harmonise(data, "c", unknown="drop")["c"].tolist() == ["MEX"]
    with pytest.raises(CountryError, match="'NA' is Namibia"):
        harmonise(frame(["MX", None]), "c")


def test_guesses_by_pattern_are_told() -> None:
    pytest.importorskip("country_converter")
    with pytest.warns(CountryWarning, match=r"names guessed: Kingdom of Spain to ESP \(1 rows\)"):
        harmonise(frame(["Kingdom of Spain"]), "c")


def test_other_targets() -> None:
    data = frame(["MEX", "KOR", "XKX"])
    assert harmonise(data, "c", to="iso2")["c"].tolist() == ["MX", "KR", "XK"]
    assert harmonise(data, "c", to="name")["c"].tolist() == ["Mexico", "Korea, Rep.", "Kosovo"]
    with pytest.warns(CountryWarning, match="kept as an entity"):
        assert harmonise(frame(["SUN"]), "c", to="name")["c"].tolist() == ["Soviet Union"]


def test_extracts_know_their_columns() -> None:
    told = Provenance(publisher="", dataset="x")
    data = Extract(frame=frame(["ROM", "ROU"]), keys="c", time="year", provenance=told)
    with pytest.raises(CountryError, match="all become 'ROU'"):
        harmonise(data)
    good = Extract(frame=frame(["Mexico"]), keys="c", time="year", provenance=told)
    out = harmonise(good)
    assert isinstance(out, Extract)
    assert out.frame["c"].tolist() == ["MEX"]
    assert out.provenance is told


def test_other_frames() -> None:
    pl, pa = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    data = frame(["Mexico", "Peru"])
    for kind in (pl.from_pandas(data), pa.Table.from_pandas(data)):
        assert harmonise(kind, "c")["c"].tolist() == ["MEX", "PER"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"column": "d"}, CountryError, "'d' is not among 'c', 'year', 'x'"),
        ({"column": "c", "to": "fips"}, SpecificationError, "to='fips'"),
        ({"column": "c", "aggregates": "drop"}, SpecificationError, "aggregates='drop'"),
        ({"column": "c", "dissolved": "merge"}, SpecificationError, "dissolved='merge'"),
    ],
)
def test_bad_options(options: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        harmonise(frame(["MEX"]), **options)


@pytest.mark.parametrize(
    "name",
    ["Guinea Ecuatorial", "Southern Africa", "Niger Delta", "USA & Canada", "England",
     "Sudan and South Sudan", "Korea Strait", "Western Sudan", "Papua", "Mexico City"],
)  # fmt: skip
def test_names_of_something_else_are_refused(name: str) -> None:
    with pytest.raises(CountryError, match="no country that is known"):
        to_iso3(name)


@pytest.mark.parametrize(
    ("number", "code"),
    [(736, "SDN"), (891, "SCG"), ("810", "SUN"), (200, "CSK"), (230, "ETH"), (280, "GFR"),
     (720, "YMD"), (886, "YAR"), ("Zaïre", "COD"), ("484", "MEX")],
)  # fmt: skip
def test_retired_numbers_and_names_are_known(number: object, code: str) -> None:
    assert to_iso3([number]) == [code]


def test_states_that_lost_a_part_are_told() -> None:
    frame = pd.DataFrame(
        {"iso3": ["SDN"] * 3 + ["ETH"] * 2, "year": [2010, 2011, 2012, 1992, 1993]}
    )
    with pytest.warns(CountryWarning, match=r"SDN includes South Sudan until 2011 \(2 rows\) and"):
        harmonise(frame, "iso3", time="year")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        harmonise(frame[frame.year.isin([2012, 1992, 1993])], "iso3", time="year")
