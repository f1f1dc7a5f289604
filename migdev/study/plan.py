"""Plans: what was declared before the fit, with a hash, and departures from it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from migdev.errors import SpecificationError
from migdev.identity import canonical, fingerprint, to_json
from migdev.panel.expressions.functions import registered_in
from migdev.study.former import FORMER_RULES, as_now, same_name
from migdev.writing import write_whole

RULE = (
    "The first specification of `prefer` that can be fitted gives the verdict: supported (beyond "
    "the smallest effect on the predicted side by a one-sided test at the level, same sign under "
    "two classes of design), contradicted, no effect (two one-sided tests), undecided. A joint "
    "pattern is established by an intersection-union test at the declared level."
)
PRETESTS = (
    "Before any fit the pre-tests are run. A rule of theirs whose condition holds moves "
    "specifications behind others in `prefer`, or marks them; one whose condition does not hold, "
    "or cannot be told, does nothing."
)


def plan_content(study: Any) -> dict[str, Any]:
    """What a plan declares: hypotheses, specifications, their order, the sample, the pre-tests with
    what they decide, the rule, and the functions of the user's that formulas call."""
    content: dict[str, Any] = canonical(study)
    if called := registered_in(to_json(content)):
        content["functions"] = canonical(called)
    rule = f"{PRETESTS} {RULE}" if getattr(study, "pretests", None) else RULE
    return {**content, "rule": rule}


def check_plan(study: Any, path: str | Path | None, strict: bool) -> tuple[str, tuple[str, ...]]:
    """Hash of the registered plan and departures from it; both empty without a plan.

    Raises
    ------
    SpecificationError
        The plan was changed after registration, is of another question, or ``strict`` and the
        study departs from it.
    """
    if path is None:
        return "", ()
    plan = read_plan(Path(path))
    planned, asked = question_of(plan["plan"]), question_of(plan_content(study))
    if planned != asked:
        raise SpecificationError(
            f"The plan {str(path)!r} is of another question: it registers {planned!r}, and this "
            f"study asks {asked!r}. Name the plan of this question."
        )
    found, rule = departures(study, plan), _former_rule(study, plan)
    if found and strict:
        raise SpecificationError(f"The study departs from its plan: {'; '.join(found)}.")
    return str(plan["sha256"]), (*found, *rule)


def write_plan(study: Any, path: Path) -> str:
    content = plan_content(study)
    digest = fingerprint(content)
    registered = datetime.now(UTC).isoformat(timespec="seconds")
    seal = _seal(digest, registered)
    plan = {"sha256": digest, "registered": registered, "seal": seal, "plan": content}
    write_whole(path, json.dumps(plan, indent=2, ensure_ascii=False) + "\n")
    return digest


def read_plan(path: Path) -> dict[str, Any]:
    """A registered plan whose content still has its hash."""
    try:
        plan: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        content, digest = plan["plan"], plan["sha256"]
        question_of(content)
    except FileNotFoundError:
        raise SpecificationError(f"There is no plan at {str(path)!r}.") from None
    except OSError as error:
        raise SpecificationError(
            f"The plan {str(path)!r} cannot be read: {error.strerror}."
        ) from None
    except (ValueError, LookupError, TypeError, AttributeError):
        raise SpecificationError(
            f"{str(path)!r} is not a plan written by Study.preregister()."
        ) from None
    if fingerprint(content) != digest:
        raise SpecificationError(
            f"The plan {str(path)!r} was changed after registration: its content has SHA-256 "
            f"{fingerprint(content)[:12]}..., but it was registered as {str(digest)[:12]}.... "
            "Restore the registered file, or register the new plan."
        )
    # Plans from before the seal have none.
    if "seal" in plan and plan["seal"] != _seal(digest, plan.get("registered")):
        raise SpecificationError(
            f"The date of the plan {str(path)!r} was changed after registration. Restore the "
            "registered file, or register the new plan."
        )
    return plan


def _seal(digest: object, registered: object) -> str:
    """Hash of a plan's hash and its date: neither can be changed alone."""
    return fingerprint([digest, registered])


def question_of(content: dict[str, Any]) -> str:
    """What a plan asks: the id of its hypothesis, or the claim; of a joint study its equations."""
    if "components" in content:
        return "joint: " + ", ".join(str(c["name"]) for c in content["components"])
    hypothesis = content["hypothesis"]
    return str(hypothesis.get("id") or hypothesis["claim"])


def departures(study: Any, plan: dict[str, Any]) -> tuple[str, ...]:
    """How a study differs from its plan, part by part; a former rule of migdev is told apart."""
    now = json.loads(json.dumps(plan_content(study)))
    planned = as_now(plan["plan"])
    if _former_rule(study, plan):
        planned = {**planned, "rule": now["rule"]}
    return tuple(_differences(planned, now, ""))


def _former_rule(study: Any, plan: dict[str, Any]) -> tuple[str, ...]:
    """That the verdict is given by another rule than that of the plan, where this is a former one
    of migdev: what the study cannot mend, so it is no reason to refuse it, but is told."""
    told = str(plan["plan"].get("rule", "")).removeprefix(PRETESTS).strip()
    if told not in FORMER_RULES:
        return ()
    return (f"the rule is {RULE!r}, planned {told!r}",)


def _differences(planned: Any, now: Any, where: str) -> list[str]:
    if isinstance(planned, dict) and isinstance(now, dict):
        found = []
        for key in dict.fromkeys([*planned, *now]):
            place = f"{where}.{key}" if where else key
            if key not in now:
                found.append(f"{place} was planned and is left out")
            elif key not in planned:
                found.append(f"{place} was not planned")
            else:
                found += _differences(planned[key], now[key], place)
        return found
    named = where.rpartition(".")[2] == "class" or isinstance(now, dict)  # a function
    same = planned == now or fingerprint(planned) == fingerprint(now)  # NaN differs from itself
    if same or (named and same_name(planned, now)):
        return []
    return [f"{where} is {now!r}, planned {planned!r}"]
