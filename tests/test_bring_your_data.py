"""The page docs/how-to/bring-your-data.md runs from top to bottom on small made-up files."""

from __future__ import annotations

import re
import warnings
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from migdev.errors import MigdevWarning

PAGE = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "bring-your-data.md"


def test_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    years = range(1980, 1990)
    remit, growth = "BX.TRF.PWKR.DT.GD.ZS", "NY.GDP.PCAP.KD.ZG"
    lines = ["Country Name,Country Code,Indicator Name,Indicator Code," + ",".join(map(str, years))]
    for code in (remit, growth):
        for iso3 in ("MEX", "PER", "WLD"):
            values = ",".join(str((hash_free(iso3) * y) % 7) for y in years)
            lines.append(f"{iso3},{iso3},Series,{code},{values}")
    with zipfile.ZipFile(tmp_path / "WDI_CSV.zip", "w") as archive:
        archive.writestr("WDICSV.csv", "\n".join(lines))
        archive.writestr(
            "WDICountry.csv",
            "Country Code,Short Name,Region,Income Group\nMEX,Mexico,LAC,Upper\nPER,Peru,LAC,Low\n",
        )
    text = "pais;anio;crecimiento;remesas\nMéxico;1980;4,9;0,01\nPerú;1980;1,1;0,02\n"
    (tmp_path / "panel.csv").write_text(text, encoding="utf-8")
    (tmp_path / "finance.csv").write_text(
        "iso3,year,credit\nMEX,1980,12\nPER,1999,20\n", encoding="utf-8"
    )
    (tmp_path / "flows.csv").write_text(
        "origin,destination,year,remit\nMEX,USA,1980,3\nPER,USA,1980,2\n", encoding="utf-8"
    )
    (tmp_path / "mapping.toml").write_text(
        next(body for kind, body in blocks if kind == "toml"), encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {
        "frame": pd.DataFrame({"country": ["Mexico", "ROM"], "year": 1980, "x": 1.0})
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MigdevWarning)
        for kind, body in blocks:
            if kind == "python":
                exec(compile(body, str(PAGE), "exec"), names)
    assert list(names["frame"]["country"]) == ["MEX", "ROU"]
    assert list(names["mine"].frame["pais"]) == ["MEX", "PER"]
    assert names["flows"].keys == ("origin", "destination")
    assert list(names["windows"].periods) == ["1980-1984", "1985-1989"]
    assert "volatility" in names["windows"]
    assert set(names["report"].input_only["input"]) == {"finance.csv"}


def hash_free(text: str) -> int:
    return sum(map(ord, text))
