"""Where a marginal effect is significant: Johnson-Neyman ranges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pandas as pd

from migdev.errors import ResultError
from migdev.kernels.arrays.distributions import t_quantile
from migdev.kernels.arrays.sign_regions import (
    band_critical,
    band_critical_simulated,
    boundary_polynomial,
    fdr_critical,
    polynomial_roots,
    sign_changes,
)
from migdev.kernels.arrays.types import FloatArray
from migdev.options import check_choice
from migdev.results.inference import check_level
from migdev.results.marginal.line import Line, interval, short
from migdev.results.marginal.surface import Surface

Adjustment = Literal["fdr", "simultaneous"] | None
BAND_POINTS = 201
BAND_DRAWS = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A range of the moderator.

    Attributes
    ----------
    lower, upper : float
        Infinite where the range has no end.
    sign : {-1, 0, 1}
        The effect is significantly negative, not significant, or significantly positive.
    share : float
        Part of the sample inside; nan where the sample is not known.
    """

    lower: float
    upper: float
    sign: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JohnsonNeyman:
    """Ranges of a moderator where the effect of a variable differs from zero.

    Attributes
    ----------
    variable, moderator : str
    level : float
    adjust : str or None
        How the critical value allows for many values of the moderator.
    critical : float
        Critical value of |t|; nan where the degrees of freedom change with the moderator.
    bounds : tuple of float
        Where significance begins and ends.
    regions : tuple of Region
        All ranges, in order; together they cover ``searched``.
    searched : (float, float)
        The whole line where the bounds are exact roots, else the range that was searched.
    observed : (float, float) or None
        Range of the moderator in the sample.
    at : mapping
        Values at which other moderators are held.
    """

    variable: str
    moderator: str
    level: float
    adjust: str | None
    critical: float
    bounds: tuple[float, ...]
    regions: tuple[Region, ...]
    searched: tuple[float, float]
    observed: tuple[float, float] | None
    at: Mapping[str, Any] = field(default_factory=dict)

    @property
    def frame(self) -> pd.DataFrame:
        return pd.DataFrame(
            [(r.lower, r.upper, r.sign, r.share) for r in self.regions],
            columns=["lower", "upper", "sign", "share"],
        )

    def __str__(self) -> str:
        how = {
            None: "",
            "fdr": ", false discovery rate held",
            "simultaneous": ", simultaneous over the range",
        }[self.adjust]
        held = "".join(f", {k} = {short(v)}" for k, v in self.at.items())
        lines = [
            f"Johnson-Neyman: effect of {self.variable} by {self.moderator}{held}, "
            f"{100 * self.level:g}% (|t| > {self.critical:.4g}{how})"
        ]
        words = {-1: "negative", 0: "not significant", 1: "positive"}
        for r in self.regions:
            share = "" if np.isnan(r.share) else f"  ({100 * r.share:.1f}% of the sample)"
            lines.append(f"  {interval(r.lower, r.upper)}: {words[r.sign]}{share}")
        if self.observed is not None:
            lines.append(f"  observed range {interval(*self.observed)}")
        return "\n".join(lines)


def johnson_neyman(
    surface: Surface,
    moderator: str,
    fixed: Mapping[str, Any],
    level: float = 0.95,
    *,
    adjust: Adjustment = None,
    values: Any = None,
    seed: int = 0,
) -> JohnsonNeyman:
    r"""Ranges of a moderator where the effect is significant.

    The bounds solve

    .. math:: \{g(z)'\hat\beta\}^2 = c^2\, g(z)'\hat V g(z). \quad (1)

    Where g is a polynomial in z, (1) is one too and its roots are exact (a quadratic for the
    product of two variables); otherwise sign changes are sought over the observed range.

    Parameters
    ----------
    surface : Surface
    moderator : str
    fixed : mapping
        Values of the other moderators.
    level : float
    adjust : {None, "fdr", "simultaneous"}
        Critical value: pointwise; false discovery rate over the distinct values in the sample
        (or ``values``); or simultaneous over the observed range (the whole line where it is not
        known), exact for an effect linear in the moderator, by simulation otherwise.
    values : sequence, optional
        The family of ``adjust="fdr"``, or the range to search.
    seed : int
        For the simulated critical value.

    References
    ----------
    Johnson and Fay (1950), Psychometrika 15, 349-367. Bauer and Curran (2005), Multivariate
    Behavioral Research 40, 373-400. Esarey and Sumner (2018), Comparative Political Studies 51,
    1144-1176.
    """
    check_level(level)
    check_choice("adjust", adjust, Adjustment, ResultError)
    line = Line(surface, moderator, fixed)
    family = line.numbers if values is None else np.sort(np.asarray(values, dtype=float))
    observed = (float(family[0]), float(family[-1])) if len(family) else None
    df = surface.estimate.df_inference
    varying = df is not None and np.ndim(df) > 0
    critical = _critical(line, family, level, adjust, seed)
    exact = line.G is not None and not varying
    if exact:
        assert line.G is not None
        fit = surface.estimate
        D = boundary_polynomial(
            line.G, fit.params.to_numpy(dtype=float), fit.cov.to_numpy(dtype=float), critical
        )
        size = max(abs(observed[0]), abs(observed[1])) if observed else 1.0
        roots, searched = polynomial_roots(D, size or 1.0), (-np.inf, np.inf)
    else:
        if observed is None:
            raise ResultError(
                f"The effect of {surface.variable!r} is no polynomial in {moderator!r}: give "
                "values=[low, high] to search, or data=..."
            )
        points = 201 if varying else 2001

        def excess(z: FloatArray) -> FloatArray:
            return np.abs(line.statistic(z)) - line.critical(z, critical, level)

        roots, searched = sign_changes(excess, *observed, points), observed
    regions = _label(line, roots, searched, critical, level)
    bounds = tuple(r.upper for r in regions[:-1])
    return JohnsonNeyman(
        variable=surface.variable, moderator=moderator, level=level, adjust=adjust,
        critical=critical, bounds=bounds, regions=regions, searched=searched,
        observed=observed if values is None else line.observed, at=dict(fixed),
    )  # fmt: skip


