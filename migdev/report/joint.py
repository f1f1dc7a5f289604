"""The page of a joint test: the pattern of several effects, at a glance."""

from __future__ import annotations

from typing import Any

import pandas as pd

from migdev.report.assessment import (
    decidability_blocks,
    design_blocks,
    evidence_blocks,
    margin_blocks,
    part_words,
    ruled_out_blocks,
)
from migdev.report.blocks import Block, Bullets, Callout, Descriptions, Details, Figure, Text, Tone
from migdev.report.evidence import data_blocks, sample_blocks, sample_callouts, simulated, software
from migdev.report.explorer import MarginExplorer
from migdev.report.joint_beside import beside_sections
from migdev.report.page import Page
from migdev.report.pretest_blocks import pretest_blocks
from migdev.report.render import page
from migdev.report.table import table
from migdev.report.verdict import alarm_list, as_table, plan_text, reports
from migdev.report.words import equals, interval, labeller, number, sign_words, view_words


def joint_page(answer: Any) -> Page:
    """The page of a :class:`~migdev.study.joint_answer.JointAnswer`."""
    study = answer.study
    one, many = study.entities
    noun = "effects" if answer.is_effect else "associations"
    sections: dict[str, Any] = {
        "What could be decided": [
            Bullets([f"{text}." for text in answer.rules_out.values()]),
            *decidability_blocks(answer.decidability),
        ],
        "Verdict": [*_verdict(answer), *sample_callouts(answer.panel)],
    }
    if answer.departures:
        sections["Departures from the plan"] = Bullets(answer.departures)
    if answer.alarms:
        sections["Diagnostics that failed"] = alarm_list(answer.alarms)
    if answer.pretests:
        sections["Pre-tests"] = pretest_blocks(answer)
    sections["The pattern"] = pattern_figure(answer)
    sections["Move the margins"] = MarginExplorer(answer.at_margins())
    sections[f"The {noun}"] = _effects(answer)
    sections |= beside_sections(answer)
    sections["What is ruled out"] = [
        *ruled_out_blocks(answer.ruled_out), *margin_blocks(answer.by_margin()),
    ]  # fmt: skip
    sections["The views compared"] = evidence_blocks(answer.evidence)
    sections["Effect or association"] = _design(answer)
    sections["Allowing for several tests"] = _family(answer)
    sections["Share of draws in each cone"] = [
        Text(
            f"Joint draws of the effects: whole {many} drawn with replacement (pairs), one "
            f"sign per {one} for all residuals (wild), and the normal distribution with the "
            "stacked cluster covariance (sandwich). The cones exclude one another. The shares are "
            "a picture and no test: no verdict rests on them, and they are no probabilities of the "
            "patterns."
        ),
        _percent(answer.shares),
        Details(
            "Sensitivity to the smallest effects of interest",
            (
                Text("Shares of the pairs bootstrap as every smallest effect is scaled."),
                as_table(_percent(answer.sensitivity)),
            ),
        ),
    ]
    sections["By sample"] = _samples(answer)
    sections["Estimates"] = table(
        answer.main.fits, rename=labeller(answer.panel), title="Equations of the joint test"
    )
    sections["Claims and rival predictions"] = _claims(study)
    sections["Plan"] = plan_text(answer)
    published = dict.fromkeys(t for c in study.components for t in c.hypothesis.published)
    places = [
        Callout(f"Among published results: {name}", text) for name, text in answer.published.items()
    ]
    if published or places:
        sections["What published studies found"] = [
            *places, *([Bullets(list(published))] if published else []),
        ]  # fmt: skip
    sections["Data"] = data_blocks(answer.panel)
    sections["Sample"] = sample_blocks(answer.main.fits.values())
    sections["What the fits reported"] = reports(
        [*answer.warnings, *(f"{k}: {v}" for k, v in answer.failures.items()), *answer.notes]
    )
    names = ", ".join(c.name for c in study.components)
    return page(
        f"The joint pattern of {names}", sections, notice=simulated(answer.panel),
        footer=software(answer.main.fits.values()),
    )  # fmt: skip


def _verdict(answer: Any) -> list[Block]:
    tones: dict[str, Tone] = {"undecided": "warn", "neither": "bad", "no effect": "info"}
    main = answer.main
    patterns = {
        f"{view_words(name)} predicts ({', '.join(map(sign_words, signs))})": f"established: "
        f"{equals(main.pvalues[name])}; contradicted: {equals(main.rejections[name])}"
        for name, signs in answer.study.patterns.items()
    }
    rule = (
        "A pattern is established where every one of its parts is, at level "
        f"{answer.study.level:g} (intersection-union test), and contradicted where some part is "
        "(Bonferroni)."
    )
    tone = tones.get(answer.verdict, "good")
    return [Callout(f"Verdict: {answer.verdict}", answer.reason + ".", tone=tone), Text(rule),
            Descriptions(patterns)]  # fmt: skip


def _design(answer: Any) -> list[Block]:
    fits = answer.main.fits
    labels = {
        c.name: part_words(fits[c.name], c.hypothesis.term, answer.panel)
        for c in answer.study.components
    }
    return design_blocks(answer.designs, answer.threats, labels)


