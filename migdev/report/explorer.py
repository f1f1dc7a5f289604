"""The margins of an answer, to be moved by the reader of a page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd

from migdev.report.blocks import TableBlock
from migdev.report.escape import to_html
from migdev.report.frame import frame_table
from migdev.report.words import number, probability, sign_words

INTRODUCTION = (
    "Every margin can be moved: the standing of each part, the test of each pattern and what any "
    "estimate could have attained follow, on the same estimates and standard errors. The verdict "
    "of this study is the one at the declared margins."
)


@dataclass(frozen=True, slots=True, eq=False)
class MarginExplorer:
    """Standings, patterns and verdict at the declared margins, which a script lets the reader move.

    Without a script, in print, and in other formats it is the two tables at the declared margins.

    Attributes
    ----------
    said : AtMargins
        What the tests say at the declared margins, and of which estimates.
    """

    said: Any

    @property
    def parts(self) -> Any:
        return self.said.parts

    def html(self) -> str:
        parts, said = self.parts, self.said
        heads = "".join(f'<th scope="col">{to_html(name)}</th>' for name in parts.patterns)
        rows = []
        for j, name in enumerate(parts.names):
            cells = "".join(
                f"<td>{to_html(sign_words(signs[j]))} "
                f'<span data-out="part-{j}-{k}" class="outcome {said.standings[view][j]}">'
                f"{said.standings[view][j]}</span></td>"
                for k, (view, signs) in enumerate(parts.patterns.items())
            )
            rows.append(
                f'<tr><th scope="row">{to_html(name)}</th>'
                f"<td>{to_html(number(parts.theta[j], parts.errors[j]))}</td>"
                f'<td data-margin="{j}">{parts.bounds[j]:g}</td>{cells}</tr>'
            )
        tests = "".join(
            f'<tr><th scope="row">{to_html(view)}</th>'
            + "".join(
                f'<td data-out="{key}-{k}">{to_html(probability(value))}</td>'
                for key, value in (
                    ("p", said.pvalues[view]), ("against", said.rejections[view]),
                    ("attainable", self.said.attainable[view]),
                )
            )
            + f'<td><span data-out="outcome-{k}" class="outcome {said.outcome(view)}">'
            f"{to_html(self._outcome(view))}</span></td></tr>"
            for k, view in enumerate(parts.patterns)
        )  # fmt: skip
        return (
            f'<div class="explorer"><p>{to_html(INTRODUCTION)}</p>'
            '<p class="controls">Verdict at these margins: '
            f'<output data-out="verdict">{to_html(said.verdict)}</output> </p>'
            '<div class="scroll"><table class="migdev-table"><thead><tr><th scope="col">Part</th>'
            f'<th scope="col">Estimate</th><th scope="col">Margin</th>{heads}</tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table></div>"
            '<div class="scroll"><table class="migdev-table"><thead><tr>'
            '<th scope="col">Pattern</th><th scope="col">p (established)</th>'
            '<th scope="col">p (contradicted)</th><th scope="col">Best attainable p</th>'
            f'<th scope="col">Outcome</th></tr></thead><tbody>{tests}</tbody></table></div>'
            f'<script type="application/json">{self._json()}</script></div>'
            f"<script>{_script()}</script>"
        )

    def markdown(self) -> str:
        return "\n\n".join(table.markdown() for table in self._tables())

    def latex(self) -> str:
        return "\n".join(table.latex() for table in self._tables())

    def _outcome(self, view: str) -> str:
        found: str = self.said.outcome(view)
        never = self.said.attainable[view] >= self.parts.level
        return "could not have been established" if found == "undecided" and never else found

    def _tables(self) -> tuple[TableBlock, TableBlock]:
        parts, said = self.parts, self.said
        by_part = pd.DataFrame(
            {
                "Estimate": [number(*pair) for pair in zip(parts.theta, parts.errors, strict=True)],
                "Margin": [f"{bound:g}" for bound in parts.bounds],
                **{
                    view: [f"{sign_words(s)} {word}" for s, word in zip(signs, said.standings[view],
                                                                        strict=True)]
                    for view, signs in parts.patterns.items()
                },
            },
            index=pd.Index(parts.names, name="Part"),
        )  # fmt: skip
        by_pattern = pd.DataFrame(
            {
                "p (established)": [probability(p) for p in said.pvalues.values()],
                "p (contradicted)": [probability(p) for p in said.rejections.values()],
                "Best attainable p": [probability(self.said.attainable[v]) for v in parts.patterns],
                "Outcome": [self._outcome(view) for view in parts.patterns],
            },
            index=pd.Index(list(parts.patterns), name="Pattern"),
        )
        return TableBlock(frame_table(by_part)), TableBlock(frame_table(by_pattern))

    def _json(self) -> str:
        parts = self.parts
        numbers = zip(parts.names, parts.theta, parts.errors, parts.dfs, parts.bounds, strict=True)
        text = json.dumps(
            {
                "parts": [
                    {"name": name, "estimate": float(estimate), "error": float(error),
                     "df": None if df is None else float(df), "margin": float(bound)}
                    for name, estimate, error, df, bound in numbers
                ],
                "patterns": [
                    {"name": view, "predictions": list(signs)}
                    for view, signs in parts.patterns.items()
                ],
                "level": parts.level,
                "nothing": self.said.null,
            },
            allow_nan=False,
        )  # fmt: skip
        return text.replace("<", "\\u003c")  # no tag can end the script


@cache
def _script() -> str:
    return (files("migdev.report") / "templates" / "explorer.js").read_text(encoding="utf-8")