def _critical(line: Line, family: FloatArray, level: float, adjust: str | None, seed: int) -> float:
    df = line.surface.estimate.df_inference
    if df is not None and np.ndim(df) > 0:
        if adjust is not None:
            raise ResultError(
                f"adjust={adjust!r} needs one number of degrees of freedom; this covariance has "
                "its own for each contrast. Use adjust=None, or another covariance."
            )
        return float("nan")
    df = None if df is None else float(df)
    if adjust is None:
        return float(t_quantile(0.5 + level / 2, df))
    if adjust == "fdr":
        if not len(family):
            raise ResultError("adjust='fdr' needs values=[...], or data=... to margins().")
        return fdr_critical(line.statistic(np.unique(family)), level, df)
    if line.G is not None and line.G.shape[1] <= 2:
        return band_critical(_angle(line, family), level, df)
    if not len(family):
        raise ResultError("adjust='simultaneous' needs values=[low, high], or data=... here.")
    grid = np.linspace(family[0], family[-1], BAND_POINTS)
    cov = line.surface.estimate.cov.to_numpy(dtype=float)
    return band_critical_simulated(line.gradients(grid), cov, level, df, BAND_DRAWS, seed)


def _angle(line: Line, family: FloatArray) -> float:
    """Angle between the effects at the ends of the range, in units of their covariance."""
    if line.G is None or line.G.shape[1] < 2:
        return 0.0
    if not len(family):
        return float(np.pi)
    V = line.surface.estimate.cov.to_numpy(dtype=float)
    G = line.gradients(np.array([family[0], family[-1]]))
    middle = G @ V @ G.T
    cosine = middle[0, 1] / np.sqrt(middle[0, 0] * middle[1, 1])
    return float(np.arccos(np.clip(cosine, -1, 1)))


def _label(
    line: Line, roots: FloatArray, searched: tuple[float, float], critical: float, level: float
) -> tuple[Region, ...]:
    """Ranges between the roots, neighbours of one kind joined."""
    inner = roots[(roots > searched[0]) & (roots < searched[1])]
    edges = np.concatenate([[searched[0]], np.unique(inner), [searched[1]]])
    tests = np.array([_between(a, b) for a, b in pairwise(edges)])
    t = line.statistic(tests)
    signs = np.where(np.abs(t) > line.critical(tests, critical, level), np.sign(t), 0).astype(int)
    regions: list[Region] = []
    for lower, upper, sign in zip(edges[:-1], edges[1:], signs, strict=True):
        if regions and regions[-1].sign == sign:
            lower = regions.pop().lower
        regions.append(
            Region(
                lower=float(lower),
                upper=float(upper),
                sign=int(sign),
                share=_share(line.numbers, float(lower), float(upper)),
            )
        )
    return tuple(regions)


def _between(a: float, b: float) -> float:
    if np.isinf(a) and np.isinf(b):
        return 0.0
    if np.isinf(a):
        return b - 1 - abs(b)
    return a + 1 + abs(a) if np.isinf(b) else (a + b) / 2


def _share(numbers: FloatArray, lower: float, upper: float) -> float:
    if not len(numbers):
        return float("nan")
    # Closed below, open above; the last range takes its end in.
    last = np.isinf(upper) or upper >= numbers[-1]
    inside = (numbers >= lower) & ((numbers <= upper) if last else (numbers < upper))
    return float(np.mean(inside))
