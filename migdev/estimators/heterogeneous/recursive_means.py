"""Designs whose variables are adjusted by their recursive means."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from migdev.errors import FormulaError, MigdevError
from migdev.estimators.heterogeneous.cross_section_averages import augmented, under_lags
from migdev.estimators.heterogeneous.entity_regressions import build
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.heterogeneous.small_t import less_past_mean
from migdev.notes import collect, quiet, warn
from migdev.panel.design import Design
from migdev.panel.formula import argument, one_term, parse, quote_columns
from migdev.panel.panel import Panel


def recursive_design(
    formula: str, panel: Panel, lags: int, what: str
) -> tuple[Design, FloatArray, list[str]]:
    """The design, cross-section averages (n, h) and their names after every variable, below its
    lags, is taken less the mean of its own past; there is no intercept."""
    parsed = parse(quote_columns(formula, panel.columns))
    terms = [*parsed.dependent, *parsed.exog]
    if parsed.endog is not None or any(len(term.factors) != 1 for term in terms):
        raise FormulaError(
            f"{what} with recursive=True reads 'y ~ L(y) + x + z', variables or expressions "
            f"without products or brackets, not {formula!r}."
        )
    written = [argument(term.factors[0]) for term in terms]
    bases = list(dict.fromkeys(under_lags(expr) for expr in written))
    alias = {base: f"less_past_mean_{j}" for j, base in enumerate(bases)}
    adjusted = {}
    for base in bases:
        with quiet():  # the main design tells what is missing
            d = Design.build(f"{one_term(base)} ~ 1", panel, intercept=False)
        x = np.full(len(panel), np.nan)
        x[d.rows] = d.y
        adjusted[alias[base]] = less_past_mean(x, panel.entity_codes)
    own = panel.assign(**adjusted)
    y, *X = (e.replace(under_lags(e), alias[under_lags(e)]) for e in written)

    def original(text: str) -> str:
        for base, name in reversed(alias.items()):
            text = text.replace(name, base.replace("`", ""))
        return text

    with collect() as messages:
        try:
            d = build(f"{y} ~ 0 + {' + '.join(X)}", own, what)
            d, H, labels = augmented(d, lags, None)
        except MigdevError as error:
            raise type(error)(original(str(error))) from None
    for note in messages:
        warn(original(str(note)), type(note), stacklevel=3)
    restored = replace(
        d, formula=formula, dependent=original(d.dependent), panel=panel,
        names=tuple(original(name) for name in d.names),
        dropped={original(reason): count for reason, count in d.dropped.items()},
    )  # fmt: skip
    return restored, H, [original(label) for label in labels]
