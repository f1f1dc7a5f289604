"""From what a user gives an estimator to what its specification holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import wraps
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar, cast

from migdev.covariance import as_covariance
from migdev.errors import SpecificationError
from migdev.options import Takes, check_options
from migdev.panel.formula import split_effects
from migdev.panel.model_matrix import require_data

#: A field of effects: takes one name or several, and holds a tuple.
Effects: TypeAlias = Takes[str | Sequence[str], tuple[str, ...]]


def settle(spec: Any, words: Mapping[str, str] = MappingProxyType({})) -> None:
    """Bring what was given into the form that a specification holds, and check its choices.

    Effects behind a bar, ``y ~ x | iso3 + year``, become ``effects``; a lone effect becomes a
    tuple, and a short word the covariance that it stands for.

    Parameters
    ----------
    words : mapping
        Words of ``cov`` for what the estimator computes itself, to what it calls them.
    """
    defaults: dict[str, Any] = {f.name: f.default for f in fields(spec)}
    if "effects" in defaults:
        object.__setattr__(spec, "effects", _names(spec.effects))
    if "|" in spec.formula:
        formula, named = split_effects(spec.formula)
        if named is not None:
            _take_effects(spec, defaults, named)
            object.__setattr__(spec, "formula", formula)
    cov = getattr(spec, "cov", None)
    if cov is not None:
        own = words.get(cov.strip().lower()) if isinstance(cov, str) else None
        object.__setattr__(spec, "cov", as_covariance(cov) if own is None else own)
    check_options(spec)


def _take_effects(spec: Any, defaults: Mapping[str, Any], named: tuple[str, ...]) -> None:
    what = type(spec).__name__
    if "effects" not in defaults:
        raise SpecificationError(
            f"{spec.formula!r} names effects behind the bar, and {what} has none. Use "
            "FixedEffects, or leave them out."
        )
    if spec.effects not in (defaults["effects"], named):
        raise SpecificationError(
            f"{spec.formula!r} names effects behind the bar, and effects={spec.effects!r} names "
            "others. Name them once."
        )
    object.__setattr__(spec, "effects", _names(named))


F = TypeVar("F", bound=Callable[..., Any])


def of_panel(fit: F) -> F:
    """``fit(panel)`` that tells who hands it a frame, or the keys of one, how to make a panel."""

    @wraps(fit)
    def told(self: Any, panel: Any = None, **keys: Any) -> Any:
        require_data(panel, **keys)
        return fit(self, panel)

    return cast(F, told)


def require_effects(effects: tuple[str, ...]) -> None:
    if not effects:
        raise SpecificationError(
            "effects=() names no effect; give e.g. ('entity',) or ('entity', 'time'), or use "
            "PooledOLS."
        )


def _names(effects: Any) -> tuple[str, ...]:
    """A tuple of distinct names; a lone string is one."""
    names = (effects,) if isinstance(effects, str) else tuple(effects)
    if not all(isinstance(name, str) and name.strip() for name in names):
        raise SpecificationError(
            f"effects={effects!r} names no effect; give names, e.g. ('entity', 'time')."
        )
    if len(set(names)) < len(names):
        raise SpecificationError(f"effects={effects!r} names one effect twice.")
    return names
