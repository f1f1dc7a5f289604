"""Decidability: what the data could have established, whatever the estimates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import inf, nan
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtri, ndtri

from migdev.kernels.arrays.distributions import t_quantile
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.inequality.box_probability import lower_root
from migdev.kernels.inequality.lattice import lattice
from migdev.study.assessment.parts import Parts
from migdev.study.cones import established, region_pvalue

POWER = 0.80
POINTS = 4096
#: Smallest effects beyond which no factor is looked for.
FARTHEST = 1000.0
#: Where a pattern is taken to hold, in smallest effects: a factor for predicted effects, else none.
_AT = {"+": 1.0, "-": -1.0, "!=0": 1.0}
COULD = "could have been established"
COULD_NOT = "could not have been established by any estimate"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decidability:
    """What the standard errors leave possible; estimates play no part in it.

    Attributes
    ----------
    parts : DataFrame
        By part and prediction: ``margin``, ``std_error``, ``df``; ``attainable_p``, the smallest
        p-value that any estimate could have had; ``effect_80``, the true effect at which the test
        has 80% power, in natural units (missing for "no effect", which is one place); ``power``,
        that at twice the margin for predicted effects, at zero for the others; ``outcome``.
    patterns : DataFrame
        By pattern: its ``prediction`` of each part; ``attainable_p`` of its test; ``factor_80``,
        by how much the predicted effects must exceed their margins for 80% power, all at once,
        where the others are zero (infinite where no effect would do); ``power_2``, ``power_3`` and
        ``power_most`` at twice and three times the margins and for effects without bound;
        ``could`` and, in words, ``outcome``.
    level : float
    limits : tuple of str
        What stands in the way of a verdict beside the tests.
    """

    parts: pd.DataFrame
    patterns: pd.DataFrame
    level: float
    limits: tuple[str, ...] = ()

    @property
    def sentences(self) -> list[str]:
        """What limits the verdict, and each pattern in a sentence."""
        found = list(self.limits)
        for name, row in self.patterns.iterrows():
            text = f"{name} {row['outcome']}"
            if not row["could"]:
                found.append(f"{text} (best attainable p = {row['attainable_p']:.3f})")
            elif np.isinf(row["factor_80"]):
                most = 100 * row["power_most"]
                found.append(f"{text}, with {most:.0f}% power at most, whatever the effects")
            elif np.isfinite(row["factor_80"]):
                found.append(
                    f"{text}, with 80% power from effects of {row['factor_80']:.1f} times the "
                    f"margin{'s' if len(row['prediction']) > 1 else ''} on"
                )
            else:
                found.append(text)
        return found

    def __str__(self) -> str:
        return "\n".join(self.sentences)


def attainable_pvalue(prediction: str, std_error: float, bound: float, df: float | None) -> float:
    """Smallest p-value of a prediction that any estimate could have had.

    Zero for a side, which an estimate may exceed by any distance; for ``0`` that of an estimate
    of zero.
    """
    best = {"+": inf, ">=0": inf, "!=0": inf, "-": -inf, "<=0": -inf}.get(prediction, 0.0)
    return float(region_pvalue(prediction, best, std_error, bound, df))


def attainable_pattern(parts: Parts, pattern: str) -> float:
    """Smallest p-value that the test of a pattern could have had: the largest of its parts'."""
    return max(
        attainable_pvalue(p, float(s), float(b), df)
        for p, s, b, df in zip(
            parts.patterns[pattern], parts.errors, parts.bounds, parts.dfs, strict=True
        )
    )


def pattern_power(parts: Parts, pattern: str) -> Callable[[float], float]:
    r"""Power of the intersection-union test of a pattern, as a function of the factor by which each
    predicted effect is its margin; the others are zero.

    Estimates are :math:`N(\theta, V)`, their squared errors :math:`V_{jj}\chi^2_{\nu_j}/\nu_j`,
    independent of one another; 4,096 points of a lattice.
    """
    predictions, m = parts.patterns[pattern], len(parts.names)
    u = lattice(POINTS, 2 * m)
    noise = ndtri(u[:, :m]) @ lower_root(parts.cov).T
    errors = np.tile(parts.errors, (POINTS, 1))
    for j, df in enumerate(parts.dfs):
        if df is not None and np.isfinite(df):
            errors[:, j] *= _error_ratios(float(df), m, j)
    at = np.array([_AT.get(p, 0.0) for p in predictions]) * parts.bounds

    def power(factor: float) -> float:
        estimates = factor * at + noise
        passed = [
            established(
                p, estimates[:, j], errors[:, j], parts.bounds[j], parts.dfs[j], parts.level
            )
            for j, p in enumerate(predictions)
        ]
        return float(np.all(passed, axis=0).mean())

    return power


