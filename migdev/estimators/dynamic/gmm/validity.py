"""Instruments that hold the error they should be unrelated to.

Only of the dependent variable is it known when its errors enter: :math:`y_{i,t-s}` holds
:math:`v_{i,t-s}` and the effect of its entity. Whether a regressor is exogenous, predetermined or
endogenous is for the specification to say, by its lags and by ``iv``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache

from migdev.errors import InvalidInstrumentsWarning
from migdev.estimators.dynamic.gmm.columns import GMMSpec, level_lag
from migdev.estimators.dynamic.gmm.styles import GMMStyle, IVStyle
from migdev.notes import warn
from migdev.panel.formula import argument, parse, quote_columns, variables
from migdev.protocols import Data

_QUOTED = re.compile(r"`([^`]*)`")


def warn_of_invalid(spec: GMMSpec, panel: Data, system: bool) -> None:
    """Warn of own lags of the dependent variable that cannot be valid, one sentence for each."""
    formula = quote_columns(spec.formula, panel.columns)
    styles: tuple[GMMStyle | IVStyle, ...] = (*spec.gmm, *spec.iv)
    texts = tuple(quote_columns(s.variables, panel.columns) for s in styles)
    found = _doubts(formula, styles, texts, spec.transform, spec.fod_dating == "late", system)
    if found:
        warn(f"{spec.formula!r}: {' '.join(found)}", InvalidInstrumentsWarning, stacklevel=5)


@lru_cache(maxsize=512)
def _doubts(
    formula: str, styles: tuple[GMMStyle | IVStyle, ...], texts: tuple[str, ...], kind: str,
    late: bool, system: bool,
) -> tuple[str, ...]:  # fmt: skip
    left = parse(formula).dependent
    columns = frozenset(variables(left)) - {"np"}
    base = min((lag for lag, _ in _lags(left[0], columns)), default=0)
    out: list[str] = []
    for style, text in zip(styles, texts, strict=True):
        for term in parse(f"_ ~ {text}").exog:
            if not columns <= set(variables([term])):
                continue
            places = [(lag - base, change) for lag, change in _lags(term, columns)]
            if isinstance(style, GMMStyle):
                out += _of_gmm(style, str(term), min(places)[0], kind, late, system)
            else:
                out += _of_iv(style, str(term), places, kind, system)
    return tuple(out)


def _of_gmm(
    style: GMMStyle, name: str, own: int, kind: str, late: bool, system: bool
) -> Iterator[str]:
    first = style.lags[0]
    if style.equation != "level":
        valid = (2 if kind == "fd" or late else 1) - own
        if first < valid:
            moved = "the change" if kind == "fd" else "the deviation"
            yield (
                f"{style}: {name!r} at lag {first} holds errors that {moved} of the error holds "
                f"too, so it cannot instrument the transformed equation. The first valid lag is "
                f"{valid}, and {valid} + q with errors autocorrelated to order q (see "
                f"stats['ar2'])." + _random_walk(kind, own + first)
            )
            return
    if system and style.equation != "transformed":
        lag = first if style.equation == "level" else level_lag(style.lags)[0]
        if lag + own < 1:
            valid = 1 - own + (style.equation == "both")
            yield (
                f"{style}: the change of {name!r} at lag {lag} holds the error of the equation in "
                f"levels. The first valid lag is {valid}, and {valid} + q with errors "
                "autocorrelated to order q."
            )


def _of_iv(
    style: IVStyle, name: str, places: list[tuple[int, bool]], kind: str, system: bool
) -> Iterator[str]:
    nearest = min(places)[0]
    if style.equation != "level":
        if kind == "fod":
            yield (
                f"{style}: the deviation of {name!r} takes in its later values, which hold the "
                "errors of the equation at any lag. Name it in gmm=, from lag 2."
            )
            return
        if nearest < 2:
            yield (
                f"{style}: the change of {name!r} holds errors that the change of the error holds "
                f"too. The first valid lag of the dependent variable is 2, and 2 + q with errors "
                "autocorrelated to order q; gmm= counts lags from there."
                + _random_walk(kind, nearest)
            )
            return
    if system and style.equation != "transformed":
        if nearest < 1:
            yield f"{style}: {name!r} holds the error of the equation in levels; lag it."
        elif not all(change for _, change in places):
            yield (
                f"{style}: {name!r} holds the effect of its entity, and so does the error of the "
                "equation in levels. Use equation='transformed', or its change; it would be right "
                "only if entities had no effects."
            )


def _random_walk(kind: str, lag: int) -> str:
    if kind != "fd" or lag != 1:
        return ""
    return (
        " Lag 1 would be right only if errors were a random walk, so that their changes are not "
        "autocorrelated at order 1 (stats['ar1'])."
    )


def _lags(term: object, columns: frozenset[str]) -> list[tuple[int, bool]]:
    """Lags at which any of the columns enters a term, and whether as a change."""
    found: list[tuple[int, bool]] = []
    for factor in term.factors:  # type: ignore[attr-defined]
        text = argument(factor)
        names: dict[str, str] = {}

        def masked(match: re.Match[str], names: dict[str, str] = names) -> str:
            names[f"quoted{len(names)}"] = match[1]
            return f"quoted{len(names) - 1}"

        tree = ast.parse(_QUOTED.sub(masked, text), mode="eval").body
        found += _walk(tree, 0, False, columns, names)
    return found


def _walk(
    node: ast.AST, lag: int, change: bool, columns: frozenset[str], names: dict[str, str]
) -> Iterator[tuple[int, bool]]:
    if isinstance(node, ast.Name) and names.get(node.id, node.id) in columns:
        yield lag, change
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        step = _step(node)
        if node.func.id in ("L", "F"):
            lag += step if node.func.id == "L" else -step
        change |= node.func.id in ("D", "growth")
    for child in ast.iter_child_nodes(node):
        yield from _walk(child, lag, change, columns, names)


def _step(call: ast.Call) -> int:
    given = [*call.args[1:2], *(k.value for k in call.keywords if k.arg == "k")]
    try:
        return int(ast.literal_eval(given[0])) if given else 1
    except (ValueError, TypeError):
        return 1
