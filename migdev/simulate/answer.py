"""Worlds drawn from the design of an answer: size and power of the test that was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from migdev.errors import SpecificationError, listing
from migdev.kernels.arrays.distributions import t_quantile
from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.kernels.sandwich.index_worlds import IndexWorlds
from migdev.options import check_choice

Errors = Literal["normal", "blocks"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimulatedAnswer:
    """What the rule of a joint test does in worlds drawn from its own design.

    Attributes
    ----------
    truth : mapping from component to effect
        In units of the index.
    estimates, std_errors, df : (B, m)
        Of the components, by world.
    rates : DataFrame
        Share of worlds in which each pattern is established, and contradicted.
    coverage : mapping from component to share
        Of worlds in which the interval of the level holds the truth.
    """

    truth: Mapping[str, float]
    estimates: FloatArray
    std_errors: FloatArray
    df: FloatArray
    rates: pd.DataFrame
    coverage: Mapping[str, float]


def from_answer(
    answer: Any,
    truth: str | Mapping[str, float],
    *,
    size: float = 2.0,
    worlds: int = 1000,
    seed: int = 20240101,
    errors: Errors = "normal",
    shared: float = 0.0,
) -> SimulatedAnswer:
    """Draw worlds from the design of a joint answer, and judge each by its rule.

    Regressors, gaps and samples are those of the fits; only errors are drawn. Size and power are
    then those of the test that was made, not of a flattering world.

    Parameters
    ----------
    answer : JointAnswer
        Of dimensions whose outcomes are formulas.
    truth : str or mapping from component to effect
        Effects in units of the index (of every outcome of a component), zero where not named; or a
        pattern of the study, whose ``+`` and ``-`` are then ``size`` times the smallest effect of
        interest and all else zero.
    size : float
    worlds : int
    seed : int
    errors : {"normal", "blocks"}
        Normal errors that are autoregressive within countries and correlated between outcomes, or
        whole countries' residuals with random signs; see
        :class:`~migdev.kernels.sandwich.index_worlds.IndexWorlds`.
    shared : float
        Share of the variance of normal errors that the countries of a region have in common (by
        the study's ``region``): dependence that errors clustered by country do not see.

    Raises
    ------
    SpecificationError
        A component has no such design; a truth names none of the components.
    """
    check_choice("errors", errors, Errors)
    fits, study = answer.main.fits, answer.study
    without = [name for name, fit in fits.items() if getattr(fit, "design", None) is None]
    if without:
        raise SpecificationError(
            f"Worlds cannot be drawn for {listing(without)}: only dimensions whose outcomes are "
            "formulas keep a design to draw from. Write them as Dimension(outcomes=...)."
        )
    if not 0 <= shared < 1 or (shared and errors != "normal"):
        raise SpecificationError(
            f"shared={shared:g} with errors={errors!r}; give a share of the variance of normal "
            "errors, at least 0 and below 1."
        )
    effects = _effects(study, truth, size)
    drawn = IndexWorlds(
        designs=[fit.design for fit in fits.values()],
        within=[[part.within for part in fit.parts.values()] for fit in fits.values()],
        region=_regions(answer) if shared else None,
        shared=shared,
    ).draw(np.array(list(effects.values())), worlds, np.random.default_rng(seed), errors)
    reach = drawn.std_errors * t_quantile(1 - study.level / 2, drawn.df)
    inside = np.abs(drawn.estimates - list(effects.values())) <= reach
    return SimulatedAnswer(
        truth=effects, estimates=drawn.estimates, std_errors=drawn.std_errors, df=drawn.df,
        rates=answer.rates(drawn), coverage=dict(zip(effects, inside.mean(axis=0), strict=True)),
    )  # fmt: skip


def _regions(answer: Any) -> IntArray:
    """(N,) codes of the regions of the entities; those without one share a code of their own."""
    panel, name = next(iter(answer.main.fits.values())).sample.panel, answer.study.region
    if not name or name not in panel:
        raise SpecificationError(
            f"shared= needs the regions of countries, and the study has region={name!r}. Name a "
            "column of the panel as its region."
        )
    codes = np.zeros(len(panel.entities), dtype=np.int64)
    codes[panel.entity_codes] = panel.codes(name) + 1
    return codes


def _effects(study: Any, truth: str | Mapping[str, float], size: float) -> dict[str, float]:
    names = [c.name for c in study.components]
    if isinstance(truth, str):
        patterns = study.patterns
        if truth not in patterns:
            raise SpecificationError(
                f"truth={truth!r} is no pattern of the study; use {listing(patterns)}, or effects "
                "by component."
            )
        signs = {"+": size, "-": -size}
        parts = zip(names, patterns[truth], study.bounds, strict=True)
        return {name: signs.get(sign, 0.0) * float(bound) for name, sign, bound in parts}
    unknown = [name for name in truth if name not in names]
    if unknown:
        raise SpecificationError(
            f"truth names {unknown[0]!r}, which is no component: {listing(names)}."
        )
    return {name: float(truth.get(name, 0.0)) for name in names}