@lru_cache(maxsize=64)
def _error_ratios(df: float, m: int, j: int) -> FloatArray:
    """(POINTS,) estimated over true standard error of part j of m, at the points of the lattice."""
    return np.asarray(np.sqrt(chdtri(df, lattice(POINTS, 2 * m)[:, m + j]) / df))


def factor_needed(parts: Parts, pattern: str, power: float = POWER) -> float:
    """By how much predicted effects must exceed their margins for the power; infinite where no
    effect gives it, ``nan`` where the pattern predicts no effect or a margin is zero."""
    if not parts.bounds.all():
        return nan
    power_at = pattern_power(parts, pattern)
    if power_at(FARTHEST) < power:
        return inf
    if power_at(1.0) >= power:  # it predicts no effect
        return nan
    low, high = 1.0, FARTHEST
    while high - low > 0.005 * high:
        middle = float(np.sqrt(low * high))
        if power_at(middle) < power:
            low = middle
        else:
            high = middle
    return high


def effect_needed(
    prediction: str, std_error: float, bound: float, df: float | None, level: float
) -> float:
    r"""True effect at which a prediction is established with 80% power.

    .. math:: \delta + \lambda s, \qquad P\{t_\nu(\lambda) > t_{1-\alpha,\nu}\} = 0.8 \quad (1)

    with the non-central t; on the other side of zero for ``-``; :math:`\delta - \lambda s` for
    ``<=0`` (established at effects up to it). ``nan`` for ``0`` and ``any``.
    """
    if prediction in ("0", "any"):
        return nan
    tail = level / 2 if prediction == "!=0" else level
    reach = _shift(float(t_quantile(1 - tail, df)), df) * std_error
    return {
        "+": bound + reach, "!=0": bound + reach, "-": -bound - reach,
        "<=0": bound - reach, ">=0": reach - bound,
    }[prediction]  # fmt: skip


def _shift(critical: float, df: float | None) -> float:
    """Non-centrality at which the test has the power."""
    from scipy.special import nctdtrinc

    if df is None or np.isinf(df):
        return critical + float(ndtri(POWER))
    return float(nctdtrinc(df, 1 - POWER, critical))


def decidability(parts: Parts, limits: Sequence[str] = ()) -> Decidability:
    """What patterns could have been established, from standard errors alone.

    Parameters
    ----------
    parts : Parts
    limits : sequence of str
        What stands in the way of a verdict beside the tests.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for j, name in enumerate(parts.names):
        one = (float(parts.errors[j]), float(parts.bounds[j]), parts.dfs[j])
        for p in dict.fromkeys(predictions[j] for predictions in parts.patterns.values()):
            lone = replace(
                parts, names=(name,), theta=parts.theta[[j]], cov=parts.cov[[j]][:, [j]],
                dfs=(parts.dfs[j],), bounds=parts.bounds[[j]], patterns={"": (p,)},
            )  # fmt: skip
            attained = attainable_pvalue(p, *one)
            found[name, p] = {
                "margin": one[1], "std_error": one[0], "df": nan if one[2] is None else one[2],
                "attainable_p": attained, "effect_80": effect_needed(p, *one, parts.level),
                "power": pattern_power(lone, "")(2.0),
                "outcome": COULD if attained < parts.level else COULD_NOT,
            }  # fmt: skip
    rows = {}
    for name, predictions in parts.patterns.items():
        attained = attainable_pattern(parts, name)
        twice, thrice, most = map(pattern_power(parts, name), (2.0, 3.0, FARTHEST))
        could = attained < parts.level
        rows[name] = {
            "prediction": predictions,
            "attainable_p": attained, "factor_80": factor_needed(parts, name), "power_2": twice,
            "power_3": thrice, "power_most": most, "could": could,
            "outcome": COULD if could else COULD_NOT,
        }  # fmt: skip
    frame = pd.DataFrame.from_dict(found, orient="index")
    frame.index = pd.MultiIndex.from_tuples(list(found), names=["part", "prediction"])
    return Decidability(
        parts=frame,
        patterns=pd.DataFrame.from_dict(rows, orient="index").rename_axis("pattern"),
        level=parts.level, limits=tuple(limits),
    )  # fmt: skip
