"""Turning points of a marginal effect, and tests of U shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from migdev.errors import ResultError
from migdev.kernels.arrays.distributions import t_lower, t_quantile
from migdev.kernels.arrays.sign_regions import polynomial_roots, sign_changes
from migdev.options import check_choice
from migdev.results.inference import check_level
from migdev.results.marginal.line import Line, interval, short
from migdev.results.marginal.regions import johnson_neyman
from migdev.results.marginal.surface import Surface
from migdev.results.statistic import TestStatistic

Shape = Literal["U", "inverse U"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TurningPoint:
    """Where the effect of a variable changes sign as the variable rises.

    Attributes
    ----------
    variable : str
    estimate, std_error : float
        The point and its delta-method standard error.
    shape : str
        ``"maximum"`` or ``"minimum"``.
    level : float
    delta : (float, float)
        Interval by the delta method.
    fieller : tuple of (float, float)
        Fieller's confidence set: an interval, two rays, or the whole line.
    share_below : float
        Part of the sample below the point; nan where the sample is not known.
    observed : (float, float) or None
    at : mapping
    """

    variable: str
    estimate: float
    std_error: float
    shape: str
    level: float
    delta: tuple[float, float]
    fieller: tuple[tuple[float, float], ...]
    share_below: float
    observed: tuple[float, float] | None
    at: Mapping[str, Any] = field(default_factory=dict)

    @property
    def inside(self) -> bool:
        """Whether the point lies within the observed range."""
        return self.observed is not None and self.observed[0] < self.estimate < self.observed[1]

    def __str__(self) -> str:
        percent = f"{100 * self.level:g}%"
        sets = " and ".join(interval(*piece) for piece in self.fieller)
        held = "".join(f", {k} = {short(v)}" for k, v in self.at.items())
        lines = [
            f"Turning point of {self.variable}{held}: {self.estimate:.6g} ({self.shape}), se "
            f"{self.std_error:.4g}",
            f"  {percent} Fieller {sets}, delta {interval(*self.delta)}",
        ]
        if self.observed is not None:
            place = f"{100 * self.share_below:.1f}% of the sample lies below it"
            lines.append(f"  observed range {interval(*self.observed)}; {place}")
        return "\n".join(lines)


def turning_point(surface: Surface, fixed: Mapping[str, Any], level: float = 0.95) -> TurningPoint:
    r"""Where the marginal effect of a variable crosses zero along the variable itself.

    For :math:`\beta_1 x + \beta_2 x^2` the point is :math:`\tau = -\beta_1 / 2\beta_2`. Fieller's
    set holds every :math:`\tau_0` at which a t test does not reject :math:`m(\tau_0) = 0`; it is
    exact where the coefficients are normal, also when :math:`\beta_2` is poorly known. The delta
    method gives :math:`se(\tau) = se\{m(\tau)\} / |m'(\tau)|`.

    Raises
    ------
    ResultError
        The effect does not cross zero, or crosses it more than once (a cubic).

    References
    ----------
    Fieller (1954), JRSS B 16, 175-185. Lind and Mehlum (2010), Oxford Bulletin of Economics and
    Statistics 72, 109-118.
    """
    line = Line(surface, surface.variable, fixed)
    b = surface.estimate.params.to_numpy(dtype=float)
    if line.G is not None:
        zeros = polynomial_roots(line.G.T @ b, line.size)
    else:
        zeros = sign_changes(line.effect, *line.need_observed())
    if len(zeros) > 1 and line.observed is not None:
        inside = (zeros > line.observed[0]) & (zeros < line.observed[1])
        zeros = zeros[inside] if inside.sum() == 1 else zeros
    if len(zeros) != 1:
        where = ", ".join(f"{z:.6g}" for z in zeros) or "nowhere"
        raise ResultError(
            f"The effect of {surface.variable!r} crosses zero {len(zeros)} times ({where}); a "
            "turning point needs one crossing. Look at curve()."
        )
    point = float(zeros[0])
    step = 1e-6 * (abs(point) + 1e-3 * line.size)
    near = line.effect(np.array([point - step, point + step]))
    slope = float(near[1] - near[0]) / (2 * step)
    if line.G is not None:
        powers = np.arange(1, line.G.shape[1])
        slope = float(((line.G.T @ b)[1:] * powers) @ point ** (powers - 1.0))
    se = float(line.errors(np.array([point]))[0]) / abs(slope)
    half = float(t_quantile(0.5 + check_level(level) / 2, line.df_at(point))) * se
    ranges = johnson_neyman(surface, surface.variable, fixed, level)
    numbers = line.numbers
    return TurningPoint(
        variable=surface.variable, estimate=point, std_error=se,
        shape="minimum" if slope > 0 else "maximum", level=level,
        delta=(point - half, point + half),
        fieller=tuple((r.lower, r.upper) for r in ranges.regions if r.sign == 0),
        share_below=float(np.mean(numbers < point)) if len(numbers) else float("nan"),
        observed=line.observed, at=dict(fixed),
    )  # fmt: skip


def u_test(
    surface: Surface,
    fixed: Mapping[str, Any],
    ends: tuple[float, float],
    shape: Shape | None = None,
) -> TestStatistic:
    r"""Lind and Mehlum's test of a U shape, or an inverse one, on an interval.

    A U shape on :math:`[x_l, x_h]` has :math:`m(x_l) < 0 < m(x_h)`. Against the union of the
    opposites, the intersection-union test of Sasabuchi rejects where both one-sided t tests do:
    p is the larger of their two p-values.

    Parameters
    ----------
    ends : (float, float)
        The interval.
    shape : {"U", "inverse U"}, optional
        Default: the shape whose slopes the estimates have at the ends; where both slopes have
        one sign, the one that the curvature suggests.

    Returns
    -------
    TestStatistic
        The statistic is the smaller of the two t ratios in the direction of the shape, negative
        where an end slopes the wrong way; there Stata's ``utest`` prints no p-value.

    References
    ----------
    Lind and Mehlum (2010), Oxford Bulletin of Economics and Statistics 72, 109-118. Sasabuchi
    (1980), Biometrika 67, 429-439.
    """
    check_choice("shape", shape, Shape | None, ResultError)
    low, high = (float(e) for e in ends)
    if not low < high:
        raise ResultError(f"The interval [{low:g}, {high:g}] is empty.")
    line = Line(surface, surface.variable, fixed)
    slopes = line.effect(np.array([low, high]))
    t = slopes / line.errors(np.array([low, high]))
    if shape is None:
        shape = "U" if slopes[1] > slopes[0] else "inverse U"
    direction = np.array([-1.0, 1.0]) if shape == "U" else np.array([1.0, -1.0])
    towards = direction * t
    dfs = [line.df_at(low), line.df_at(high)]
    p = [float(t_lower(-s, df)) for s, df in zip(towards, dfs, strict=True)]
    worst = int(np.argmax(p))
    df = dfs[worst]
    other = "inverse U" if shape == "U" else "U"
    note = (
        f"slope {slopes[0]:.6g} (t = {t[0]:.3f}) at {low:.6g}, {slopes[1]:.6g} (t = {t[1]:.3f}) at "
        f"{high:.6g}"
    )
    if (towards < 0).any():
        note += "; an end slopes the wrong way, so the null cannot be rejected"
    return TestStatistic(
        name=f"Lind-Mehlum {shape} test",
        null=f"monotone or {other} in {surface.variable} on [{low:.6g}, {high:.6g}]",
        alternative=f"{shape} shape",
        statistic=float(towards[worst]),
        distribution="normal" if df is None else "t",
        df=df,
        pvalue=p[worst],
        note=note,
    )
