"""The verdict page: claim, rival predictions, plan, estimates, verdict, data sources."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from migdev.report.assessment import (
    decidability_blocks,
    design_blocks,
    evidence_blocks,
    margin_blocks,
    part_words,
    ruled_out_blocks,
)
from migdev.report.blocks import (
    Block,
    Bullets,
    Callout,
    Descriptions,
    Details,
    Figure,
    TableBlock,
    Text,
    Tone,
)
from migdev.report.evidence import (
    data_blocks,
    not_declared,
    sample_blocks,
    sample_callouts,
    simulated,
    software,
)
from migdev.report.frame import frame_table
from migdev.report.page import Page
from migdev.report.pretest_blocks import pretest_blocks
from migdev.report.render import page
from migdev.report.table import table
from migdev.report.words import (
    capital,
    equals,
    interval,
    labeller,
    number,
    sign_words,
    term_words,
)

#: Coefficients of period dummies: the row of time effects tells of them.
DUMMIES = r"^time\["
TONE: dict[str, Tone] = {
    "supported": "good",
    "contradicted": "bad",
    "no effect": "info",
    "undecided": "warn",
}


def verdict_page(answer: Any) -> Page:
    """The page of an :class:`~migdev.Answer`."""
    h = answer.hypothesis
    first = [Text(answer.rules_out + ".")] if answer.rules_out else []
    sections: dict[str, Any] = {
        "What could be decided": [*first, *decidability_blocks(answer.decidability)],
        "Verdict": [*_verdict(answer), *sample_callouts(answer.panel)],
    }
    if answer.departures:
        sections["Departures from the plan"] = Bullets(answer.departures)
    if answer.alarms:
        sections["Diagnostics that failed"] = alarm_list(answer.alarms)
    if answer.failures:
        sections["Not fitted"] = Bullets([f"{k}: {v}" for k, v in answer.failures.items()])
    if answer.focal:
        sections["Focal parameter in every specification"] = [
            focal_figure(answer), *focal_blocks(answer),
        ]  # fmt: skip
    if answer.ruled_out is not None:
        sections["What is ruled out"] = [
            *ruled_out_blocks({answer.primary: answer.ruled_out}),
            *margin_blocks(answer.by_margin()),
        ]  # fmt: skip
        sections["The views compared"] = evidence_blocks(answer.evidence)
        sections["Effect or association"] = _design(answer)
    if answer.pretests:
        sections["Pre-tests"] = pretest_blocks(answer)
    if answer.fits:
        sections["Estimates"] = estimates(answer)
    sections["Claim and rival predictions"] = _claim(answer)
    sections["Plan"] = plan_text(answer)
    if h.published or answer.published:
        place = [Callout("Among published results", answer.published)] if answer.published else []
        sections["What published studies found"] = [
            *place, *([Bullets(h.published)] if h.published else []),
        ]  # fmt: skip
    sections["Data"] = data_blocks(answer.panel)
    if answer.fits:
        sections["Sample"] = sample_blocks(answer.fits.values())
    sections["What the fits reported"] = reports(answer.reports)
    return page(
        f"{h.id}: {h.claim}" if h.id else h.claim, sections, subtitle=h.equation,
        notice=simulated(answer.panel), footer=software(answer.fits.values()),
    )  # fmt: skip


def _verdict(answer: Any) -> list[Block]:
    h, found = answer.hypothesis, answer.estimate
    blocks: list[Block] = [
        Callout(f"Verdict: {answer.verdict}", answer.reason + ".", tone=TONE[answer.verdict])
    ]
    if answer.cautions:
        blocks.append(
            Callout(
                "The pre-tests hold against it", capital("; ".join(answer.cautions)) + ".",
                tone="warn",
            )
        )  # fmt: skip
    facts = {
        f"{view} predicts {sign_words(h.rivals[view])}": outcome
        for view, outcome in answer.views.items()
    }
    if found is None:
        return [*blocks, Descriptions(facts)]
    error, width = found.std_error, f"{100 * (1 - h.level):.0f}%"
    low, high = number(found.low, error), number(found.high, error)
    facts["Estimate"] = (
        f"{number(found.estimate, error)} ({width} interval {low} to {high}) in {answer.primary}"
    )
    if h.smallest_effect:
        facts["Smallest effect of interest"] = f"{h.smallest_effect:g}. {h.reason}".rstrip() + "."
    else:
        facts["Smallest effect of interest"] = "none declared, so nothing can be called no effect."
    facts["Minimum detectable effect"] = f"{number(found.detectable)} with 80% power"
    if np.isfinite(found.equivalence):
        facts["Equivalence test"] = f"{equals(found.equivalence)} (two one-sided tests)"
    return [*blocks, Descriptions(facts)]


def _design(answer: Any) -> list[Block]:
    name, threat = answer.primary, answer.threats
    term = answer.study.specs[name].term or answer.hypothesis.term
    return design_blocks(
        answer.designs, {name: threat} if threat else {},
        {name: part_words(answer.fits[name], term, answer.panel)},
    )  # fmt: skip


def _claim(answer: Any) -> list[Block]:
    h, panel = answer.hypothesis, answer.panel
    words = term_words(h.term, panel)
    facts = {"Focal parameter": words if words == h.term else f"{words} ({h.term})"}
    facts |= {view: f"predicts {sign_words(p)}" for view, p in h.rivals.items()}
    facts |= {"Level of tests": f"{h.level:g}"}
    sample, amiss = answer.study.sample, " ".join(not_declared(panel))
    facts |= {"Sample": f"not the declared one ({sample}). {amiss}" if amiss else sample}
    facts = {name: text for name, text in facts.items() if text}
    facts |= {"Source": h.source} if h.source else {}
    return [Text(h.claim + "."), Descriptions(facts)]


def plan_text(answer: Any) -> Text:
    """Whether a plan was registered before the fit, and held to."""
    if not answer.plan:
        return Text("No plan was registered before the fit.")
    held = (
        "The study departs from it as listed above."
        if answer.departures
        else "The study keeps to it."
    )
    return Text(f"Registered before the fit; SHA-256 {answer.plan}. {held}")


def alarm_list(alarms: Iterable[tuple[str, str, Any]]) -> Bullets:
    return Bullets(
        [f"{spec}: {test.name}, {equals(test.pvalue)}. Null: {test.null}."
         for spec, _, test in alarms]
    )  # fmt: skip


def estimates(answer: Any) -> list[Any]:
    """The regression table with the labels of the panel, and the tests behind it folded away."""
    label, fits = labeller(answer.panel), answer.fits
    terms = {str(name) for fit in fits.values() for name in fit.params.index}
    dummies = DUMMIES if any(re.match(DUMMIES, t) for t in terms) else None
    title = answer.hypothesis.claim
    blocks: list[Any] = [table(fits, rename=label, drop=dummies, title=title)]
    tests = [
        {"Specification": spec, "Test": test.name, "Statistic": number(test.statistic),
         "p": test.pvalue, "Null": test.null}
        for spec, fit in fits.items()
        for test in getattr(fit, "stats", {}).values()
        if hasattr(test, "pvalue") and hasattr(test, "null")
    ]  # fmt: skip
    if tests:
        frame = pd.DataFrame(tests).set_index("Specification")
        what = "diagnostic" if len(tests) == 1 else "diagnostics"
        blocks.append(Details(f"{len(tests)} {what}", (as_table(frame),)))
    return blocks


def focal_blocks(answer: Any) -> list[Any]:
    """The focal parameter by specification; what few will ask for is folded away."""
    h, rows, more = answer.hypothesis, [], []
    width = f"{100 * (1 - h.level):.0f}% interval"
    for name, f in answer.focal.items():
        spec = answer.study.specs[name]
        rows.append(
            {
                "Specification": name + (" (gives the verdict)" if name == answer.primary else ""),
                "Identification": spec.strategy,
                "Design": spec.design_class,
                "Estimate": number(f.estimate, f.std_error),
                width: interval(f.low, f.high, f.std_error),
                "p": f.pvalue,
            }
        )
        more.append(
            {
                "Specification": name, "Std. error": number(f.std_error, f.std_error),
                "p (equivalence)": f.equivalence, "Detectable": number(f.detectable),
                "Observations": getattr(answer.fits[name], "nobs", None),
                "Parameter": spec.term or h.term,
            }
        )  # fmt: skip
    detail = pd.DataFrame(more).set_index("Specification").dropna(axis=1, how="all")
    return [
        pd.DataFrame(rows).set_index("Specification"),
        Details("Standard errors, equivalence tests, detectable effects", (as_table(detail),)),
    ]


def as_table(frame: pd.DataFrame) -> Block:
    return TableBlock(frame_table(frame))


def focal_figure(answer: Any) -> Block:
    """The focal parameter with its interval, and the band of effects too small to matter."""
    h = answer.hypothesis
    rows = {name: (f.estimate, f.low, f.high) for name, f in answer.focal.items()}
    others = any(s.term not in ("", h.term) for s in answer.study.specs.values())
    caption = (
        f"{term_words(h.term, answer.panel)}{' (or what stands for it)' if others else ''}, by "
        f"specification, with {100 * (1 - h.level):.0f}% "
        "intervals; the thick one gives the verdict"
    )
    return interval_figure(rows, h.smallest_effect, caption=caption, primary=answer.primary or "")


def interval_figure(
    rows: Mapping[str, tuple[float, float, float]], bound: float, *, caption: str, primary: str = ""
) -> Block:
    """Points with intervals, one row each, over the band of effects below the smallest of
    interest; words where matplotlib is not installed."""
    from migdev.errors import MigdevError

    try:
        from migdev.report.figure import svg
        from migdev.report.verdict_figures import interval_plot

        plot = interval_plot(rows, bound, primary)
        drawing = svg(plot)
    except (ImportError, MigdevError) as error:
        return Text(f"The figure is left out: {error}")
    words = "; ".join(f"{k}: {e:.3g} [{a:.3g}, {b:.3g}]" for k, (e, a, b) in rows.items())
    band = f" The band marks effects below the smallest of interest ({bound:g})." if bound else ""
    return Figure(drawing, caption + "." + band, words, source=plot)


def reports(lines: list[str]) -> Block:
    """What fits and variants told, folded away."""
    if not lines:
        return Text("Nothing was dropped, and no fit warned of anything.")
    what = "report" if len(lines) == 1 else "reports"
    return Details(f"{len(lines)} {what} of dropped rows, columns or weak spots", (Bullets(lines),))
