"""Column mappings: the user's names to the World Bank's codes."""

from __future__ import annotations

from pathlib import Path

import pytest
from numpy.testing import assert_allclose

from migdev.errors import SourceError
from migdev.sources.read.local import read
from migdev.sources.read.mapping import ColumnMapping

CSV = "pais;anio;crecimiento;remesas;otra\nMEX;2000;4,94;0,0107;1\nPER;2000;1,1;0,0134;2\n"
TOML = """
entity = "pais"
time = "anio"

[columns]
crecimiento = "NY.GDP.PCAP.KD.ZG"
remesas = "BX.TRF.PWKR.DT.GD.ZS"

[scale]
remesas = 100

[units]
"BX.TRF.PWKR.DT.GD.ZS" = "% of GDP"

[source]
publisher = "Banco"
vintage = "2024-05"
licence = "CC BY 4.0"
"""


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "datos.csv"
    path.write_text(CSV, encoding="utf-8")
    return path


def toml(folder: Path, text: str) -> Path:
    path = folder / "mapping.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_toml(tmp_path: Path, csv: Path) -> None:
    extract = read(csv, columns=toml(tmp_path, TOML))
    assert (extract.keys, extract.time) == (("pais",), "anio")
    assert list(extract.frame) == [
        "pais", "anio", "NY.GDP.PCAP.KD.ZG", "BX.TRF.PWKR.DT.GD.ZS", "otra",
    ]  # fmt: skip
    # one rounding of a product of doubles
    assert_allclose(extract.frame["BX.TRF.PWKR.DT.GD.ZS"], [1.07, 1.34], rtol=4e-16)
    told = extract.provenance
    assert (told.publisher, told.vintage, told.licence) == ("Banco", "2024-05", "CC BY 4.0")
    assert told.units == {"BX.TRF.PWKR.DT.GD.ZS": "% of GDP"}
    assert "'remesas' multiplied by 100" in told.notes


def test_keys_may_be_renamed_too(tmp_path: Path, csv: Path) -> None:
    text = "entity = 'pais'\ntime = 'anio'\n[columns]\npais = 'iso3'\nanio = 'year'\n"
    extract = read(csv, columns=toml(tmp_path, text))
    assert (extract.keys, extract.time) == (("iso3",), "year")


def test_dictionary(csv: Path) -> None:
    frame = read(csv, entity="pais", columns={"remesas": "BX.TRF.PWKR.DT.GD.ZS"}).frame
    assert "BX.TRF.PWKR.DT.GD.ZS" in frame


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[columns]\nremesa = 'A'",
            r"names 'remesa', not in datos.csv. 'remesa': Did you mean 'rem",
        ),
        ("[columns]\nremesas = 'A'\ncrecimiento = 'A'", "gives 'A' to 'remesas', 'crecimiento'"),
        ("[columns]\nremesas = 'otra'", "has 'otra' already"),
        ("[columns]\n'A.B' = 'remesas'", "wrong way round for datos.csv: .* remesas = 'A.B'"),
        ("[columns]\nA.B = 'remesas'", "Put names with dots in quotes"),
        (
            "[column]\nremesas = 'A'",
            "'column', which means nothing here. Did you mean 'columns'",
        ),
        ("[columns\nremesas = 'A'", "is not TOML"),
        ("[scale]\nremesas = '100'", "is not a number"),
        ("[scale]\npais = 100", "scales 'pais', but it holds text"),
        ("[source]\nauthor = 'x'", "not 'author'"),
        ("columns = 3", "must be a table"),
        ("entity = ['a', 'b']", "names 'a', 'b', not in datos.csv"),
        ("entity = 3", "must be the name of a column, or several"),
        ("time = ['a', 'b']", "must be the name of one column"),
    ],
)
def test_mistakes(tmp_path: Path, csv: Path, text: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read(csv, columns=toml(tmp_path, text))


def test_absent_file(csv: Path) -> None:
    with pytest.raises(SourceError, match="no mapping file"):
        read(csv, columns="nowhere.toml")


def test_a_mapping_is_its_own_reading() -> None:
    mapping = ColumnMapping(columns={"a": "b"})
    assert ColumnMapping.read(mapping) is mapping


def test_one_mapping_for_several_files(tmp_path: Path, csv: Path) -> None:
    """Lines about columns that a file lacks are passed over, and its facts with them."""
    other = tmp_path / "other.csv"
    other.write_text("iso3,year,z\nMDA,2000,1\n")
    mapping = ColumnMapping(
        columns={"z": "Z", "nowhere": "N"}, scale={"z": 10, "nowhere": 2}, entity="pais",
        source={"publisher": "A bank"}, partial=True,
    )  # fmt: skip
    extract = read(other, columns=mapping)
    assert extract.frame["Z"].tolist() == [10]
    assert extract.keys == ("iso3",) and extract.provenance.publisher == "A bank"
    assert read(csv, columns=mapping).provenance.publisher == "local file"
    with pytest.raises(SourceError, match="names 'nowhere'"):
        read(other, columns={"nowhere": "N"})
