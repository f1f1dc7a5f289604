"""The verdict page: claim, rival predictions, plan, estimates, verdict, data sources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from migdev.report.blocks import Block, Bullets, Callout, Details, Facts, Figure, Text
from migdev.report.render import Page, page
from migdev.report.table import table

TONE = {"supported": "good", "contradicted": "bad", "no effect": "info", "undecided": "warn"}


def write_verdict(answer: Any, path: Path) -> Path:
    """Write the page of an answer in the format of the suffix."""
    return verdict_page(answer).save(path)


def verdict_page(answer: Any) -> Page:
    """The page of an :class:`~migdev.study.answer.Answer`."""
    h = answer.hypothesis
    sections: dict[str, Any] = {
        "Verdict": _verdict(answer),
        "Claim and rival predictions": _claim(h),
        "Plan": plan_blocks(answer),
    }
    if answer.alarms:
        sections["Diagnostics that failed"] = Bullets(
            [f"{spec}: {test.name}, p = {test.pvalue:.4f}. Null: {test.null}."
             for spec, _, test in answer.alarms]
        )  # fmt: skip
    sections["Focal parameter in every specification"] = [
        focal_figure(answer), focal_table(answer), *_not_fitted(answer),
    ]  # fmt: skip
    if answer.fits:
        sections["Estimates"] = table(answer.fits, diagnostics="all", title=h.claim)
    if h.published:
        sections["What published studies found"] = Bullets(h.published)
    sections["Data"] = data_blocks(answer.panel)
    sections["Sample"] = sample_blocks(answer.fits.values())
    sections["What the fits reported"] = _heard(answer.warnings)
    return page(
        f"{h.id}: {h.claim}" if h.id else h.claim,
        sections,
        subtitle=h.equation,
        notice=simulated(answer.panel),
        footer=software(),
    )


def _verdict(answer: Any) -> list[Block]:
    h, found = answer.hypothesis, answer.estimate
    blocks: list[Block] = [
        Callout(f"Verdict: {answer.verdict}", answer.reason, tone=TONE[answer.verdict])
    ]
    facts = {f"{view} predicts {h.rivals[view]}": outcome for view, outcome in answer.views.items()}
    if found is not None:
        facts |= {
            "Estimate": f"{found.estimate:.4g} ({100 * (1 - h.level):.0f}% interval "
            f"{found.low:.4g} to {found.high:.4g}) in {answer.primary}",
            "Smallest effect of interest": f"{h.smallest_effect:g}. {h.reason}.",
            "Minimum detectable effect": f"{found.detectable:.4g} with 80% power",
        }
        if np.isfinite(found.equivalence):
            facts["Equivalence test"] = f"p = {found.equivalence:.4f} (two one-sided tests)"
    return [*blocks, Facts(facts)]


def _claim(h: Any) -> list[Block]:
    facts = {view: f"predicts {prediction} for {h.term}" for view, prediction in h.rivals.items()}
    facts |= {"Focal parameter": h.term, "Level of tests": f"{h.level:g}"}
    facts |= {"Source": h.source} if h.source else {}
    return [Text(h.claim + "."), Facts(facts)]


def plan_blocks(answer: Any) -> list[Block]:
    """What was registered before the fit, and departures from it."""
    if not answer.plan:
        return [Text("No plan was registered before the fit.")]
    blocks: list[Block] = [Text(f"Registered before the fit; SHA-256 {answer.plan}.")]
    if answer.departures:
        return [
            *blocks,
            Callout("Departures from the plan", tone="warn"),
            Bullets(answer.departures),
        ]
    return [*blocks, Text("The study keeps to its plan.")]


def focal_table(answer: Any) -> pd.DataFrame:
    frame = answer.frame.drop(columns="note").rename(
        columns={
            "spec": "Specification", "strategy": "Identification", "estimate": "Estimate",
            "std_error": "Std. error", "conf_low": "Low", "conf_high": "High", "p_value": "p",
            "p_equivalence": "p (equivalence)", "detectable": "Detectable", "nobs": "Observations",
        }
    )  # fmt: skip
    return frame.set_index("Specification")


def focal_figure(answer: Any) -> Block:
    """The focal parameter with its interval, and the band of effects too small to matter."""
    rows = {name: (f.estimate, f.low, f.high) for name, f in answer.focal.items()}
    return interval_figure(
        rows,
        answer.hypothesis.smallest_effect,
        caption=f"{answer.hypothesis.term}, by specification",
    )


def interval_figure(
    rows: Mapping[str, tuple[float, float, float]], bound: float, *, caption: str
) -> Block:
    """Points with intervals, one row each, over the band of effects below the smallest of
    interest; words where matplotlib is not installed."""
    from migdev.errors import MigdevError

    try:
        from migdev.report.figure import svg
        from migdev.report.pattern import interval_plot

        drawing = svg(interval_plot(rows, bound))
    except (ImportError, MigdevError) as error:
        return Text(f"The figure is left out: {error}")
    words = "; ".join(f"{k}: {e:.3g} [{a:.3g}, {b:.3g}]" for k, (e, a, b) in rows.items())
    band = f" The band marks effects below the smallest of interest ({bound:g})." if bound else ""
    return Figure(drawing, caption + "." + band, words)


def _not_fitted(answer: Any) -> list[Block]:
    if not answer.failures:
        return []
    return [Text("Not fitted:"), Bullets([f"{k}: {v}" for k, v in answer.failures.items()])]


def _heard(warnings: Mapping[str, tuple[str, ...]]) -> Block:
    lines = [f"{name}: {text}" for name, texts in warnings.items() for text in texts]
    if not lines:
        return Text("Nothing was dropped, and no fit warned of anything.")
    return Details(
        f"{len(lines)} reports of dropped rows, columns or weak spots", (Bullets(lines),)
    )


def data_blocks(panel: Any) -> list[Any]:
    """Provenance of the data and how the panel was made."""
    blocks: list[Any] = []
    if panel.provenance:
        blocks.append(
            pd.DataFrame(
                [
                    {
                        "Dataset": p.dataset, "Publisher": p.publisher,
                        "Vintage": p.vintage or "not stated", "Obtained": p.retrieved[:10],
                        "Licence": p.licence or "not stated", "SHA-256": p.sha256[:12],
                        "Request": p.request,
                    }
                    for p in panel.provenance
                ]
            ).set_index("Dataset")
        )  # fmt: skip
    else:
        blocks.append(Text("The panel names no source."))
    if panel.history:
        blocks.append(Details("How the panel was made", (Bullets(panel.history),)))
    blocks.append(Text(f"Fingerprint of the panel: {panel.fingerprint}."))
    return blocks


def sample_blocks(fits: Iterable[Any]) -> list[Any]:
    """Observations by region and decade in the largest estimation sample."""
    samples = [fit.sample for fit in fits if getattr(fit, "sample", None) is not None]
    if not samples:
        return [Text("No specification keeps its sample.")]
    sample = max(samples, key=lambda s: len(s.rows))
    panel = sample.panel
    years = panel.calendar.year(sample.time)
    decades = [f"{decade}s" for decade in years // 10 * 10]
    where = panel["region"].to_numpy()[sample.rows] if "region" in panel else "all"
    counts = pd.crosstab(pd.Series(where, name="Region"), pd.Series(decades), dropna=False)
    counts["Entities"] = (
        pd.Series(sample.entity).groupby(pd.Series(np.broadcast_to(where, len(years)))).nunique()
    )
    counts.columns.name = None
    return [Text(f"{len(sample.rows):,} observations by region and decade:"), counts]


def simulated(panel: Any) -> str:
    """The notice that data are simulated, where they are."""
    if any("SIMULATED" in p.dataset for p in panel.provenance):
        return "Simulated data: this world describes no country."
    return ""


def software() -> tuple[str, ...]:
    from importlib.metadata import version
    from platform import python_version

    names = ("migdev", "numpy", "scipy", "pandas")
    listed = ", ".join(f"{name} {version(name)}" for name in names)
    return (f"{listed}, Python {python_version()}.",)
