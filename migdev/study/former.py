"""Plans registered before: their names and fields as they are told now.

A class was once written by the file in which it stood (``migdev.estimators.linear.FixedEffects``),
which moved; it is found by its public name. Where a field is renamed, :data:`FIELDS` tells the old
name, so that what was registered under it still matches.
"""

from __future__ import annotations

from typing import Any

from migdev.identity import public_name

#: By class: a former field and its name now, ``""`` where it is no longer told. A question wrote
#: the address of the functions that make its specifications and pre-tests, which stand in the plan.
FIELDS = {"migdev.hypotheses:Question": {"specs": "", "pretests": ""}}


def as_now(content: Any) -> Any:
    """The content of a plan with the names of today."""
    if isinstance(content, dict):
        name = _class(content.get("class"))
        renamed = FIELDS.get(str(name), {})
        told = {renamed.get(k, k): as_now(v) for k, v in content.items() if renamed.get(k, k)}
        return told if name is None else {**told, "class": name}
    if isinstance(content, list):
        return [as_now(item) for item in content]
    return content


def _class(name: Any) -> Any:
    """The public name of a class of ours; other names as they were."""
    if isinstance(name, str) and name.startswith("migdev.") and ":" not in name:
        return public_name(name.rpartition(".")[2]) or name
    return name


def same_name(planned: Any, now: Any) -> bool:
    """Whether a class or function was registered as ``module.name`` by what is told of it now:
    ``module:name`` with its version or the hash of its source."""
    address = now.get("reference") if isinstance(now, dict) else now
    return isinstance(address, str) and planned == address.partition(" ")[0].replace(":", ".")
