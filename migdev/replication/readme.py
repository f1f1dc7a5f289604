"""README of a package, on the template of the social-science data editors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from migdev.provenance import Provenance
from migdev.replication.checklist import Contents


def readme(
    answer: Any,
    *,
    title: str,
    authors: str,
    facts: Contents,
    rules: Sequence[tuple[int, str, str, str]],
    seconds: float,
    environment: Mapping[str, str],
    has_plan: bool = False,
    page: str = "verdict",
    modules: Sequence[str] = (),
) -> str:
    """The README as Markdown."""
    from jinja2 import Environment, StrictUndefined

    source = files("migdev.replication").joinpath("README.md.jinja").read_text(encoding="utf-8")
    template = Environment(undefined=StrictUndefined, autoescape=False).from_string(source)
    sources: tuple[Provenance, ...] = answer.panel.provenance
    parts = getattr(answer.study, "components", ()) if hasattr(answer, "main") else ()
    claim = "; ".join(c.hypothesis.claim for c in parts) or (
        answer.hypothesis.claim if hasattr(answer, "hypothesis") else answer.claim
    )
    about = f"the joint pattern of {', '.join(c.name for c in parts)}" if parts else claim
    return template.render(
        title=title or f"Replication package: {about}",
        authors=authors,
        claim=claim,
        verdict=answer.verdict,
        reason=answer.reason,
        cautions=getattr(answer, "cautions", ()),
        sources=sources,
        facts=facts,
        history=answer.panel.history,
        environment=environment,
        minutes="a minute" if seconds < 60 else f"{seconds / 60:.0f} minutes",
        seed=getattr(answer.study, "seed", None),
        plan=answer.plan,
        has_plan=has_plan,
        page=page,
        modules=modules,
        has_background=getattr(answer, "background", None) is not None,
        departures="; ".join(answer.departures) or "There are no departures from it.",
        rules=rules,
    )