def _claims(study: Any) -> Descriptions:
    return Descriptions(
        {
            c.name: f"{c.hypothesis.claim}: "
            + ", ".join(f"{view} {sign_words(p)}" for view, p in c.hypothesis.rivals.items())
            + f". Smallest effect {c.hypothesis.smallest_effect:g}: {c.hypothesis.reason}."
            for c in study.components
        }
    )


def _effects(answer: Any) -> list[Any]:
    rows, more = [], []
    heading = _heading(answer)
    width = f"{100 * (1 - answer.study.components[0].hypothesis.level):.0f}% interval"
    for name, row in answer.components.iterrows():
        error = row["std_error"]
        views = {
            view: f"{sign_words(row[view].split()[0])} {row[view].split()[1]}"
            for view in answer.study.components[0].hypothesis.rivals
        }
        rows.append(
            {
                heading: name, "Estimate": number(row["estimate"], error),
                width: interval(row["conf_low"], row["conf_high"], error), "p": row["p_value"],
                "Detectable": number(row["detectable"]), **views,
            }
        )  # fmt: skip
        more.append(
            {
                heading: name, "Std. error": number(error, error),
                "Smallest effect": f"{row['smallest_effect']:g}",
                "p (equivalence)": row["p_equivalence"], "Observations": row["nobs"],
                answer.study.entities[1].capitalize(): row["entities"],
            }
        )  # fmt: skip
    detail = pd.DataFrame(more).set_index(heading)
    correlation = answer.correlation.map(number)
    return [
        pd.DataFrame(rows).set_index(heading),
        _notes(answer),
        Details(
            "Standard errors, equivalence tests, correlation of the estimates",
            (as_table(detail), as_table(correlation)),
        ),
    ]


def _heading(answer: Any) -> str:
    """Effects act on an outcome, associations go with it."""
    return "Effect on" if answer.is_effect else "Association with"


def _notes(answer: Any) -> Text:
    study, parts = answer.study, []
    formulas = "; ".join(c.formula for c in study.components if c.formula)
    if formulas:
        parts.append(
            "Equations with entity and period effects, errors clustered by entity: " + formulas
        )
    fits = answer.main.fits
    specs = [f"{c.name}: {fits[c.name].method} of {c.equation}" for c in study.components if c.spec]
    parts += [part for part in ["; ".join(specs)] if part]
    parts += [
        f"Sample: {study.sample}",
        f"{study.draws} draws, seed {study.seed}",
        "Detectable: the effect that would have been found with 80% power",
    ]
    return Text(". ".join(parts) + ".")


def _family(answer: Any) -> list[Any]:
    family = answer.family
    frame = family.frame.rename(
        columns={
            "p_value": "p", "p_holm": "p (Holm)", "p_romano_wolf": "p (Romano-Wolf)",
            "verdict": "Verdict alone", "adjusted": "Verdict in the family",
        }
    )  # fmt: skip
    frame.index.name = _heading(answer)
    return [
        Text(
            f"The {len(frame)} parts as one family: p-values of zero, corrected by Holm and by "
            f"Romano and Wolf (joint draws, one sign per {answer.study.entities[0]}), and each "
            "claim's verdict alone and with the correction."
        ),
        frame.drop(columns=["estimate", "std_error"]).dropna(axis=1, how="all"),
    ]


def _samples(answer: Any) -> list[Any]:
    """Effects, and shares of draws, on the declared sample, the other, and without each region."""
    frame = answer.by_sample
    shares = [name for name in frame.columns if name.startswith("share ")]
    effects = frame.drop(columns=shares).astype(float).round(3)
    many = answer.study.entities[1]
    effects[many] = effects[many].astype(int)
    cones = _percent(frame[shares].astype(float)).rename(columns=lambda c: c.removeprefix("share "))
    for part in (effects, cones):
        part.index.name = "Sample"
    return [Text("Estimates:"), effects, Text("Share of draws in each cone:"), cones,
            *([Text(note) for note in answer.notes])]  # fmt: skip


def _percent(frame: pd.DataFrame) -> pd.DataFrame:
    return (100 * frame).round(1).map(lambda v: f"{v:.1f}%")


def pattern_figure(answer: Any) -> Block:
    """Each effect in units of its smallest effect of interest, with what each view predicts, and
    the share of draws in each cone."""
    from migdev.errors import MigdevError

    try:
        from migdev.report.figure import svg
        from migdev.report.verdict_figures import pattern_plot

        plot = pattern_plot(answer)
        drawing = svg(plot)
    except (ImportError, MigdevError) as error:
        return Text(f"The figure is left out: {error}")
    words = "; ".join(
        f"{name}: {f.estimate:.3g} [{f.low:.3g}, {f.high:.3g}]"
        for name, f in answer.main.focal.items()
    )
    return Figure(
        drawing,
        "What one more unit of the focal variable goes with, in units of the smallest effect of "
        "interest (dots, with 95% intervals); bars mark what each view predicts, and the band "
        "effects too small to matter. Right: share of bootstrap draws in each cone.",
        words,
        source=plot,
    )
