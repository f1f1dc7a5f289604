"""The page of a joint test: the pattern of several effects, at a glance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from migdev.report.blocks import Block, Bullets, Callout, Details, Facts, Figure, Text
from migdev.report.render import Page, page
from migdev.report.table import table
from migdev.report.verdict import data_blocks, plan_blocks, sample_blocks, simulated, software


def write_joint(answer: Any, path: Path) -> Path:
    """Write the page of a joint answer in the format of the suffix."""
    return joint_page(answer).save(path)


def joint_page(answer: Any) -> Page:
    """The page of a :class:`~migdev.study.joint_answer.JointAnswer`."""
    study = answer.study
    sections: dict[str, Any] = {
        "Verdict": _verdict(answer),
        "The pattern": pattern_figure(answer),
        "Claims and rival predictions": _claims(study),
        "Plan": plan_blocks(answer),
        "The four effects": [_components(answer), _notes(answer)],
        "Share of draws in each cone": [
            Text(
                "Joint draws of the effects: whole countries drawn with replacement (pairs), one "
                "sign per country for all residuals (wild), and the normal distribution with the "
                "stacked cluster covariance (sandwich). The cones exclude one another."
            ),
            _percent(answer.shares),
        ],
        "Sensitivity to the smallest effects": [
            Text("Shares of the pairs bootstrap as every smallest effect of interest is scaled."),
            _percent(answer.sensitivity),
        ],
        "By sample, and without each region": answer.by_sample.astype(float).round(3),
        "Estimates": table(answer.main.fits, title="Equations of the joint test"),
    }
    published = dict.fromkeys(t for c in study.components for t in c.hypothesis.published)
    if published:
        sections["What published studies found"] = Bullets(list(published))
    sections["Data"] = data_blocks(answer.panel)
    sections["Sample"] = sample_blocks(answer.main.fits.values())
    heard = [*answer.warnings, *(f"{k}: {v}" for k, v in answer.failures.items())]
    if heard:
        sections["What the fits reported"] = Details(
            f"{len(heard)} reports of dropped rows or failed variants", (Bullets(heard),)
        )
    names = ", ".join(c.name for c in study.components)
    return page(
        f"The joint pattern of {names}", sections, notice=simulated(answer.panel), footer=software()
    )


def _verdict(answer: Any) -> list[Block]:
    tone = "warn" if answer.verdict == "undecided" else "good"
    patterns = {
        f"{name} predicts ({', '.join(signs)})": f"established: p = "
        f"{answer.main.pvalues[name]:.4f}; contradicted: p = {answer.main.rejections[name]:.4f}; "
        f"{100 * answer.main.shares['pairs'][name]:.1f}% of draws"
        for name, signs in answer.study.patterns.items()
    }
    rule = (
        "A pattern is established where every one of its parts is, at level "
        f"{answer.study.level:g} (intersection-union test), and contradicted where some part is "
        "(Bonferroni)."
    )
    return [Callout(f"Verdict: {answer.verdict}", answer.reason, tone=tone), Text(rule),
            Facts(patterns)]  # fmt: skip


def _claims(study: Any) -> Facts:
    return Facts(
        {
            c.name: f"{c.hypothesis.claim}: "
            + ", ".join(f"{view} {sign}" for view, sign in c.hypothesis.rivals.items())
            + f". Smallest effect {c.hypothesis.smallest_effect:g}: {c.hypothesis.reason}."
            for c in study.components
        }
    )


def _components(answer: Any) -> pd.DataFrame:
    frame = answer.components
    return frame.rename(
        columns={
            "estimate": "Estimate", "std_error": "Std. error", "conf_low": "Low",
            "conf_high": "High", "p_value": "p", "p_equivalence": "p (equivalence)",
            "smallest_effect": "Smallest effect", "detectable": "Detectable",
            "nobs": "Observations", "entities": "Countries",
        }
    )  # fmt: skip


def _notes(answer: Any) -> Text:
    formulas = "; ".join(c.formula for c in answer.study.components)
    return Text(
        f"Equations with country and period effects, errors clustered by country: {formulas}. "
        f"Sample: {answer.study.sample}. {answer.study.draws} draws, seed {answer.study.seed}. "
        "Detectable: the effect that would have been found with 80% power."
    )


def _percent(frame: pd.DataFrame) -> pd.DataFrame:
    return (100 * frame).round(1).map(lambda v: f"{v:.1f}%")


def pattern_figure(answer: Any) -> Block:
    """Each effect in units of its smallest effect of interest, with what each view predicts, and
    the share of draws in each cone."""
    from migdev.errors import MigdevError

    try:
        from migdev.report.figure import svg
        from migdev.report.pattern import pattern_plot

        drawing = svg(pattern_plot(answer))
    except (ImportError, MigdevError) as error:
        return Text(f"The figure is left out: {error}")
    words = "; ".join(
        f"{name}: {f.estimate:.3g} [{f.low:.3g}, {f.high:.3g}]"
        for name, f in answer.main.focal.items()
    )
    return Figure(
        drawing,
        "Effects of one more percent of GDP of remittances, in units of the smallest effect of "
        "interest (dots, with 95% intervals); bars mark what each view predicts. Right: share of "
        "bootstrap draws in each cone.",
        words,
    )
