"""Codes of countries, of states that no longer exist, and of the World Bank's aggregates.

The names of current countries are in ``countries.tsv``: ISO 3166 codes, the English name as the
World Bank writes it, and other names in use. ``CHI`` (Channel Islands) and ``XKX`` (Kosovo) are
not in ISO 3166 but in the World Bank's data, and are kept under its codes.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

# The same state under an older code: of ISO 3166-3, of the World Bank before 2016, of the IMF.
RETIRED = {
    "ADO": "AND", "AFI": "DJI", "BUR": "MMR", "BYS": "BLR", "DHY": "BEN", "HVO": "BFA",
    "IMY": "IMN", "KOS": "XKX", "KSV": "XKX", "NHB": "VUT", "PSX": "PSE", "RHO": "ZWE",
    "ROM": "ROU", "SDS": "SSD", "TMP": "TLS", "UNK": "XKX", "UVK": "XKX", "WBG": "PSE",
    "ZAR": "COD",
}  # fmt: skip

# Two-letter codes outside ISO 3166-1: Eurostat's, and retired ones that name one state.
OTHER_ALPHA2 = {
    "AN": "ANT", "BU": "MMR", "DD": "DDR", "EL": "GRC", "SU": "SUN", "TP": "TLS", "UK": "GBR",
    "YD": "YMD", "YU": "YUG", "ZR": "COD",
}  # fmt: skip

# Numbers of the United Nations that are no longer given out.
RETIRED_NUMBERS = {
    "200": "CSK", "230": "ETH", "278": "DDR", "280": "GFR", "530": "ANT", "582": "PCI",
    "720": "YMD", "736": "SDN", "810": "SUN", "886": "YAR", "890": "YUG", "891": "SCG",
}  # fmt: skip

# States that kept their code when part of them left: the last year with it, and what left.
PARTED = {"SDN": (2011, "South Sudan"), "ETH": (1993, "Eritrea")}

# Words of official names that say nothing of which country it is.
GENERIC = frozenset(
    "of republic rep kingdom democratic dem peoples people federation federal federative fed state "
    "states islamic arab socialist commonwealth principality sultanate union united plurinational "
    "bolivarian cooperative co operative independent territory territories island islands is "
    "country nation duchy grand".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DissolvedState:
    """A state or territory that no longer exists.

    Attributes
    ----------
    first, last : int
        First and last year to which annual data under this code refer.
    successors : tuple of str
        ISO3 codes of the states that hold its territory now.
    continuing : str
        The one successor that is commonly treated as the same state, or ``""``.
    afterwards : str
        The state that bore the same code after ``last``, or ``""``.
    """

    code: str
    name: str
    first: int
    last: int
    successors: tuple[str, ...]
    continuing: str = ""
    afterwards: str = ""
    other_names: tuple[str, ...] = ()


def _state(
    code: str,
    name: str,
    years: tuple[int, int],
    successors: str,
    continuing: str = "",
    afterwards: str = "",
    other_names: tuple[str, ...] = (),
) -> DissolvedState:
    return DissolvedState(
        code=code, name=name, first=years[0], last=years[1],
        successors=tuple(successors.split()), continuing=continuing,
        afterwards=afterwards, other_names=other_names,
    )  # fmt: skip


DISSOLVED = {
    state.code: state
    for state in (
        _state("SUN", "Soviet Union", (1922, 1991),
               "ARM AZE BLR EST GEO KAZ KGZ LTU LVA MDA RUS TJK TKM UKR UZB", "RUS",
               other_names=("USSR", "U.S.S.R.", "USSR, Union of Soviet Socialist Republics",
                            "Union of Soviet Socialist Republics", "Soviet Union (former)",
                            "Former USSR", "Former Soviet Union", "USSR (Soviet Union)")),
        # Four republics declared independence in 1991; under YUG the World Bank and ISO went on
        # with the Federal Republic of 1992, which became Serbia and Montenegro.
        _state("YUG", "Yugoslavia", (1918, 1991), "BIH HRV MKD MNE SRB SVN XKX", "SRB", "SCG",
               ("Yugoslavia, SFR", "Yugoslavia, SFR (former)", "Yugoslavia (former)",
                "Former Yugoslavia", "Socialist Federal Republic of Yugoslavia")),
        _state("SCG", "Serbia and Montenegro", (1992, 2006), "MNE SRB XKX", "SRB",
               other_names=("Yugoslavia, FR", "Yugoslavia, Fed. Rep.", "Yugoslavia, FR "
                            "(Serbia/Montenegro)", "Federal Republic of Yugoslavia")),
        _state("CSK", "Czechoslovakia", (1918, 1992), "CZE SVK",
               other_names=("Czechoslovakia (former)", "Former Czechoslovakia")),
        _state("DDR", "German Democratic Republic", (1949, 1990), "DEU",
               other_names=("East Germany", "Germany, East", "Germany, Dem. Rep.", "GDR",
                            "German Democratic Republic (former)")),
        _state("GFR", "Germany, West", (1949, 1990), "DEU", "DEU",
               other_names=("West Germany", "German Federal Republic", "Germany, Fed. Rep. of "
                            "(former)", "Germany, Federal Republic of (former)")),
        _state("YMD", "Yemen, PDR", (1967, 1990), "YEM",
               other_names=("South Yemen", "Yemen, South", "Yemen, People's Democratic Republic",
                            "Yemen, Democratic", "Democratic Yemen",
                            "People's Democratic Republic of Yemen", "Yemen, PDR (former)")),
        _state("YAR", "Yemen Arab Republic", (1918, 1990), "YEM", "YEM",
               other_names=("North Yemen", "Yemen, North", "Yemen Arab Republic (former)")),
        _state("ANT", "Netherlands Antilles", (1954, 2010), "ABW BES CUW SXM",
               other_names=("Netherlands Antilles (former)", "Dutch Antilles")),
        _state("VDR", "Vietnam, North", (1945, 1976), "VNM",
               other_names=("North Vietnam", "Vietnam, Democratic Republic of",
                            "Viet-Nam, Democratic Republic of", "North Viet Nam")),
        _state("RVN", "Vietnam, South", (1955, 1975), "VNM",
               other_names=("South Vietnam", "Republic of Vietnam", "Vietnam, Republic of",
                            "South Viet Nam")),
        _state("PCZ", "Panama Canal Zone", (1903, 1979), "PAN",
               other_names=("Fmr Panama Canal Zone", "Former Panama Canal Zone")),
        _state("PCI", "Pacific Islands Trust Territory", (1947, 1986), "FSM MHL MNP PLW",
               other_names=("Pacific Islands (trust territory)", "Trust Territory of the Pacific "
                            "Islands")),
        _state("GEL", "Gilbert and Ellice Islands", (1892, 1979), "KIR TUV"),
        _state("NTZ", "Neutral Zone", (1922, 1991), "IRQ SAU"),
        _state("SKM", "Sikkim", (1642, 1975), "IND"),
        _state("FXX", "France, Metropolitan", (1993, 1997), "FRA", "FRA",
               other_names=("Metropolitan France",)),
        _state("CTE", "Canton and Enderbury Islands", (1939, 1979), "KIR"),
        _state("JTN", "Johnston Island", (1858, 1986), "UMI"),
        _state("MID", "Midway Islands", (1867, 1986), "UMI"),
        _state("PUS", "US Miscellaneous Pacific Islands", (1856, 1986), "UMI"),
        _state("WAK", "Wake Island", (1899, 1986), "UMI"),
        _state("ATB", "British Antarctic Territory", (1962, 1979), "ATA"),
        _state("ATN", "Dronning Maud Land", (1939, 1983), "ATA"),
    )
}  # fmt: skip

# Aggregates of the World Bank's databases by code, with older and newer names after a bar.
AGGREGATES = {
    # world, regions and parts of regions
    "WLD": "World",
    "AFR": "Africa",
    "AFE": "Africa Eastern and Southern",
    "AFW": "Africa Western and Central",
    "ARB": "Arab World",
    "EAS": "East Asia & Pacific|East Asia & Pacific (all income levels)",
    "EAP": "East Asia & Pacific (excluding high income)|East Asia & Pacific (developing only)",
    "ECS": "Europe & Central Asia|Europe & Central Asia (all income levels)",
    "ECA": "Europe & Central Asia (excluding high income)|Europe & Central Asia (developing only)",
    "LCN": "Latin America & Caribbean|Latin America & Caribbean (all income levels)|"
    "Latin America and the Caribbean",
    "LAC": "Latin America & Caribbean (excluding high income)|"
    "Latin America & Caribbean (developing only)",
    "MEA": "Middle East & North Africa|Middle East & North Africa (all income levels)|"
    "Middle East, North Africa, Afghanistan & Pakistan",
    "MNA": "Middle East & North Africa (excluding high income)|"
    "Middle East & North Africa (developing only)|"
    "Middle East, North Africa, Afghanistan & Pakistan (excluding high income)",
    "MDE": "Middle East (developing only)",
    "NAF": "North Africa",
    "NAC": "North America",
    "SAS": "South Asia",
    "SSF": "Sub-Saharan Africa|Sub-Saharan Africa (all income levels)",
    "SSA": "Sub-Saharan Africa (excluding high income)|Sub-Saharan Africa (developing only)",
    "SXZ": "Sub-Saharan Africa excluding South Africa",
    "XZN": "Sub-Saharan Africa excluding South Africa and Nigeria",
    "NRS": "Non-resource rich Sub-Saharan Africa countries",
    "RRS": "Resource rich Sub-Saharan Africa countries",
    "ANR": "Andean Region",
    "MCA": "Mexico and Central America|Central America",
    "SCE": "Southern Cone Extended|Southern Cone",
    # unions
    "CEB": "Central Europe and the Baltics",
    "EMU": "Euro area",
    "EUU": "European Union",
    "OED": "OECD members",
    # income groups
    "HIC": "High income",
    "OEC": "High income: OECD",
    "NOC": "High income: nonOECD",
    "LIC": "Low income",
    "LMC": "Lower middle income",
    "LMY": "Low & middle income",
    "MIC": "Middle income",
    "UMC": "Upper middle income",
    "INX": "Not classified",
    # lending groups
    "IBB": "IBRD, including blend",
    "IBD": "IBRD only",
    "IBT": "IDA & IBRD total",
    "IDA": "IDA total",
    "IDB": "IDA blend",
    "IDX": "IDA only",
    "DXS": "IDA total, excluding Sub-Saharan Africa",
    "BHI": "IBRD countries classified as high income",
    "BEA": "East Asia & Pacific (IBRD-only countries)",
    "BEC": "Europe & Central Asia (IBRD-only countries)",
    "BLA": "Latin America & the Caribbean (IBRD-only countries)",
    "BMN": "Middle East & North Africa (IBRD-only countries)|"
    "Middle East, North Africa, Afghanistan & Pakistan (IBRD only)",
    "BSS": "Sub-Saharan Africa (IBRD-only countries)",
    "DEA": "East Asia & Pacific (IDA-eligible countries)",
    "DEC": "Europe & Central Asia (IDA-eligible countries)",
    "DLA": "Latin America & the Caribbean (IDA-eligible countries)",
    "DMN": "Middle East & North Africa (IDA-eligible countries)|"
    "Middle East, North Africa, Afghanistan & Pakistan (IDA total)",
    "DSA": "South Asia (IDA-eligible countries)",
    "DSS": "Sub-Saharan Africa (IDA-eligible countries)",
    "TEA": "East Asia & Pacific (IDA & IBRD countries)|East Asia & Pacific (IDA & IBRD)",
    "TEC": "Europe & Central Asia (IDA & IBRD countries)|Europe & Central Asia (IDA & IBRD)",
    "TLA": "Latin America & the Caribbean (IDA & IBRD countries)|"
    "Latin America & Caribbean (IDA & IBRD)",
    "TMN": "Middle East & North Africa (IDA & IBRD countries)|"
    "Middle East & North Africa (IDA & IBRD)|"
    "Middle East, North Africa, Afghanistan & Pakistan (IDA & IBRD)",
    "TSA": "South Asia (IDA & IBRD)",
    "TSS": "Sub-Saharan Africa (IDA & IBRD countries)|Sub-Saharan Africa (IDA & IBRD)",
    "CAA": "Sub-Saharan Africa (IFC classification)",
    "CEA": "East Asia and the Pacific (IFC classification)",
    "CEU": "Europe and Central Asia (IFC classification)",
    "CLA": "Latin America and the Caribbean (IFC classification)",
    "CME": "Middle East and North Africa (IFC classification)",
    "CSA": "South Asia (IFC classification)",
    # situations, small states, stages of the demographic dividend
    "FCS": "Fragile and conflict affected situations",
    "DFS": "IDA countries classified as fragile situations",
    "DNF": "IDA countries not classified as fragile situations",
    "DSF": "IDA countries in Sub-Saharan Africa classified as fragile situations",
    "DNS": "IDA countries in Sub-Saharan Africa not classified as fragile situations",
    "FXS": "IDA countries classified as fragile situations, excluding Sub-Saharan Africa",
    "NXS": "IDA countries not classified as fragile situations, excluding Sub-Saharan Africa",
    "HPC": "Heavily indebted poor countries (HIPC)",
    "LDC": "Least developed countries: UN classification|Least developed countries",
    "SST": "Small states",
    "CSS": "Caribbean small states",
    "PSS": "Pacific island small states",
    "OSS": "Other small states",
    "PRE": "Pre-demographic dividend",
    "EAR": "Early-demographic dividend",
    "LTE": "Late-demographic dividend",
    "PST": "Post-demographic dividend",
}


@dataclass(frozen=True, slots=True)
class Country:
    """A row of ``countries.tsv``."""

    iso3: str
    iso2: str
    numeric: str
    name: str
    other_names: tuple[str, ...]


@cache
def countries() -> dict[str, Country]:
    """Current countries and territories by ISO3 code."""
    text = files("migdev.panel").joinpath("countries.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines()[1:]]
    return {
        iso3: Country(iso3, iso2, numeric, name, tuple(other.split("|")) if other else ())
        for iso3, iso2, numeric, name, other in rows
    }


@cache
def by_alpha2() -> dict[str, str]:
    return {c.iso2: c.iso3 for c in countries().values()} | OTHER_ALPHA2


@cache
def by_number() -> dict[str, str]:
    current = {c.numeric: c.iso3 for c in countries().values() if c.numeric}
    return RETIRED_NUMBERS | current


@cache
def by_name() -> dict[str, str]:
    """Normalised English names of countries, dissolved states and aggregates, to codes."""
    names: dict[str, str] = {}
    for code, joined in AGGREGATES.items():
        names |= {plain(name): code for name in joined.split("|")}
    for state in DISSOLVED.values():
        names |= {plain(name): state.code for name in (state.name, *state.other_names)}
    for country in countries().values():
        names |= {plain(name): country.iso3 for name in (country.name, *country.other_names)}
    return names


def plain(name: str) -> str:
    """A name without accents, case, punctuation and articles, for comparison."""
    text = unicodedata.normalize("NFKD", name.casefold().replace("&", " and "))
    text = "".join(c for c in text if not unicodedata.combining(c))
    text = re.sub(r"['’`.]", "", text)
    words = re.sub(r"[^a-z0-9]+", " ", text).split()
    return " ".join("saint" if w == "st" else w for w in words if w != "the")
