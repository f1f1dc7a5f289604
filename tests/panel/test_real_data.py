"""From real files to a panel of windows: known figures on the way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import migdev as md
from migdev.errors import JoinWarning

REMIT = "BX.TRF.PWKR.DT.GD.ZS"


@pytest.fixture(scope="module")
def wdi(data_dir: Path) -> md.Extract:
    return md.read(data_dir / "wdi_panel.csv")


def value(panel: md.Panel, iso3: str, year: int, column: str) -> float:
    frame = panel.frame
    return float(frame.loc[(frame["iso3"] == iso3) & (frame["year"] == year), column].iloc[0])


def test_known_figures(wdi: md.Extract) -> None:
    assert (wdi.keys, wdi.time, len(wdi.frame)) == (("iso3",), "year", 14_105)
    panel = md.Panel.from_extract(wdi)
    assert len(panel.entities) == 217
    assert value(panel, "TJK", 2013, REMIT) > 40
    assert value(panel, "MEX", 2023, "remit_pct_gdp_derived") == pytest.approx(3.7, abs=0.05)
    assert value(panel, "LSO", 1990, REMIT) == pytest.approx(167, abs=0.5)
    told = panel.describe().variables.loc[REMIT]
    assert (told["n"], told["entities"], told["first"], told["last"]) == (6495, 197, 1970, 2020)


def test_numbers_are_those_of_another_reader(wdi: md.Extract, data_dir: Path) -> None:
    import csv

    with open(data_dir / "wdi_panel.csv", encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream)
        ours = wdi.frame[REMIT].to_numpy()
        for i, row in enumerate(rows):
            text = row[REMIT]
            assert ours[i] == float(text) if text else np.isnan(ours[i])


def test_join_of_three_files_and_windows(wdi: md.Extract, data_dir: Path) -> None:
    finance = md.read(data_dir / "financial_structure_2019.csv")
    meta = md.read(data_dir / "country_meta.csv")
    assert meta.time == ""
    with pytest.warns(JoinWarning) as caught:
        panel = md.join({"wdi": wdi, "finance": finance, "meta": meta})
    text = str(caught[0].message)
    assert "'finance' has no match for 5,336 of 14,105 rows" in text
    assert "(19 of 217 entities not at all" in text
    assert "meta" not in text
    assert len(panel) == 14_105
    assert (
        panel["private_credit_dmb_gdp"].notna().sum()
        == finance.frame["private_credit_dmb_gdp"].notna().sum()
    )
    poorer = panel.where(lambda p: (p["income_group"] != "High income").to_numpy(), "high income")
    made = poorer.windows(5, min_obs=3, start=1960, how={"vol": ("NY.GDP.PCAP.KD.ZG", "std")})
    assert (made.periods[0], made.periods[-1]) == ("1960-1964", "2020-2024")
    frame = poorer.frame
    rows = frame[(frame["iso3"] == "SLV") & frame["year"].between(2000, 2004)]
    cell = made.frame[(made.frame["iso3"] == "SLV") & (made.frame["window"] == 2000)].iloc[0]
    assert cell[REMIT] == pytest.approx(rows[REMIT].mean(), rel=1e-14)
    assert cell["vol"] == pytest.approx(rows["NY.GDP.PCAP.KD.ZG"].std(), rel=1e-13)
    assert cell["region"] == "Latin America & Caribbean"


def test_every_file_of_countries_and_years_is_read(data_dir: Path) -> None:
    names = "pwt1001 imf_weo_apr2019 gfdd_2002_2021 un_sdg_remittances wdi_poverty_2011ppp"
    for name in [*names.split(), "bis_reer_annual", "replication_cmps_remittances"]:
        extract = md.read(data_dir / f"{name}.csv")
        assert (extract.keys, extract.time) != ((), "")
        assert extract.provenance.sha256


def test_municipal_codes_keep_their_zeros(data_dir: Path) -> None:
    extract = md.read(data_dir / "mexico_municipal.csv", entity="mun_code")
    codes = extract.frame["mun_code"]
    assert codes.str.len().eq(5).all()
    assert codes.str.startswith("0").any()
