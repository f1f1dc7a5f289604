"""Variables of the registry: their names in equations, World Bank codes, and how they are made."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd

from migdev.errors import PanelError, listing
from migdev.panel.panel import Panel
from migdev.report.evidence import NOT_DECLARED


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A variable of an equation.

    Attributes
    ----------
    name : str
        Its name in formulas.
    codes : tuple of str
        World Bank codes it is made of.
    label, unit : str
    make : callable, optional
        From those columns to values; the column itself where not given.
    window : str
        How a window summarises it: mean, std, first, last.
    min_obs : int
        Years that a window needs of it; 1 for surveys, which are held now and then.
    alternatives : tuple of str
        Other codes for the same thing, used where the first is not in the data.
    over_time : callable, optional
        From the panel and those columns to values that need earlier years.
    """

    name: str
    codes: tuple[str, ...]
    label: str
    unit: str
    make: Callable[..., Any] | None = None
    window: str = "mean"
    min_obs: int = 3
    alternatives: tuple[str, ...] = ()
    over_time: Callable[..., Any] | None = None

    def found(self, columns: Iterable[str]) -> tuple[str, ...] | None:
        """The codes that the data hold for this variable, or None."""
        held = set(columns)
        if all(code in held for code in self.codes):
            return self.codes
        other = next((code for code in self.alternatives if code in held), None)
        return None if other is None else (other,)


def _log(x: pd.Series) -> pd.Series:
    logs: pd.Series = np.log(x.where(x > 0))
    return logs


def _log_inflation(x: pd.Series) -> pd.Series:
    """100 log(1 + inflation/100): tames hyperinflations and keeps small values as they are."""
    logs: pd.Series = np.log1p(x.where(x > -100) / 100)
    return 100 * logs


def _dependence(remit: pd.Series, exports: pd.Series) -> pd.Series:
    """Share of remittances in foreign earnings, remittances plus exports, in %."""
    return 100 * remit / (remit + exports)


def _log_signed(x: pd.Series) -> pd.Series:
    """log(1 + x) of x at least 0, minus log(1 - x) below: few countries of large x do not carry
    everything, and zero stays zero."""
    out: pd.Series = np.sign(x) * np.log1p(np.abs(x))
    return out


#: How values are made from columns, by the name that ``variables.tsv`` has for it.
MAKE: dict[str, Callable[..., Any]] = {
    "log": _log,
    "log_ratio": lambda a, b: _log(a) - _log(b),
    "log_inflation": _log_inflation,
    "dependence": _dependence,
    "difference": lambda a, b: a - b,
    "asinh": np.arcsinh,
    "log_signed": _log_signed,
    "percent": lambda a, b: 100 * a / b,
    "average": lambda *columns: sum(columns) / len(columns),
}
#: And from columns and their past.
MAKE_OVER_TIME: dict[str, Callable[..., Any]] = {
    "growth_rate": lambda panel, x: panel.growth(x, log=True),
    "fall": lambda panel, x: (panel.L(x) - x).clip(lower=0),
}


