"""Reading ordinary files: what is decided, what is refused, what is told."""

from __future__ import annotations

import gzip
import hashlib
import re
import struct
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from migdev.errors import CountryWarning, SourceError, SourceWarning
from migdev.provenance import Extract
from migdev.sources.read.delimited import _zeros_in_front, sniff
from migdev.sources.read.local import LocalFile, read

PLAIN = "iso3,year,growth,remit\nAAA,2000,1.5,3\nAAA,2001,..,4\nBBB,2000,-0.25,n/a\n"


def written(folder: Path, content: str | bytes, name: str = "data.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def old_excel(cells: list[list[str | float]]) -> bytes:
    """A .xls of one sheet called Data: BIFF5 records in a compound file, as nothing writes now."""

    def record(kind: int, body: bytes) -> bytes:
        return struct.pack("<HH", kind, len(body)) + body

    def book(place: int) -> bytes:
        sheet = struct.pack("<IH", place, 0) + b"\x04Data"
        begin = record(0x0809, struct.pack("<HHHH", 0x0500, 5, 0, 0))
        return begin + record(0x0085, sheet) + record(0x000A, b"")

    stream = book(len(book(0))) + record(0x0809, struct.pack("<HHHH", 0x0500, 0x10, 0, 0))
    stream += record(0x0200, struct.pack("<HHHHH", 0, len(cells), 0, len(cells[0]), 0))
    for row, values in enumerate(cells):
        for column, value in enumerate(values):
            place = struct.pack("<HHH", row, column, 0)
            if isinstance(value, str):
                body = place + struct.pack("<H", len(value)) + value.encode()
                stream += record(0x0204, body)
            else:
                stream += record(0x0203, place + struct.pack("<d", value))
    stream = (stream + record(0x000A, b"")).ljust(4096, b"\0")
    stream += b"\0" * (-len(stream) % 512)
    end, free, sectors = 0xFFFFFFFE, 0xFFFFFFFF, len(stream) // 512
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16
    head += struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<10I", 0, 1, 1, 0, 4096, end, 0, end, 0, 0) + b"\xff" * 432
    table = [0xFFFFFFFD, end, *range(3, sectors + 2), end]

    def entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
        text = name.encode("utf-16-le") + b"\0\0"
        fields = struct.pack("<HBBIII", len(text), kind, 1, free, free, child)
        return text.ljust(64, b"\0") + fields + bytes(36) + struct.pack("<IQ", start, size)

    folder = entry("Root Entry", 5, 1, end, 0) + entry("Book", 2, free, 2, len(stream))
    blocks = struct.pack("<128I", *table, *[free] * (128 - len(table)))
    return head + blocks + folder.ljust(512, b"\0") + stream


def test_plain_csv(tmp_path: Path) -> None:
    path = written(tmp_path, PLAIN)
    extract = read(path)
    assert (extract.keys, extract.time) == (("iso3",), "year")
    assert list(extract.frame) == ["iso3", "year", "growth", "remit"]
    assert_array_equal(extract.frame["growth"], [1.5, np.nan, -0.25])
    assert_array_equal(extract.frame["remit"], [3, 4, np.nan])
    told = extract.provenance
    assert told.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert told.request == told.dataset == "data.csv"
    assert told.series == ("growth", "remit")
    assert any("'..' read as missing in 1 column(s): 'growth'" in note for note in told.notes)


def test_numbers_are_read_to_the_last_digit(tmp_path: Path) -> None:
    values = np.random.default_rng(7).standard_normal(200) * 1e7
    text = "iso3,year,x,y\n" + "".join(
        f"AAA,{1000 + i},{v!r},{v!r}\n" for i, v in enumerate(values.tolist())
    )
    frame = read(written(tmp_path, text + "AAA,2000,..,1\n")).frame
    assert_array_equal(frame["x"].to_numpy()[:-1], values)  # through the marks
    assert_array_equal(frame["y"].to_numpy()[:-1], values)  # straight


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_mark(tmp_path: Path, encoding: str) -> None:
    extract = read(written(tmp_path, PLAIN.encode(encoding)))
    assert extract.keys == ("iso3",)
    assert next(iter(extract.frame)) == "iso3"


def test_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    text = "pais;anio;crecimiento\nMEX;2000;4,94\nMEX;2001;-0,4\nPER;2000;..\n"
    extract = read(written(tmp_path, text), entity="pais")
    assert extract.time == "anio"
    assert_array_equal(extract.frame["crecimiento"], [4.94, -0.4, np.nan])
    assert "columns are separated by ';'" in extract.provenance.notes
    assert "',' is the decimal mark" in extract.provenance.notes


@pytest.mark.parametrize("separator", ["\t", "|"])
def test_tabs_and_bars(tmp_path: Path, separator: str) -> None:
    extract = read(written(tmp_path, PLAIN.replace(",", separator), "data.txt"))
    assert_array_equal(extract.frame["remit"], [3, 4, np.nan])


def test_a_number_that_can_be_read_in_two_ways_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "iso3;year;gdp\nAAA;2000;1,234\nAAA;2001;5,678\n")
    with pytest.raises(SourceError, match=r"'1,234' in data.csv may be 1.234 or 1234"):
        read(path)
    assert_array_equal(read(path, decimal=",").frame["gdp"], [1.234, 5.678])
    assert_array_equal(read(path, thousands=",").frame["gdp"], [1234, 5678])


