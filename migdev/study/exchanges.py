"""Placebo regressors, leads and other forms in the equations of a joint test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from migdev.errors import MigdevError
from migdev.notes import quiet
from migdev.panel.panel import Panel
from migdev.study.component import Component
from migdev.study.dimension import Dimension
from migdev.study.outcome import exchanged

COLUMNS = (
    "component", "outcome", "regressor", "role", "estimate", "std_error", "df", "conf_low",
    "conf_high", "p_value", "nobs", "failure",
)  # fmt: skip


def exchanges(
    components: Iterable[Component | Dimension],
    panel: Panel,
    *,
    placebos: Iterable[str] = (),
    leads: int = 0,
    forms: Iterable[str] = (),
    known: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Every formula of the components with another regressor in the place of the focal one: one
    row per component, outcome and regressor.

    Estimates are standardised as those of the component are, so they stand beside one another.
    ``role`` says "focal", "placebo", "lead" or "form", and "ar1" for the focal regressor in
    equations whitened for serial correlation, which come with ``forms``. What cannot be estimated
    says why in ``failure``; specifications, whose regressor cannot be exchanged, are left out.
    ``known`` are fits of the components on the panel as they are, which need not be made again.
    """
    asked_forms = list(forms)
    rows: list[dict[str, Any]] = []
    for c in components:
        term = c.hypothesis.term
        asked = [(term, "focal"), *((r, "placebo") for r in placebos)]
        asked += [
            (f"F({term})" if k == 1 else f"F({term}, {k})", "lead") for k in range(1, leads + 1)
        ]
        asked += [(r, "form") for r in asked_forms]
        if asked_forms and isinstance(c, Dimension):
            asked.append((term, "ar1"))
        for regressor, role in asked:
            told = {"component": c.name, "regressor": regressor, "role": role, "failure": ""}
            try:
                fit = (known or {}).get(c.name) if role == "focal" else None
                rows += [{**told, **row} for row in _estimates(c, regressor, role, panel, fit)]
            except MigdevError as error:
                rows.append({**told, "outcome": "", "failure": str(error)})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _estimates(
    c: Component | Dimension, regressor: str, role: str, panel: Panel, fit: Any = None
) -> list[dict[str, Any]]:
    """The index and its outcomes, or the one coefficient, of the exchanged equation."""
    if isinstance(c, Component):
        if c.spec is not None:
            return []
        claim = replace(c.hypothesis, term=regressor)
        formula = exchanged(c.formula, c.hypothesis.term, regressor)
        c = Component(name=c.name, hypothesis=claim, formula=formula)
        names = {regressor: ""}
    else:
        if not all(o.formula for o in c.outcomes):
            fit = None  # the index of the outcomes whose regressor can be exchanged
        c = c.whitened() if role == "ar1" else c.exchanged(regressor)
        names = {"index": "index", **{o.name: o.name for o in c.outcomes}}
    if fit is None:
        with quiet():  # the main fits have told what is left out
            fit = c.fit(panel)
    frame = fit.tidy().set_index("term")
    unit = dict(zip(fit.names, np.eye(len(fit.names)), strict=True))
    return [
        {
            "outcome": outcome, "estimate": frame.estimate[name],
            "std_error": frame.std_error[name], "df": fit.contrast_df(unit[name]),
            "conf_low": frame.conf_low[name], "conf_high": frame.conf_high[name],
            "p_value": frame.p_value[name], "nobs": fit.nobs if outcome in ("", "index")
            else len(fit.parts[outcome].rows),
        }
        for name, outcome in names.items()
        if name in frame.index
    ]  # fmt: skip
