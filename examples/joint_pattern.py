"""X1 on real data: which joint pattern of growth, volatility, poverty and dependence?

Low- and middle-income countries, 1980-2019 in five-year windows. The plan is written before the
fit, and the answer holds to it.
"""

import os
import sys
import tempfile
import warnings
from pathlib import Path

import migdev as md
from migdev.errors import JoinWarning

DATA = os.environ.get("MIGDEV_DATA", "../shared/data")


def main(out: Path) -> None:
    warnings.simplefilter("ignore", JoinWarning)  # most countries have no survey in most years
    names = ("wdi_panel", "country_meta", "wdi_poverty_inequality_2021ppp")
    panel = md.join([md.read(f"{DATA}/{name}.csv") for name in names]).between(1980, 2019)
    question = md.hypotheses.get("X1")
    study = question.study()
    study.preregister(out / "plan.json")
    answer = study.run(question.prepare(panel), plan=out / "plan.json")
    print(answer)
    answer.report(out / "X1.html")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()))