def test_point_thousands_in_a_semicolon_file_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "iso3;year;gdp\nAAA;2000;1.234\nAAA;2001;5.678\n")
    with pytest.raises(SourceError, match="may be 1.234 or 1234"):
        read(path)
    assert_array_equal(read(path, thousands=".").frame["gdp"], [1234, 5678])


def test_thousands_separators_are_never_guessed(tmp_path: Path) -> None:
    path = written(tmp_path, 'iso3,year,gdp\nAAA,2000,"1,234,567.5"\nAAA,2001,"2,000"\n')
    with pytest.warns(SourceWarning, match=r"column 'gdp' stays text: .* pass thousands=','"):
        frame = read(path).frame
    assert frame["gdp"].tolist() == ["1,234,567.5", "2,000"]
    assert_array_equal(read(path, thousands=",").frame["gdp"], [1234567.5, 2000])


def test_point_thousands_with_decimal_comma(tmp_path: Path) -> None:
    path = written(tmp_path, "iso3;year;gdp\nAAA;2000;1.234,5\nAAA;2001;12,5\n")
    with pytest.warns(SourceWarning, match="thousands='.'"):
        read(path)
    assert_array_equal(read(path, thousands=".").frame["gdp"], [1234.5, 12.5])


def test_a_number_among_words_is_named_with_its_line(tmp_path: Path) -> None:
    rows = "".join(f"AAA,{year},{year / 7}\n" for year in range(2000, 2010))
    path = written(tmp_path, "iso3,year,x\n" + rows + "AAA,2010,12.3a\n")
    with pytest.warns(SourceWarning, match=r"1 of 11 values are no numbers: '12.3a' \(row 12\)"):
        frame = read(path).frame
    assert frame["x"].iloc[-1] == "12.3a"
    clean = read(path, missing=("12.3a",)).frame
    assert clean["x"].iloc[-1] != clean["x"].iloc[-1]


def test_words_stay_words_and_namibia_stays(tmp_path: Path) -> None:
    text = "country,year,code2,x\nNamibia,2000,NA,1\nPeru,2000,PE,NA\n"
    frame = read(written(tmp_path, text)).frame
    assert frame["code2"].tolist() == ["NA", "PE"]
    assert_array_equal(frame["x"], [1, np.nan])


