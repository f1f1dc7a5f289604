"""The World Bank's download layouts, on small made-up files of the same shape."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from migdev.errors import CountryWarning, SourceError, SourceWarning
from migdev.sources.read.local import read
from migdev.sources.worldbank.downloads import iso_date, unit_of
from migdev.sources.worldbank.tables import read_countries

REMIT, GROWTH = "BX.TRF.PWKR.DT.GD.ZS", "NY.GDP.PCAP.KD.ZG"
API = (
    '\ufeff"Data Source","World Development Indicators",\r\n\r\n'
    '"Last Updated Date","2024-09-19",\r\n\r\n'
    '"Country Name","Country Code","Indicator Name","Indicator Code","1999","2000","2001",\r\n'
    f'"Tajikistan","TJK","Personal remittances, received (% of GDP)","{REMIT}","","1.5","2.5",\r\n'
    f'"World","WLD","Personal remittances, received (% of GDP)","{REMIT}","","0.25","0.5",\r\n'
    f'"Korea, Rep.","KOR","Personal remittances, received (% of GDP)","{REMIT}","","","3",\r\n'
)
COUNTRIES = (
    '\ufeff"Country Code","Region","IncomeGroup","SpecialNotes","TableName",\r\n'
    '"TJK","Europe & Central Asia","Low income","","Tajikistan",\r\n'
    '"KOR","East Asia & Pacific","High income","a note, with\na second line","Korea, Rep.",\r\n'
    '"WLD","","","World aggregate.","World",\r\n'
)
SERIES = (
    '"INDICATOR_CODE","INDICATOR_NAME","SOURCE_NOTE","SOURCE_ORGANIZATION",\r\n'
    f'"{REMIT}","Personal remittances, received (% of GDP)","note","org",\r\n'
)


def zipped(path: Path, **members: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 9, 19, 0, 0, 0)), text.encode("utf-8"))
    return path


def check_api(extract) -> None:
    frame = extract.frame
    assert list(frame) == ["iso3", "year", REMIT]
    assert frame[["iso3", "year"]].to_numpy().tolist() == [
        ["TJK", 2000], ["TJK", 2001], ["KOR", 2001],
    ]  # fmt: skip
    assert_array_equal(frame[REMIT], [1.5, 2.5, 3])
    told = extract.provenance
    assert (told.publisher, told.dataset) == ("World Bank", "World Development Indicators")
    assert (told.vintage, told.licence) == ("2024-09-19", "CC BY 4.0")
    assert told.labels == {REMIT: "Personal remittances, received (% of GDP)"}
    assert told.units == {REMIT: "% of GDP"}
    assert "last updated 2024-09-19" in told.citation
    assert told.series == (REMIT,)


def test_api_csv(tmp_path: Path) -> None:
    path = tmp_path / f"API_{REMIT}_DS2_en_csv_v2_1234.csv"
    path.write_bytes(API.encode("utf-8"))
    with pytest.warns(CountryWarning, match=r"1 aggregates left out \(2 rows\): 'WLD'"):
        extract = read(path)
    check_api(extract)
    kept = read(path, aggregates="keep")
    assert kept.frame["iso3"].unique().tolist() == ["TJK", "WLD", "KOR"]


def test_api_zip_and_its_countries(tmp_path: Path) -> None:
    stem = f"API_{REMIT}_DS2_en_csv_v2_1234"
    path = zipped(
        tmp_path / f"{stem}.zip",
        **{
            f"Metadata_Indicator_{stem}.csv": SERIES,
            f"{stem}.csv": API,
            f"Metadata_Country_{stem}.csv": COUNTRIES,
        },
    )
    with pytest.warns(CountryWarning):
        check_api(read(path))
    table = read_countries(path)
    assert (table.keys, table.time) == (("iso3",), "")
    assert table.frame.to_numpy().tolist() == [
        ["TJK", "Tajikistan", "Europe & Central Asia", "Low income"],
        ["KOR", "Korea, Rep.", "East Asia & Pacific", "High income"],
    ]


def test_api_resaved_with_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    text = (
        API.replace('","', '";"').replace('",\r', '";\r').replace(".5", ",5").replace(".25", ",25")
    )
    path = tmp_path / "API_x_DS2_en.csv"
    path.write_bytes(text.encode("utf-8"))
    with pytest.warns(CountryWarning):
        check_api(read(path))


def test_api_workbook(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    rows = [
        ["Data Source", "World Development Indicators", *[None] * 5],
        [None] * 7,
        ["Last Updated Date", "2024-09-19", *[None] * 5],
        [
            "Country Name",
            "Country Code",
            "Indicator Name",
            "Indicator Code",
            "1999",
            "2000",
            "2001",
        ],
        ["Tajikistan", "TJK", "Personal remittances, received (% of GDP)", REMIT, None, 1.5, 2.5],
        ["World", "WLD", "Personal remittances, received (% of GDP)", REMIT, None, 0.25, 0.5],
        ["Korea, Rep.", "KOR", "Personal remittances, received (% of GDP)", REMIT, None, None, 3],
    ]
    meta = pd.read_csv(io.StringIO(COUNTRIES.lstrip("\ufeff")), index_col=False).iloc[:, :5]
    path = tmp_path / "API_x_DS2_en_excel.xlsx"
    with pd.ExcelWriter(path) as book:
        pd.DataFrame(rows).to_excel(book, sheet_name="Data", index=False, header=False)
        meta.to_excel(book, sheet_name="Metadata - Countries", index=False)
        pd.read_csv(io.StringIO(SERIES), index_col=False).to_excel(
            book, sheet_name="Metadata - Indicators", index=False
        )
    with pytest.warns(CountryWarning):
        check_api(read(path))
    assert read_countries(path).frame["iso3"].tolist() == ["TJK", "KOR"]


BULK = (
    "Country Name,Country Code,Indicator Name,Indicator Code,1999,2000,2001\n"
    f'Tajikistan,TJK,"Personal remittances, received (% of GDP)",{REMIT},,1.5,2.5\n'
    f"Tajikistan,TJK,GDP per capita growth (annual %),{GROWTH},7,8,\n"
    "Tajikistan,TJK,Nothing,NO.THING,,,\n"
    f"High income,HIC,GDP per capita growth (annual %),{GROWTH},1,2,3\n"
    f"Peru,PER,GDP per capita growth (annual %),{GROWTH},,,-1\n"
)
BULK_SERIES = (
    "Series Code,Topic,Indicator Name,Unit of measure,License Type\n"
    f'{REMIT},Economy,"Personal remittances, received (% of GDP)",,CC BY-4.0\n'
    f"{GROWTH},Economy,GDP per capita growth (annual %),percent a year,CC BY-4.0\n"
)
BULK_COUNTRIES = (
    "Country Code,Short Name,Table Name,Region,Income Group\n"
    "TJK,Tajikistan,Tajikistan,Europe & Central Asia,Low income\n"
    "HIC,High income,High income,,\n"
)


@pytest.mark.parametrize("data", ["WDICSV.csv", "WDIData.csv"])
def test_bulk_zip(tmp_path: Path, data: str) -> None:
    path = zipped(
        tmp_path / "WDI_CSV.zip",
        **{
            data: BULK, "WDISeries.csv": BULK_SERIES, "WDICountry.csv": BULK_COUNTRIES,
            "WDIfootnote.csv": "a,b\n1,2\n", "WDIcountry-series.csv": "a,b\n1,2\n",
            "WDIseries-time.csv": "a,b\n1,2\n",
        },
    )  # fmt: skip
    with pytest.warns(CountryWarning, match="1 aggregates left out"):
        extract = read(path)
    frame = extract.frame
    assert list(frame) == ["iso3", "year", REMIT, GROWTH, "NO.THING"]
    assert frame[["iso3", "year"]].to_numpy().tolist() == [
        ["TJK", 1999], ["TJK", 2000], ["TJK", 2001], ["PER", 2001],
    ]  # fmt: skip
    assert_array_equal(frame[REMIT], [np.nan, 1.5, 2.5, np.nan])
    assert_array_equal(frame[GROWTH], [7, 8, np.nan, -1])
    told = extract.provenance
    assert told.vintage == "file of 2024-09-19"
    assert told.missing == {"NO.THING": "in the file, but without any value"}
    assert told.units == {REMIT: "% of GDP", GROWTH: "percent a year"}
    assert told.licence == "CC BY 4.0"
    assert any("country-periods without any value" in note for note in told.notes)
    assert read_countries(path).frame["iso3"].tolist() == ["TJK"]


def test_bulk_zip_some_series(tmp_path: Path) -> None:
    path = zipped(tmp_path / "WDI_CSV.zip", **{"WDICSV.csv": BULK, "WDISeries.csv": BULK_SERIES})
    with pytest.warns(SourceWarning, match="'NY.GDP.PCAP.KD.ZG'"):
        extract = read(path, series=[REMIT, "NY.GDP.PCAP.KD.ZF"])
    assert list(extract.frame) == ["iso3", "year", REMIT]
    assert list(extract.provenance.missing) == ["NY.GDP.PCAP.KD.ZF"]
    with pytest.raises(SourceError, match="None of the series asked for can be had"):
        read(path, series=["NO.SUCH"])
    with pytest.raises(SourceError, match="without any value"):
        read(path, series=["NO.THING"])
    with pytest.raises(SourceError, match="no table of countries"):
        read_countries(path)


DATABANK = (
    "\ufeffCountry Name,Country Code,Series Name,Series Code,1999 [YR1999],2000 [YR2000]\n"
    f'Tajikistan,TJK,"Personal remittances, received (% of GDP)",{REMIT},..,1.5\n'
    f"Tajikistan,TJK,GDP per capita growth (annual %),{GROWTH},7,8\n"
    f"Peru,PER,GDP per capita growth (annual %),{GROWTH},-1,..\n"
    ",,,,,\n,,,,,\n,,,,,\n"
    "Data from database: World Development Indicators,,,,,\n"
    "Last Updated: 07/01/2025,,,,,\n"
)


@pytest.mark.parametrize("short_footer", [False, True])
def test_databank_csv(tmp_path: Path, short_footer: bool) -> None:
    path = tmp_path / "x_Data.csv"
    text = DATABANK.replace("Indicators,,,,,", "Indicators").replace("2025,,,,,", "2025")
    path.write_bytes((text if short_footer else DATABANK).encode("utf-8"))
    extract = read(path)
    frame = extract.frame
    assert frame[["iso3", "year"]].to_numpy().tolist() == [
        ["TJK", 1999], ["TJK", 2000], ["PER", 1999],
    ]  # fmt: skip
    assert_array_equal(frame[REMIT], [np.nan, 1.5, np.nan])
    assert_array_equal(frame[GROWTH], [7, 8, -1])
    assert extract.provenance.vintage == "2025-07-01"
    assert extract.provenance.dataset == "World Development Indicators"


def test_databank_zip_and_workbook(tmp_path: Path) -> None:
    meta = f"Code,License Type,Indicator Name\n{REMIT},CC BY-4.0,Remittances (% of GDP)\n"
    path = zipped(
        tmp_path / "P_Data_Extract_From_World_Development_Indicators.zip",
        **{"a1-b2_Data.csv": DATABANK, "a1-b2_Series - Metadata.csv": meta},
    )
    assert read(path).provenance.labels[REMIT] == "Remittances (% of GDP)"

    pytest.importorskip("openpyxl")
    book_path = tmp_path / "P_Data_Extract_From_World_Development_Indicators.xlsx"
    with pd.ExcelWriter(book_path) as book:
        rows = pd.read_csv(io.StringIO(DATABANK.lstrip("\ufeff")), header=None, dtype=object)
        rows.to_excel(book, sheet_name="Data", index=False, header=False)
        pd.read_csv(io.StringIO(meta)).to_excel(book, sheet_name="Series - Metadata", index=False)
    extract = read(book_path)
    pd.testing.assert_frame_equal(extract.frame, read(path).frame)
    assert extract.provenance.vintage == "2025-07-01"
    assert extract.provenance.labels[REMIT] == "Remittances (% of GDP)"


def test_databank_with_series_in_columns(tmp_path: Path) -> None:
    text = (
        "Time,Time Code,Country Name,Country Code,"
        f'"Personal remittances, received (% of GDP) [{REMIT}]",Growth [{GROWTH}]\n'
        "2000,YR2000,Peru,PER,1.5,..\n2001,YR2001,Peru,PER,..,..\n2000,YR2000,Chile,CHL,..,3\n"
        ",,,,,\nData from database: World Development Indicators,,,,,\n"
        "Last Updated: 12/22/2015,,,,,\n"
    )
    path = tmp_path / "a_Data.csv"
    path.write_text(text, encoding="utf-8")
    extract = read(path)
    assert extract.frame[["iso3", "year"]].to_numpy().tolist() == [["PER", 2000], ["CHL", 2000]]
    assert_array_equal(extract.frame[GROWTH], [np.nan, 3])
    assert extract.provenance.labels[REMIT] == "Personal remittances, received (% of GDP)"
    assert extract.provenance.vintage == "2015-12-22"


def test_databank_quarters(tmp_path: Path) -> None:
    import migdev as md

    text = (
        "Country Name,Country Code,Series Name,Series Code,2011Q1 [YR2011Q1],2011Q2 [YR2011Q2]\n"
        "Peru,PER,Cost,AT.CR,5,6\n"
    )
    path = tmp_path / "a_Data.csv"
    path.write_text(text, encoding="utf-8")
    extract = read(path)
    assert extract.time == "period"
    panel = md.Panel.from_frame(extract.frame, entity="iso3", time="period")
    assert list(panel.periods) == ["2011Q1", "2011Q2"]


def test_a_further_dimension_is_refused(tmp_path: Path) -> None:
    text = (
        "Country Name,Country Code,Counterpart-Area Name,Series Name,Series Code,2000 [YR2000]\n"
        "Peru,PER,World,Debt,DT.DOD,5\nPeru,PER,IMF,Debt,DT.DOD,6\n"
    )
    path = tmp_path / "a_Data.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match="more than once, told apart by 'Counterpart-Area Name'"):
        read(path)


def test_text_among_values_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "WDICSV.csv"
    path.write_text(BULK.replace(",1.5,", ",1.5e (est.),"), encoding="utf-8")
    with pytest.raises(SourceError, match=r"text among its values: .*'1.5e \(est.\)' \(row 2\)"):
        read(path)


def test_archive_without_data(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", **{"x.csv": "a,b\n1,2\n", "y.csv": "a,b\n1,2\n"})
    with pytest.raises(SourceError, match="2 tables that could be the data: 'x.csv', 'y.csv'"):
        read(path)


def test_reading_in_pieces_equals_reading_at_once(tmp_path: Path, monkeypatch) -> None:
    from migdev.sources.worldbank import downloads

    path = tmp_path / "WDICSV.csv"
    path.write_text(BULK, encoding="utf-8")
    whole = read(path, aggregates="keep").frame
    monkeypatch.setattr(downloads, "_PIECE", 2)
    pd.testing.assert_frame_equal(read(path, aggregates="keep").frame, whole)


@pytest.mark.parametrize(
    ("text", "date"),
    [("2024-09-19", "2024-09-19"), ("7/1/2025", "2025-07-01"), ("2024-09-19 00:00", "2024-09-19")],
)
def test_dates(text: str, date: str) -> None:
    assert iso_date(text) == date


@pytest.mark.parametrize(
    ("label", "unit"),
    [
        ("GDP per capita (constant 2015 US$)", "constant 2015 US$"),
        ("Personal remittances, received (% of GDP)", "% of GDP"),
        ("Poverty headcount ratio at $3.00 a day (2021 PPP) (% of population)", "% of population"),
        ("Rate (per 1,000 (adults))", "per 1,000 (adults)"),
        ("Population, total", ""),
    ],
)
def test_units(label: str, unit: str) -> None:
    assert unit_of(label) == unit


def test_archives_of_countries_that_are_none_or_fill_the_memory(
    tmp_path: Path, monkeypatch
) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK nothing")
    with pytest.raises(SourceError, match="a.zip is not a readable zip archive"):
        read_countries(tmp_path / "a.zip")
    monkeypatch.setattr("migdev.sources.read.formats.LARGEST", 100_000)
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("WDICountry.csv", COUNTRIES + "," * 5_000_000)
    with pytest.raises(SourceError, match="WDICountry.csv in b.zip unpacks to 0.0 GB"):
        read_countries(tmp_path / "b.zip")
