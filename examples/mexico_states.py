"""X1 within Mexico: the joint question asked of the 32 states, 2003-2024.

Windows of five years end with the census years, when marginalisation was counted, so the panel
begins with 2001. The answer holds to the plan that was registered before the question was first
run on real data, docs/plans/X1-MX.json.
"""

import os
import sys
import tempfile
from pathlib import Path

import pandas as pd

import migdev as md

DATA = Path(os.environ.get("MIGDEV_DATA", "../shared/data"))
PLAN = Path(__file__).parents[1] / "docs" / "plans" / "X1-MX.json"
NATION = 0


def yearly_remittances(folder: Path) -> pd.Series:
    """US$ that each state received in each year of four quarters."""
    quarters = pd.read_csv(folder / "mexico" / "state_quarterly.csv", parse_dates=["quarter"])
    years = quarters["quarter"].dt.year.rename("year")
    by_year = quarters.groupby(["state_code", years])["remittances_usd"]
    return by_year.sum(min_count=4)


def states_panel(folder: Path, first: int = 2001, last: int = 2024) -> md.Panel:
    """The series of X1-MX by state and year; those that begin later are missing before."""
    keys = ["state_code", "year"]
    product = pd.read_csv(folder / "mexico" / "state_gdp_annual.csv").query(
        "state_code != @NATION", local_dict={"NATION": NATION}
    )
    names = product.groupby("state_code")["state"].first()
    marginal = pd.read_csv(folder / "mexico_state_marginalisation.csv")
    frame = (
        pd.read_csv(folder / "mexico" / "state_population_annual.csv")
        .set_index(keys)
        .join(product.set_index(keys)[["gdp_constant_mxn_mn", "va_31_33"]])
        .join(yearly_remittances(folder))
        .join(marginal.set_index(keys)[["analf", "sbasc", "ovpt", "po2sm"]])
        .reset_index()
    )
    frame["state"] = frame.pop("state_code").map(names)
    return md.Panel.from_frame(frame, entity="state", time="year").between(first, last)


def main(out: Path) -> None:
    question = md.hypotheses.get("X1-MX")
    answer = question.run(states_panel(DATA), plan=PLAN)
    print(answer)
    for name, fit in answer.main.fits.items():
        print(f"\n{name}, by outcome\n{fit.outcomes.to_string(float_format='{:.4g}'.format)}")
    leads = answer.placebos[answer.placebos["outcome"] == "index"].drop(
        columns=["outcome", "failure"]
    )
    print(f"\nLeads\n{leads.to_string(index=False, float_format='{:.4g}'.format)}")
    print(f"\nWho carries the estimates\n{answer.carriers.to_string(float_format='{:.3g}'.format)}")
    out.mkdir(parents=True, exist_ok=True)
    answer.report(out / "X1-MX.html")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()))