def test_two_letter_entity_keeps_namibia(tmp_path: Path) -> None:
    frame = read(written(tmp_path, "iso2,year,x\nNA,2000,1\nPE,2000,2\n")).frame
    assert frame["iso2"].tolist() == ["NA", "PE"]


def test_leading_zeros_of_codes_are_kept(tmp_path: Path) -> None:
    text = "mun_code,year,x\n01001,2000,1\n32058,2000,2\n"
    extract = read(written(tmp_path, text), entity="mun_code")
    assert extract.frame["mun_code"].tolist() == ["01001", "32058"]
    assert extract.frame["x"].tolist() == [1, 2]


def test_all_missing_column_is_numeric_and_noted(tmp_path: Path) -> None:
    extract = read(written(tmp_path, "iso3,year,x,z\nAAA,2000,1,..\nAAA,2001,2,\n"))
    assert extract.frame["z"].dtype == float
    assert extract.frame["z"].isna().all()
    assert "column 'z' holds no value at all" in extract.provenance.notes


def test_infinite_values_stay_for_the_design_to_refuse(tmp_path: Path) -> None:
    frame = read(written(tmp_path, "iso3,year,x,z\nAAA,2000,inf,..\nAAA,2001,2,-Inf\n")).frame
    assert_array_equal(frame["x"], [np.inf, 2])
    assert_array_equal(frame["z"], [np.nan, -np.inf])


def test_unordered_and_repeated_keys_travel_to_the_panel(tmp_path: Path) -> None:
    import migdev as md

    extract = read(written(tmp_path, "iso3,year,x\nBBB,2001,1\nAAA,2000,2\nBBB,2001,3\n"))
    with pytest.raises(ValueError, match="occur twice, first"):
        md.Panel.from_frame(extract.frame, entity=extract.keys, time=extract.time)


def test_row_numbers_and_trailing_separators_are_left_out(tmp_path: Path) -> None:
    frame = read(written(tmp_path, '"",iso3,year,x,\n1,AAA,2000,5,\n2,AAA,2001,6,\n')).frame
    assert list(frame) == ["iso3", "year", "x"]


def test_nameless_column_with_values(tmp_path: Path) -> None:
    path = written(tmp_path, "iso3,year,,x\nAAA,2000,7,5\nAAA,2001,9,6\n")
    with pytest.raises(SourceError, match="Column 3 of data.csv has values but no name"):
        read(path)


def test_repeated_column_names(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="occur twice: 'x'"):
        read(written(tmp_path, "iso3,year,x,x\nAAA,2000,1,2\n"))


def test_title_lines_above_the_header(tmp_path: Path) -> None:
    extract = read(written(tmp_path, "My remittances\n\n" + PLAIN))
    assert len(extract.frame) == 3
    assert "2 line(s) above the header left out" in extract.provenance.notes


def test_header_of_another_width(tmp_path: Path) -> None:
    text = "iso3,year\nAAA,2000,1\nAAA,2001,2\nAAA,2002,3\n"
    with pytest.raises(SourceError, match="Line 1 of data.csv has 2 fields, but most lines have 3"):
        read(written(tmp_path, text))


def test_rows_that_are_too_long(tmp_path: Path) -> None:
    text = "iso3,year,x\n" + "AAA,2000,1\n" * 5 + "AAA,2001,1,5\n"
    with pytest.raises(SourceError, match="rows of unequal length"):
        read(written(tmp_path, text))


def test_file_cut_short(tmp_path: Path) -> None:
    with pytest.warns(SourceWarning, match="last line of data.csv has 2 of 4 fields"):
        read(written(tmp_path, PLAIN + "BBB,2001"))


def test_latin1_is_read_and_told(tmp_path: Path) -> None:
    path = written(tmp_path, "country,year,x\nPerú,2000,1\n".encode("latin-1"))
    with pytest.warns(SourceWarning, match="not UTF-8 .* read as Windows-1252"):
        frame = read(path).frame
    assert frame["country"].tolist() == ["Perú"]
    assert read(path, encoding="latin-1").frame["country"].tolist() == ["Perú"]
    with pytest.raises(SourceError, match="is not utf-8"):
        read(path, encoding="utf-8")


