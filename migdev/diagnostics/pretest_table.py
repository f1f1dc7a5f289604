"""The customary table of pre-tests for a set of variables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from migdev.diagnostics.dependence.cross_section import pesaran_cd
from migdev.diagnostics.unit_roots.cips import cips
from migdev.diagnostics.unit_roots.fisher import fisher
from migdev.diagnostics.unit_roots.ips import ips
from migdev.errors import SpecificationError
from migdev.notes import collect, warn
from migdev.options import Short
from migdev.panel.panel import Panel
from migdev.results.panel_test import PanelTest


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PretestTable:
    """Dependence and unit roots, variable by variable.

    Attributes
    ----------
    frame : DataFrame
        One row per variable: ``CD, CD_p, IPS, IPS_p, Fisher_Z, Fisher_Z_p, CIPS, CIPS_5%`` and the
        same unit-root tests of first differences with the prefix ``D_``.
    tests : mapping from (variable, column) to PanelTest
    note : str
    """

    frame: pd.DataFrame
    tests: dict[tuple[str, str], PanelTest]
    note: str

    def __str__(self) -> str:
        changes = self.frame.columns.str.startswith("D_")
        parts = [self.frame.loc[:, ~changes], self.frame.loc[:, changes]]
        tables = [t.to_string(float_format=lambda v: f"{v:.3f}") for t in parts if len(t.columns)]
        return "\n".join([*tables, self.note])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"{self.frame.T.round(3).to_html()}<p>{self.note}</p>"


def pretest(
    panel: Panel,
    variables: Sequence[str],
    *,
    lags: int = 1,
    trend: bool = False,
    differences: bool = True,
    short: Short = "raise",
) -> PretestTable:
    """Pesaran's CD, IPS, Fisher's Z and CIPS for each variable and its first difference.

    Parameters
    ----------
    variables : sequence of str
        Columns or expressions such as ``np.log(gdp)``.
    lags : int
        Lagged differences of every unit-root test.
    trend : bool
        Intercept and trend for the levels; the differences always have an intercept only.
    differences : bool
        Test first differences too.
    short : {"raise", "drop"}
        Entities too short for the lags, or constant.

    Notes
    -----
    What is dropped is reported once, although several tests drop the same.
    """
    if isinstance(variables, str) or not len(variables):
        raise SpecificationError("pretest() takes a list of variables, e.g. ['gdp', 'remit'].")
    with collect() as caught:
        table = _table(panel, variables, lags, trend, differences, short)
    for category, message in dict.fromkeys((type(note), str(note)) for note in caught):
        warn(message, category, stacklevel=2)
    return table


def _table(
    panel: Panel, variables: Sequence[str], lags: int, trend: bool, differences: bool, short: Short
) -> PretestTable:
    tests: dict[tuple[str, str], PanelTest] = {}
    rows = []
    for name in variables:
        row: dict[str, float] = {}
        tests[name, "CD"] = pesaran_cd(panel, name)
        row |= {"CD": tests[name, "CD"].statistic, "CD_p": tests[name, "CD"].pvalue}
        for prefix, expression, with_trend in (
            ("", name, trend),
            *((("D_", f"D({name})", False),) if differences else ()),
        ):
            found = {
                "IPS": ips(panel, expression, lags=lags, trend=with_trend, short=short),
                "Fisher_Z": fisher(
                    panel, expression, lags=lags, trend=with_trend, statistic="Z", short=short
                ),
                "CIPS": cips(panel, expression, lags=lags, trend=with_trend, short=short),
            }
            for label, test in found.items():
                tests[name, prefix + label] = test
                row[prefix + label] = test.statistic
                if np.isfinite(test.pvalue):
                    row[f"{prefix}{label}_p"] = test.pvalue
                else:
                    row[f"{prefix}{label}_5%"] = test.critical_values["5%"]
        rows.append(row)
    note = (
        f"{lags} lags; levels with {'intercept and trend' if trend else 'intercept'}. CD: no "
        "dependence. IPS, Fisher Z, CIPS: unit root in every entity; IPS and Fisher assume "
        "independent entities. CIPS rejects below its critical value."
    )
    cautions = dict.fromkeys(f"{t.name}. {t.caution}" for t in tests.values() if t.caution)
    note = "\n".join([note, *cautions])
    return PretestTable(frame=pd.DataFrame(rows, index=list(variables)), tests=tests, note=note)
