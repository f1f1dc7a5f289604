"""Plans registered before: their names and fields as they are told now.

A class was once written by the file in which it stood (``migdev.estimators.linear.FixedEffects``),
which moved; it is found by its public name. A field that was renamed is known by the former name
that its class still takes (:func:`migdev.options.renamed`), so that what was registered under it
still matches.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migdev.errors import SpecificationError
from migdev.identity import public_name, resolve
from migdev.options import former_names

#: Rules by which verdicts were once given: supported and contradicted read the interval of the
#: level (one side of 2.5% at 5%), and strategies counted by the name that a specification gave.
FORMER_RULES = (
    "The first specification of `prefer` that can be fitted gives the verdict: supported (interval "
    "beyond the smallest effect on the predicted side, same sign under two identification "
    "strategies), contradicted, no effect (two one-sided tests), undecided. A joint pattern is "
    "established by an intersection-union test at the declared level.",
)
#: By class: fields that are no longer told. A question wrote the address of the functions that make
#: its specifications and pre-tests, which stand in the plan.
GONE = {"migdev.hypotheses:Question": ("specs", "pretests")}


def as_now(content: Any) -> Any:
    """The content of a plan with the names of today."""
    if isinstance(content, dict):
        name = _class(content.get("class"))
        if not isinstance(name, str):
            return {k: as_now(v) for k, v in content.items()}
        now, gone = _names(name), GONE.get(name, ())
        told = {now.get(k, k): as_now(v) for k, v in content.items() if k not in gone}
        if name == "migdev:PreTest":
            now = _names(f"migdev.diagnostics:{content.get('test')}")
            told["options"] = [[now.get(k, k), v] for k, v in told["options"]]
        return {**told, "class": name}
    if isinstance(content, list):
        return [as_now(item) for item in content]
    return content


def _names(address: str) -> Mapping[str, str]:
    """Former names of the options of a class or function, and what they are called now."""
    if not address.startswith(("migdev:", "migdev.")):
        return {}  # reading a plan imports nothing of others
    try:
        return former_names(resolve(address))
    except SpecificationError:
        return {}


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
