"""What an answer says beyond its verdict, on a page: decidability, what is ruled out, margins,
rivals compared, and what may stand behind an association."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from migdev.report.blocks import Block, Bullets, Details, Figure, TableBlock, Text
from migdev.report.frame import frame_table
from migdev.report.words import capital, number, probability, sign_words, term_words


def decidability_blocks(found: Any) -> list[Block]:
    """What could have been established; estimates play no part in it."""
    if found is None:
        return [Text("Nothing was fitted, so nothing could have been established.")]
    rows = []
    for name, row in found.patterns.iterrows():
        factor = row["factor_80"]
        rows.append(
            {
                "Pattern": name, "Predicts": ", ".join(map(sign_words, row["prediction"])),
                "Best attainable p": probability(row["attainable_p"]),
                "80% power from": "out of reach" if np.isinf(factor) else _times(factor),
                "Power at twice the margins": _percent(row["power_2"]),
                "at three times": _percent(row["power_3"]), "at most": _percent(row["power_most"]),
                "Outcome": row["outcome"],
            }
        )  # fmt: skip
    parts = [
        {
            "Part": name, "Prediction": sign_words(p), "Margin": f"{row['margin']:g}",
            "Std. error": number(row["std_error"]), "df": _whole(row["df"]),
            "Best attainable p": probability(row["attainable_p"]),
            "Effect needed for 80% power": number(row["effect_80"]), "Outcome": row["outcome"],
        }
        for (name, p), row in found.parts.iterrows()
    ]  # fmt: skip
    text = (
        "What these standard errors let the tests find, whatever the estimates. Attainable is the "
        "smallest p-value that any estimate could have had; power is that of the test that gives "
        f"the verdict, at level {found.level:g}, where predicted effects are the given multiple of "
        "their margins and the others are zero."
    )
    limits = [Text(capital(limit) + ".") for limit in found.limits]
    return [
        *limits, Text(text), _table(rows, "Pattern"),
        Details("Part by part: margin, standard error, effect needed", (_table(parts, "Part"),)),
    ]  # fmt: skip


def ruled_out_blocks(found: Mapping[str, Any]) -> list[Block]:
    """The largest effects that are not excluded, in three units, beside margins of the
    literature."""
    brief, rows = [], []
    for part, out in found.items():
        brief.append(
            {
                "Part": part, "Not ruled out, above": number(out.high), "below": number(out.low),
                "Smallest margin for no effect": number(out.smallest_margin),
                "Declared margin": f"{out.margin:g}" if out.margin else "none",
                "Partial correlation of 0.07": number(next(iter(out.margins.values()), np.nan)),
            }
        )  # fmt: skip
        rows += [
            {
                "Part": part, "What": name, "Natural units": number(row["natural"]),
                "Partial correlation": number(row["partial_correlation"]),
                "Standard deviations": number(row["standard_deviations"]),
            }
            for name, row in out.frame.iterrows()
        ]  # fmt: skip
    text = (
        "Effects beyond these are ruled out, each side by a one-sided test at the level. Partial "
        "correlations of 0.07, 0.17 and 0.33 are what Doucouliagos (2011) calls small, moderate "
        "and large in economics; standard deviations are those within entities (of a summary index "
        "those that its dimension declares), of the outcome per one of the regressor."
    )
    more = Details("In three units, beside margins of the literature", (_table(rows, "Part"),))
    return [Text(text), _table(brief, "Part"), more]


def margin_blocks(frame: pd.DataFrame, figure: bool = True) -> list[Block]:
    """The verdict as a function of the margin, drawn and as a table."""
    shown = frame.loc[:, [c for c in frame.columns if not str(c).startswith("p ")]]
    if shown.index.name == "margin":
        shown = shown.set_axis([number(float(v)) for v in shown.index])
    shown = shown.rename_axis("Margin").rename(columns={"what": "Which", "verdict": "Verdict"})
    text = "What would be said had another smallest effect of interest been declared."
    drawing = [margin_figure(frame)] if figure and len(frame) else []
    return [Text(text), *drawing, Details("By margin", (TableBlock(frame_table(shown)),))]


def margin_figure(frame: pd.DataFrame) -> Block:
    """Verdict and standings over the margin; words where matplotlib is not installed."""
    from migdev.errors import MigdevError

    try:
        from migdev.report.figure import svg
        from migdev.report.verdict_figures import margin_plot

        plot = margin_plot(frame)
        drawing = svg(plot)
    except (ImportError, MigdevError) as error:
        return Text(f"The figure is left out: {error}")
    words = "; ".join(f"{place}: {verdict}" for place, verdict in frame["verdict"].items())
    return Figure(drawing, "Verdict and standings by the margin.", words, source=plot)


def evidence_blocks(found: Any) -> list[Block]:
    """Bayes factors and GORICA weights, each pattern against the null pattern and against the
    model that excludes nothing."""
    if found is None:
        return [Text("No smallest effect of interest is declared, so no regions can be compared.")]
    rows = []
    for name, weight in found.gorica["weight"].items():
        row = {"Pattern": name, "GORICA weight": f"{weight:.3f}"}
        if name in found.bayes_factors.index.get_level_values("pattern"):
            for against, words in (("null", "the null pattern"), ("all", "the encompassing model")):
                low, high = found.factor(name, against)
                row[f"Bayes factor against {words}"] = f"{_factor(low)} to {_factor(high)}"
        rows.append(row)
    scales = found.bayes_factors.reset_index()
    scales = scales.assign(
        scale=scales["scale"].map("{:g}".format),
        **{c: scales[c].map(_factor) for c in ("against_null", "against_all")},
        **{c: scales[c].map("{:.4f}".format) for c in ("prior", "posterior")},
    ).rename(
        columns={"scale": "Prior scale (margins)", "pattern": "Pattern", "prior": "Prior",
                 "posterior": "Posterior", "against_null": "Against the null pattern",
                 "against_all": "Against the encompassing model"}
    ).set_index("Prior scale (margins)")  # fmt: skip
    text = (
        "Graded evidence. A Bayes factor says by how much the data raise the odds of a pattern "
        "(margins included) against the null pattern or against a model that excludes nothing, "
        "under a normal prior centred at zero whose standard deviation is a multiple of the "
        "margins; the range is over these scales. GORICA weights compare maximum likelihoods "
        "within the patterns, with a penalty for what they leave free. Two views are not compared "
        "with one another alone: that ratio is large by chance where neither holds."
    )
    more: list[Block] = [TableBlock(frame_table(scales))]
    if len(found.left_out):
        left = found.left_out.reset_index()
        left = left.assign(
            **{c: left[c].map(_factor) for c in ("against_null", "against_all")},
            weight=left["weight"].map("{:.3f}".format),
        ).rename(
            columns={"left_out": "Without", "pattern": "Pattern", "weight": "GORICA weight",
                     "against_null": "Against the null pattern",
                     "against_all": "Against the encompassing model"}
        ).set_index("Without")  # fmt: skip
        more += [Text("Each part left out in turn, prior scale of one margin."),
                 TableBlock(frame_table(left))]  # fmt: skip
    return [
        Text(text), _table([{**r} for r in rows], "Pattern"),
        Details("By scale of the prior, and without each part", tuple(more)),
    ]  # fmt: skip


def design_blocks(
    designs: Mapping[str, str], threats: Mapping[str, Any], labels: Mapping[str, PartWords]
) -> list[Block]:
    """Classes of design, and what may stand behind associations.

    Parameters
    ----------
    designs : mapping from specification or part to class of design
    threats : mapping from part to Threats
    labels : mapping from part to its outcome, its regressor and the unit of that, in words
    """
    by_class: dict[str, list[str]] = {}
    for name, design in designs.items():
        by_class.setdefault(design, []).append(name)
    told = [f"{capital(design)}: {', '.join(names)}" for design, names in by_class.items()]
    blocks: list[Block] = [
        Text(
            "Designs by class. Pooled, fixed and random effects, mean groups and common factors "
            "are one class: what is left once constant and shared causes are taken out is an "
            "association. A claim is supported, or contradicted, where two classes give its sign."
        ),
        Bullets(told),
    ]
    for name, threat in threats.items():
        blocks += _threat(name if len(threats) > 1 else "", threat, *labels[name])
    return blocks


def _threat(name: str, threat: Any, outcome: str, regressor: str, unit: str) -> list[Block]:
    begin = f"{capital(name)}: " if name else ""
    text = (
        f"{begin}controls and effects leave {_percent(threat.remaining)} of the variance of "
        f"{regressor}. Classical error in its recording weakens the association: the table "
        "gives the estimate that each reliability of the recorded series would imply. Reverse "
        f"causation alone would make it if one unit more of {outcome} moved {regressor} by "
        f"{number(threat.reverse)} within the period"
    )
    if np.isfinite(threat.reaction):
        text += (
            f"; after a unit more of {outcome} in the period before, it has moved by "
            f"{number(threat.reaction)} [{number(threat.reaction_low)}, "
            f"{number(threat.reaction_high)}]"
        )
    if unit == "% of GDP":
        text += (
            f". By arithmetic alone one percent more of output lowers the share of {regressor} by "
            f"{number(threat.average / 100)}"
        )
    rows = [
        {
            "Reliability": f"{reliability:g}",
            "of what is left": probability(row["partial_reliability"]) or "none",
            "Estimate": number(row["estimate"]) or "not bounded",
            "Interval": f"[{number(row['conf_low'])}, {number(row['conf_high'])}]"
            if np.isfinite(row["conf_low"])
            else "",
        }
        for reliability, row in threat.attenuation.iterrows()
    ]
    return [Text(text + "."), _table(rows, "Reliability")]


#: Outcome, regressor, and the regressor's unit.
PartWords = tuple[str, str, str]


def part_words(fit: Any, term: str, panel: Any) -> PartWords:
    """Outcome and regressor of a fit in words, and the regressor's unit."""
    dependent, term = str(getattr(fit, "dependent", "")), term.strip("`")
    outcome = panel.labels.get(dependent) or dependent
    return outcome, term_words(term, panel), panel.units.get(term, "")


def _table(rows: Iterable[Mapping[str, Any]], index: str) -> Block:
    return TableBlock(frame_table(pd.DataFrame(list(rows)).set_index(index)))


def _times(factor: float) -> str:
    return "" if np.isnan(factor) else f"{factor:.1f} times the margins"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"


def _whole(value: float) -> str:
    return "" if not np.isfinite(value) else f"{value:.0f}"


def _factor(value: float) -> str:
    """A Bayes factor with two significant digits; a thousandfold either way is enough."""
    if value >= 1000:
        return "over 1,000"
    if value < 0.001:
        return "below 0.001"
    return f"{value:.2g}" if value < 100 else f"{value:.0f}"
