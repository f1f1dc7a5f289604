"""X1 on real data: do remittances develop, steady, relieve, and what do they do to production?

Low- and middle-income countries in five-year windows from 1980. The answer holds to the plan that
was registered before the question was first run on real data, docs/plans/X1.json.
"""

import os
import sys
import tempfile
import warnings
from pathlib import Path

import pandas as pd

import migdev as md
from migdev.errors import MigdevWarning

DATA = Path(os.environ.get("MIGDEV_DATA", "../shared/data"))
PLAN = Path(__file__).parents[1] / "docs" / "plans" / "X1.json"


def poverty_gaps(folder: Path) -> pd.DataFrame:
    """Gaps at $2.15 a day of national surveys, in % of the line, of one kind of welfare for each
    country: that of most surveys, since income and consumption do not compare."""
    surveys = pd.read_csv(folder / "pip_surveys_2023_215.csv").query(
        "reporting_level == 'national'"
    )
    counts = surveys.groupby(["iso3", "welfare_type"]).size()
    kinds = counts.sort_values(kind="stable").groupby("iso3").tail(1).index
    surveys = surveys.set_index(["iso3", "welfare_type"]).loc[kinds].reset_index()
    surveys = surveys.drop_duplicates(["iso3", "year"], keep="last")
    return surveys.assign(**{"SI.POV.GAPS": 100 * surveys.poverty_gap})[
        ["iso3", "year", "SI.POV.GAPS"]
    ]


def emigrants(folder: Path) -> pd.DataFrame:
    """Persons born in a country who live in others, every five years from 1990."""
    stocks = (
        pd.read_csv(folder / "un_migrant_stock_2019rev.csv")
        .groupby("origin_iso3")
        .sum(numeric_only=True)
    )
    long = stocks.rename(columns=lambda c: int(c.removeprefix("stock_"))).stack()
    return long.rename_axis(["iso3", "year"]).rename("emigrant_stock").reset_index()


def real_panel(folder: Path, first: int = 1980, last: int = 2024) -> md.Panel:
    """The series of X1 from the files of the folder."""
    production = pd.read_csv(folder / "pwt110.csv", usecols=["iso3", "year", "rtfpna", "labsh"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MigdevWarning)  # surveys and stocks are of few years
        return md.join(
            {
                "wdi": md.read(folder / "wdi_panel.csv"), "more": md.read(folder / "wdi_more.csv"),
                "countries": md.read(folder / "country_meta.csv"),
                "poverty": md.read(folder / "wdi_poverty_inequality_2021ppp.csv"),
                "gaps": poverty_gaps(folder), "production": production,
                "emigrants": emigrants(folder),
            },
            rename={"more": {"SI.POV.GAPS": None}},  # gaps at a former line
        ).between(first, last)  # fmt: skip


def main(out: Path) -> None:
    question = md.hypotheses.get("X1")
    panel = question.prepare(real_panel(DATA))
    answer = question.study().run(panel, plan=PLAN)
    print(answer)
    for name, fit in answer.main.fits.items():
        print(f"\n{name}, by outcome\n{fit.outcomes.to_string(float_format='{:.4g}'.format)}")
    for title, table in (("Placebos and leads", answer.placebos), ("Other forms", answer.forms)):
        told = table[table["outcome"] == "index"].drop(columns=["outcome", "failure"])
        print(f"\n{title}\n{told.to_string(index=False, float_format='{:.4g}'.format)}")
    print(f"\nWho carries the estimates\n{answer.carriers.to_string(float_format='{:.3g}'.format)}")
    out.mkdir(parents=True, exist_ok=True)
    answer.report(out / "X1.html")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()))