def test_gzip_and_zip_of_one_csv(tmp_path: Path) -> None:
    packed = written(tmp_path, gzip.compress(PLAIN.encode()), "data.csv.gz")
    assert len(read(packed).frame) == 3
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        archive.writestr("folder/inner.csv", PLAIN)
        archive.writestr("readme.txt", "hello")
    assert len(read(tmp_path / "data.zip").frame) == 3


def test_damaged_archives(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not a readable zip"):
        read(written(tmp_path, b"PK\x03\x04 cut", "x.zip"))
    with pytest.raises(SourceError, match="is damaged"):
        read(written(tmp_path, gzip.compress(PLAIN.encode())[:-12], "x.csv.gz"))
    with zipfile.ZipFile(tmp_path / "y.zip", "w") as archive:
        archive.writestr("a.csv", PLAIN)
    raw = bytearray((tmp_path / "y.zip").read_bytes())
    raw[raw.index(b"AAA")] = ord("Q")
    with pytest.raises(SourceError, match="a.csv in y.zip is damaged"):
        read(written(tmp_path, bytes(raw), "y.zip"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.csv", "", "empty.csv is empty"),
        ("blank.csv", "\n \n", "blank.csv is empty"),
        ("x.docx", "a,b", "ends in '.docx'"),
        ("x.xlsx", "not a workbook", "cannot be read as an Excel file"),
        ("x.dta", "not stata", "cannot be read as a Stata file"),
        ("x.parquet", "not parquet", "cannot be read as a Parquet file"),
    ],
)
def test_bad_files(tmp_path: Path, name: str, content: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read(written(tmp_path, content, name))


def test_absent_files(tmp_path: Path) -> None:
    written(tmp_path, PLAIN, "remittances.csv")
    with pytest.raises(SourceError, match="Did you mean 'remittances.csv'"):
        read(tmp_path / "remitances.csv")
    with pytest.raises(SourceError, match="is a folder"):
        read(tmp_path)
    with pytest.raises(SourceError, match="download"):
        read("https://example.org/a.csv")


def test_keys_that_are_not_there(tmp_path: Path) -> None:
    path = written(tmp_path, PLAIN)
    with pytest.raises(SourceError, match=r"entity='iso' is not a column.* Did you mean 'iso3'"):
        read(path, entity="iso")
    extract = read(written(tmp_path, "iso3,region\nAAA,North\n", "meta.csv"))
    assert (extract.keys, extract.time) == (("iso3",), "")
    extract = read(written(tmp_path, "year,oil\n2000,28.4\n", "oil.csv"))
    assert (extract.keys, extract.time) == ((), "year")


def test_series_and_those_not_found(tmp_path: Path) -> None:
    path = written(tmp_path, PLAIN)
    assert list(read(path, series=["remit"]).frame) == ["iso3", "year", "remit"]
    with pytest.warns(SourceWarning, match=r"1 series cannot be had: remitt: .*Did you mean"):
        extract = read(path, series=["remitt", "growth"])
    assert list(extract.frame) == ["iso3", "year", "growth"]
    assert list(extract.provenance.missing) == ["remitt"]
    with pytest.raises(SourceError, match="None of the series"):
        read(path, series=["remitt"])


def test_text_columns_on_request(tmp_path: Path) -> None:
    frame = read(written(tmp_path, "iso3,year,sic\nAAA,2000,..\nAAA,2001,12\n"), text=["sic"]).frame
    assert frame["sic"].tolist() == ["..", "12"]
    with pytest.raises(SourceError, match="text= names 'sik'"):
        read(tmp_path / "data.csv", text=["sik"])


def test_options_are_checked() -> None:
    with pytest.raises(SourceError, match="format='spss'"):
        read("x.csv", format="spss")
    with pytest.raises(SourceError, match="decimal=';'"):
        read("x.csv", decimal=";")
    with pytest.raises(SourceError, match="both ','"):
        read("x.csv", decimal=",", thousands=",")


def test_numbers_that_mean_missing(tmp_path: Path) -> None:
    path = written(tmp_path, "iso3,year,x,z\nAAA,2000,-999,1\nAAA,2001,5,-999.0\n")
    extract = read(path, missing=[-999])
    assert_array_equal(extract.frame["x"], [np.nan, 5])
    assert_array_equal(extract.frame["z"], [1, np.nan])
    assert "1 values of 'x' among [-999.0] read as missing" in extract.provenance.notes
    assert extract.frame["year"].tolist() == [2000, 2001]


def test_aggregates_among_countries_are_told(tmp_path: Path) -> None:
    path = written(tmp_path, "iso3,year,x\nMEX,2000,1\nPER,2000,1\nWLD,2000,1\n")
    with pytest.warns(CountryWarning, match="1 aggregates among its countries: 'WLD'"):
        assert len(read(path).frame) == 3
    assert len(read(path, aggregates="keep").frame) == 3


def test_years_as_columns_are_told(tmp_path: Path) -> None:
    path = written(tmp_path, "iso3,series,1999,2000,2001\nMEX,x,1,2,3\nPER,x,1,2,3\n")
    with pytest.warns(SourceWarning, match="3 columns are named by years"):
        read(path)


# ---------------------------------------------------------------------- other formats

FRAME = pd.DataFrame(
    {"iso3": ["AAA", "AAA", "BBB"], "year": [2000, 2001, 2000], "x": [1.5, np.nan, 2.0]}
)


def test_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    FRAME.to_parquet(tmp_path / "a.parquet")
    assert_array_equal(read(tmp_path / "a.parquet").frame["x"], FRAME["x"])
    FRAME.set_index(["iso3", "year"]).to_parquet(tmp_path / "b.parquet")
    assert list(read(tmp_path / "b.parquet").frame) == ["iso3", "year", "x"]


def test_stata_labels_periods_and_encoded_countries(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "country": pd.Categorical(["Peru", "Peru", "Chile"]),
            "quarter": pd.to_datetime(["2000-01-01", "2000-04-01", "2000-01-01"]),
            "crisis": pd.Categorical(["no", "yes", "no"]),
            "x": [1.5, np.nan, 2.0],
        }
    )
    path = tmp_path / "a.dta"
    frame.to_stata(
        path, write_index=False, convert_dates={"quarter": "tq"}, variable_labels={"x": "A share"}
    )
    extract = read(path)
    assert extract.keys == ("country",)
    assert extract.frame["country"].tolist() == ["Peru", "Peru", "Chile"]
    assert extract.frame["crisis"].tolist() == [0, 1, 0]
    assert extract.provenance.labels == {"x": "A share"}
    assert any("value labels not applied" in note for note in extract.provenance.notes)

    import migdev as md

    panel = md.Panel.from_frame(extract.frame, entity="country", time="quarter")
    assert list(panel.periods) == ["2000Q1", "2000Q2"]


def test_excel_sheets(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    path = tmp_path / "a.xlsx"
    with pd.ExcelWriter(path) as book:
        FRAME.assign(x=["1.5", "..", 2]).to_excel(book, sheet_name="Values", index=False)
        pd.DataFrame({"note": ["a", "b"]}).to_excel(book, sheet_name="Notes", index=False)
        pd.DataFrame().to_excel(book, sheet_name="Blank", index=False)
    with pytest.raises(SourceError, match="several sheets with values, 'Values', 'Notes'"):
        read(path)
    with pytest.raises(SourceError, match="Did you mean 'Values'"):
        read(path, sheet="Value")
    for sheet in ("Values", 0):
        frame = read(path, sheet=sheet).frame
        assert_array_equal(frame["x"], FRAME["x"])
        assert frame["year"].tolist() == [2000, 2001, 2000]
    with pytest.raises(SourceError, match="has 3 sheets"):
        read(path, sheet=5)


def test_excel_title_rows_and_dates(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    grid = [
        ["My title", None, None],
        [None, None, None],
        ["iso3", "date", "x"],
        ["AAA", pd.Timestamp("2000-01-01"), 1],
        ["AAA", pd.Timestamp("2001-01-01"), 2],
    ]
    pd.DataFrame(grid).to_excel(tmp_path / "a.xlsx", index=False, header=False)
    extract = read(tmp_path / "a.xlsx")
    assert extract.time == "date"
    assert pd.api.types.is_datetime64_any_dtype(extract.frame["date"].dtype)
    assert extract.frame["x"].tolist() == [1, 2]


def test_old_excel(tmp_path: Path) -> None:
    pytest.importorskip("python_calamine")
    cells = [["iso3", "year", "x"], ["AAA", 2000.0, 1.5], ["AAA", 2001.0, 2.5]]
    extract = read(written(tmp_path, old_excel(cells), "a.xls"))
    assert extract.frame["x"].tolist() == [1.5, 2.5]
    assert extract.frame["year"].tolist() == [2000, 2001]


# ---------------------------------------------------------------------- as a source


def test_local_file_is_a_source(tmp_path: Path) -> None:
    from migdev.protocols import Source

    source = LocalFile(written(tmp_path, PLAIN))
    assert isinstance(source, Source)
    extract = source.fetch(["growth"], entities=["AAA", "ZZZ"], periods=(2001, 2005))
    assert isinstance(extract, Extract)
    assert extract.frame.to_numpy().tolist() == [["AAA", 2001, pytest.approx(np.nan, nan_ok=True)]]
    assert extract.provenance.missing == {"ZZZ": "no rows in the file"}
    with pytest.raises(SourceError, match="vintage 'unknown', not '2020'"):
        source.fetch(["growth"], vintage="2020")


def test_ragged_rows_are_told_and_not_one_column(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="Line 1 of data.csv has 3 fields, but most lines have 4"):
        read(written(tmp_path, "iso3,year,x\nAAA,2000\nBBB,2000,1,2\n"))
    text = "iso3,year,x\nAAA,2000,1\nAAA,2001\nBBB,2000,2\n\nBBB,2001,\nBBB,2002,3\n"
    with pytest.warns(SourceWarning, match="1 rows of data.csv have fewer than its 3 fields, first "
                      "line 3; what they lack is read as missing"):  # fmt: skip
        frame = read(written(tmp_path, text)).frame
    assert_array_equal(frame["x"], [1, np.nan, 2, np.nan, 3])


def test_notes_below_a_table(tmp_path: Path) -> None:
    text = PLAIN + "\nSource: Banco, Boletín, 2020, cuadro 3, p. 7\nNote, provisional\n"
    with pytest.warns(SourceWarning, match=r"2 line\(s\) below the table of data.csv are left out: "
                      "'Source: Banco"):  # fmt: skip
        extract = read(written(tmp_path, text))
    assert extract.frame.equals(read(written(tmp_path, PLAIN)).frame)
    kept = read(written(tmp_path, PLAIN + "\nBBB,2001,1,2\n")).frame  # a row after a blank line
    assert len(kept) == 4


def test_lines_as_old_macs_end_them(tmp_path: Path) -> None:
    old = read(written(tmp_path, PLAIN.replace("\n", "\r"))).frame
    assert old.equals(read(written(tmp_path, PLAIN)).frame)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("code,x\n01001,1\n02001,2\n", True),
        ('code,x\n"01001",1\n', True),
        ("x;code\n1,05; 01001\n", True),
        ("code,x\n100,0.05\n2000,1e-05\n", False),
        ("x;y\n1,05;0,5\n", False),
    ],
)
def test_zeros_in_front_of_numbers_are_seen(text: str, found: bool) -> None:
    assert _zeros_in_front(text, sniff(text, "a file")) == found


def test_rows_cut_short_are_counted_with_and_without_quotes(tmp_path: Path) -> None:
    rows = ["iso3,year,x,z", "AFG,2000,1,2", "AFG,2001", "ALB,2000,3,4", "ALB,2001,5"]
    for mark in ("", '"'):
        path = written(tmp_path, "\r\n".join([*rows, f"AGO,2001,{mark}1{mark},2"]))
        with pytest.warns(SourceWarning, match="2 rows .* fewer than its 4 fields, first line 3;"):
            read(path)


def test_codes_keep_their_zeros_beside_missing_ones(tmp_path: Path) -> None:
    frame = read(written(tmp_path, "iso3,year,zip\nAAA,2000,01001\nAAA,2001,\nBBB,2000,20\n")).frame
    assert frame["zip"].tolist()[::2] == ["01001", "20"]
    assert frame["zip"].isna().tolist() == [False, True, False]


def workbook(path: Path, fill) -> Path:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Data"
    for cells in (["iso3", "year", "x"], ["AAA", 2000, 1.5], ["AAA", 2001, 2.5]):
        sheet.append(cells)
    fill(book, sheet)
    book.save(path)
    return path


def test_formulas_that_were_never_calculated(tmp_path: Path) -> None:
    def formula(book, sheet) -> None:
        sheet["C3"] = "=C2*2"

    with pytest.raises(SourceError, match="Sheet 'Data' of a.xlsx has 1 formulas without a result: "
                       "'C3'. Open and save it"):  # fmt: skip
        read(workbook(tmp_path / "a.xlsx", formula))

    def elsewhere(book, sheet) -> None:
        book.create_sheet("Notes")["A1"] = "=1+1"

    assert read(workbook(tmp_path / "b.xlsx", elsewhere), sheet="Data").frame["x"].tolist() == [
        1.5,
        2.5,
    ]


def test_formulas_with_their_results_are_values(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", lambda book, sheet: sheet.__setitem__("C3", "=C2*2"))
    calculated = tmp_path / "b.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(calculated, "w") as new:
        for name in old.namelist():
            body = old.read(name)
            if name.endswith("sheet1.xml"):
                assert b"<f>C2*2</f><v" in body
                body = re.sub(
                    rb"<f>C2\*2</f><v ?/>|<f>C2\*2</f><v></v>", b"<f>C2*2</f><v>3</v>", body
                )
            new.writestr(name, body)
    assert read(calculated).frame["x"].tolist() == [1.5, 3.0]


def test_files_that_unpack_without_measure(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("migdev.sources.read.formats.LARGEST", 100_000)
    monkeypatch.setattr("migdev.sources.read.files.LARGEST", 100_000)
    bomb = b"iso3,year,x\n" + b"AAA,2000,1\n" * 200_000
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.csv", bomb)
    with pytest.raises(
        SourceError, match=r"data.csv in a.zip unpacks to 0.0 GB from 0.0 MB, as no"
    ):
        read(tmp_path / "a.zip")
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(bomb))
    with pytest.raises(SourceError, match="a.csv.gz unpacks to a hundred times its size"):
        read(tmp_path / "a.csv.gz")


def test_line_ends_of_two_kinds(tmp_path: Path) -> None:
    """An old Mac's line ends inside lines of a newer one are read, or refused by name."""
    path = written(tmp_path, "iso3,year,x\nAAA,2000,1\rAAA,2001,2\nAAA,2002,3\n")
    assert read(path).frame["x"].tolist() == [1, 2, 3]
    path = written(tmp_path, "iso3,year,x\rAAA,2000,1\nAAA,2001,2\n")
    with pytest.raises(SourceError, match="data.csv is no table of separated values"):
        read(path)