@cache
def variables() -> dict[str, Variable]:
    """The variables of ``variables.tsv`` by name."""
    text = files("migdev.hypotheses").joinpath("variables.tsv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines(), delimiter="\t")
    return {
        row["name"]: Variable(
            name=row["name"], label=row["label"], unit=row["unit"],
            codes=tuple(row["codes"].split()), alternatives=tuple(row["alternatives"].split()),
            make=MAKE.get(row["make"]), window=row["window"], min_obs=int(row["min_obs"]),
            over_time=MAKE_OVER_TIME.get(row["make"]),
        )
        for row in rows
    }  # fmt: skip


KEPT = {
    "region": "World Bank region",
    "income_group": "World Bank income group",
    "country": "Name of the country",
}


def prepare(
    panel: Panel, variables: Iterable[str], *, window: int = 0, optional: Iterable[str] = ()
) -> Panel:
    """Make the named variables from World Bank columns, by year or by window.

    Parameters
    ----------
    panel : Panel
        Yearly, with columns named by World Bank codes.
    variables : iterable of str
        Names in :func:`variables`, or columns of the panel, which windows average.
    window : int
        Years of a window; 0 keeps the years, and leaves out variables that are spreads.
    optional : iterable of str
        Variables that may be missing altogether; what is estimated with them says so.

    Raises
    ------
    PanelError
        Series that the data lack, with their codes.
    """
    wanted = {name: _variable(panel, name) for name in dict.fromkeys(variables)}
    spared = set(optional)
    lacking = {n: v for n, v in wanted.items() if v.found(panel.columns) is None}
    if lacking.keys() - spared:
        lacking = {n: v for n, v in lacking.items() if n not in spared}
        codes = [code for v in lacking.values() for code in v.codes if code not in panel]
        raise PanelError(
            f"The data lack the series for {listing(lacking)}: {listing(codes)}. Add them to the "
            "file, join a file that has them, or map your columns to these codes."
        )
    if window == 0:
        wanted = {n: v for n, v in wanted.items() if v.window != "std"}
    made = {name: _values(panel, variable) for name, variable in wanted.items()}
    kept = [name for name in KEPT if name in panel]
    out = panel.select(*kept).assign(**made)
    if window:
        out = _windows(out, wanted, window)
    empty = [name for name in wanted if name not in spared and not out[name].notna().any()]
    if empty:
        raise PanelError(
            f"The data hold no value of {listing(empty)} in the sample, made from "
            f"{listing(code for name in empty for code in wanted[name].codes)}: check these "
            f"columns, the years and the countries{_enough(wanted, empty, window)}."
        )
    labels = {name: v.label for name, v in wanted.items()}
    labels |= {name: label for name, label in KEPT.items() if name in out}
    units = {name: v.unit for name, v in wanted.items()}
    return out.relabel(labels=labels, units=units)


def _variable(panel: Panel, name: str) -> Variable:
    """A variable of the registry, or a column of the panel as it is."""
    if name in variables():
        return variables()[name]
    return Variable(
        name=name, codes=(name,), label=panel.labels.get(name) or name,
        unit=panel.units.get(name, ""),
    )  # fmt: skip


def _enough(variables: Mapping[str, Variable], names: Iterable[str], window: int) -> str:
    needed = max(min(variables[name].min_obs, window) for name in names)
    return f"; a window of {window} years needs {needed} of them" if needed > 1 else ""


def _windows(panel: Panel, variables: Mapping[str, Variable], window: int) -> Panel:
    """Summaries by window, missing where a variable has too few years in it."""
    how: dict[str, Any] = {name: v.window for name, v in variables.items()}
    counts = {f"years of {name}": (name, "count") for name in variables}
    out = panel.windows(window, min_obs=1, how={**how, **counts})
    kept = {
        name: out[name].where(out[f"years of {name}"] >= min(v.min_obs, window))
        for name, v in variables.items()
    }
    texts = [name for name in KEPT if name in out]
    return out.select(*texts, *variables).assign(**kept)


def _values(panel: Panel, variable: Variable) -> pd.Series:
    codes = variable.found(panel.columns)
    if codes is None:
        return pd.Series(np.nan, index=panel.frame.index)
    columns = [panel[code].astype(float) for code in codes]
    made: pd.Series = columns[0]
    if variable.over_time is not None:
        made = variable.over_time(panel, *columns)
    elif variable.make is not None:
        made = variable.make(*columns)
    return made


#: Income groups as the World Bank writes and codes them, in lower case.
LOW_AND_MIDDLE = frozenset(
    {
        "low income",
        "lower middle income",
        "upper middle income",
        "lic",
        "lmc",
        "umc",
        "l",
        "lm",
        "um",
    }
)
HIGH = frozenset(
    {"high income", "high income: oecd", "high income: nonoecd", "hic", "oec", "noc", "h"}
)
UNCLASSIFIED = frozenset({"", "..", "not classified", "inx"})


def low_and_middle_income(panel: Panel) -> Panel:
    """Leave out high-income countries. Where the panel does not say which these are, all stay, and
    its history tells that this is not the declared sample.

    Raises
    ------
    PanelError
        ``income_group`` holds what is no group of the World Bank.
    """
    if "income_group" not in panel:
        why = (
            "high-income countries are not left out, since the data do not say which they are; the "
            "sample holds all countries of the data. Add a file with the column 'income_group' "
            "('Low income', ..., or LIC, LMC, UMC, HIC) to leave them out"
        )
        return replace(panel, history=(*panel.history, NOT_DECLARED + why))
    group = panel["income_group"].astype("string").str.strip().str.casefold().fillna("")
    strange = ~group.isin(LOW_AND_MIDDLE | HIGH | UNCLASSIFIED)
    if strange.any():
        found = panel["income_group"][strange.to_numpy()].unique()
        raise PanelError(
            f"'income_group' holds {listing(found)}, which is no income group of the World Bank: "
            "'Low income', 'Lower middle income', 'Upper middle income', 'High income' (LIC, LMC, "
            "UMC, HIC). Recode it, or leave the column out to keep all countries."
        )
    keep = group.isin(LOW_AND_MIDDLE).to_numpy(dtype=bool)
    return panel.where(keep, "high income, or income group unknown")
