"""Marginal effects of a variable in interactions and polynomials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from migdev.errors import ResultError, listing, suggestion
from migdev.kernels.arrays.types import AnyArray, FloatArray
from migdev.results.estimate import Estimate
from migdev.results.inference import Combination, check_level, standard_error, tidy_columns
from migdev.results.marginal.line import along, standard_errors
from migdev.results.marginal.regions import Adjustment, JohnsonNeyman, johnson_neyman
from migdev.results.marginal.surface import Moderator, Surface
from migdev.results.marginal.turning import Shape, TurningPoint, turning_point, u_test
from migdev.results.statistic import TestStatistic

PERCENTILES = (10, 25, 50, 75, 90)
MOST_ROWS = 500


def margins(
    estimate: Any,
    variable: str,
    *,
    at: Mapping[str, Any] | None = None,
    level: float = 0.95,
    data: Any = None,
) -> Margins:
    r"""Marginal effects of a variable in interactions and polynomials.

    With regressors :math:`f_j(v, z)`,

    .. math::
        m(v, z) &= \textstyle\sum_j \beta_j\, \partial f_j(v, z) / \partial v = g(v, z)'\beta
            \quad (1) \\
        \widehat{se}(m) &= \sqrt{g' \hat V g} \quad (2)

    (2) is exact, as (1) is linear in the coefficients. Derivatives are symbolic.

    Parameters
    ----------
    estimate : Estimate
        Or a result of statsmodels, linearmodels or pyfixest. Of a fit with a link (logit) these are
        the effects on the linear index; those on the mean are in ``fit.average_margins()``.
    variable : str
        As it stands in the formula: ``"remit"``, ``"L(remit)"``, ``"np.log(remit)"``, or the dummy
        of a level, ``"region[Africa]"``. A lag is a variable of its own: the effect of ``x`` leaves
        out ``L(x)``.
    at : mapping, optional
        Values of the moderators, each a value or a sequence; all combinations are computed.
        Default for a number: its percentiles 10, 25, 50, 75, 90 in the estimation sample (both
        values of a dummy); for a factor: every level.
    level : float
    data : frame, optional
        The sample, for results that do not carry it.

    Returns
    -------
    Margins

    Raises
    ------
    ResultError
        The variable has no coefficient, a moderator is not known, its values cannot be had from
        the sample, or the effect is not defined at a value.

    References
    ----------
    Brambor, Clark and Golder (2006), Political Analysis 14, 63-82.
    """
    from migdev.results.adapt import as_estimate

    result = as_estimate(estimate)
    check_level(level)
    given = dict(at or {})
    surface = Surface.build(result, variable, data, held=tuple(given))
    values = _values(surface, given)
    frame = effects(surface, values, level)
    return Margins(
        variable=surface.variable, dependent=result.dependent, method=result.method, level=level,
        frame=frame, moderators=surface.moderators, surface=surface,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Margins:
    """Marginal effects of a variable at values of its moderators.

    Attributes
    ----------
    variable, dependent, method : str
    level : float
        Of the intervals.
    frame : DataFrame
        One row per combination of values: the moderators, then ``effect, std_error, statistic,
        p_value, conf_low, conf_high``.
    moderators : tuple of Moderator
        What the effect depends on; the variable itself last, where the effect is not linear in it.
    """

    variable: str
    dependent: str
    method: str
    level: float
    frame: pd.DataFrame
    moderators: tuple[Moderator, ...]
    surface: Surface = field(repr=False)

    @property
    def estimate(self) -> Estimate:
        return self.surface.estimate

    def curve(
        self,
        moderator: str | None = None,
        values: Any = None,
        *,
        at: Mapping[str, Any] | None = None,
        level: float | None = None,
    ) -> pd.DataFrame:
        """The effect along one numeric moderator, others held fixed.

        Parameters
        ----------
        moderator : str, optional
            Needed where there are several.
        values : sequence, optional
            Default: 201 values over its range in the sample.
        at : mapping, optional
            Values of the other moderators; default the median of a number, the base of a factor.
        """
        name = self.numeric(moderator)
        if values is None:
            low, high = self.range(name)
            values = np.linspace(low, high, 201)
        grid = np.atleast_1d(np.asarray(values, dtype=float))
        columns = along(name, grid, self.fixed(name, at))
        return effects(self.surface, columns, self.level if level is None else check_level(level))

    def average(self, name: str = "") -> Combination:
        """The mean of the effect over the estimation sample."""
        columns = {m.name: m.sample for m in self.moderators}
        unknown = [key for key, sample in columns.items() if sample is None]
        if unknown:
            raise ResultError(
                f"The values of {listing(unknown)} in the sample are not known; give data=..."
            )
        known = {key: np.asarray(v) for key, v in columns.items() if v is not None}
        rows = len(next(iter(known.values()))) if known else 1
        g = self.surface.gradients(known, rows).mean(axis=0)
        fit = self.estimate
        return Combination(
            name=name or f"average effect of {self.variable}",
            estimate=float(g @ fit.params.to_numpy()),
            std_error=standard_error(fit.cov.to_numpy(), g),
            df=fit.contrast_df(g),
        )

    def johnson_neyman(
        self,
        level: float | None = None,
        *,
        moderator: str | None = None,
        at: Mapping[str, Any] | None = None,
        adjust: Adjustment = None,
        values: Any = None,
        seed: int = 0,
    ) -> JohnsonNeyman:
        """Ranges of a moderator where the effect is significant; see
        :func:`migdev.results.marginal.regions.johnson_neyman`."""
        name = self.numeric(moderator)
        return johnson_neyman(
            self.surface, name, self.fixed(name, at), self.level if level is None else level,
            adjust=adjust, values=values, seed=seed,
        )  # fmt: skip

    def turning_point(
        self, level: float | None = None, *, at: Mapping[str, Any] | None = None
    ) -> TurningPoint:
        """Where the effect of the variable changes sign as the variable itself rises; see
        :func:`migdev.results.marginal.turning.turning_point`."""
        self._need_own("turning point")
        fixed = self.fixed(self.variable, at)
        return turning_point(self.surface, fixed, self.level if level is None else level)

    def u_test(
        self,
        low: float | None = None,
        high: float | None = None,
        *,
        shape: Shape | None = None,
        at: Mapping[str, Any] | None = None,
    ) -> TestStatistic:
        """Lind and Mehlum's test of a (inverse) U shape; see
        :func:`migdev.results.marginal.turning.u_test`."""
        self._need_own("U shape")
        span = (low, high) if low is not None and high is not None else self.range(self.variable)
        ends = (span[0] if low is None else low, span[1] if high is None else high)
        return u_test(self.surface, self.fixed(self.variable, at), ends, shape)

    # ------------------------------------------------------------------ moderators

    def numeric(self, moderator: str | None = None) -> str:
        """The name of a numeric moderator; the only one where none is named."""
        names = [m.name for m in self.moderators if not m.is_factor]
        if moderator is None:
            if len(names) == 1:
                return names[0]
            found = f"numeric moderators: {listing(names)}" if names else "no numeric moderator"
            raise ResultError(f"The effect of {self.variable!r} has {found}; name one.")
        key = self.surface.reader.key(moderator)
        if key not in names:
            raise ResultError(
                f"{moderator!r} is no numeric moderator of {self.variable!r}."
                f"{suggestion(moderator, names)} Known: {listing(names)}."
            )
        return key

    def range(self, moderator: str) -> tuple[float, float]:
        """Smallest and largest value of a moderator in the sample."""
        numbers = next(m for m in self.moderators if m.name == moderator).numbers
        if not len(numbers):
            raise ResultError(
                f"The values of {moderator!r} in the sample are not known; give them, or give "
                "data=... to margins()."
            )
        return float(numbers[0]), float(numbers[-1])

    def fixed(self, moving: str, at: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """One value for each moderator but ``moving``."""
        given = {self.surface.reader.key(k): v for k, v in (at or {}).items()}
        _refuse_unknown(given, [m.name for m in self.moderators if m.name != moving], self.variable)
        chosen: dict[str, Any] = {}
        for m in self.moderators:
            if m.name == moving:
                continue
            shown = list(dict.fromkeys(self.frame[m.name]))
            if m.name in given:
                if not np.isscalar(given[m.name]):
                    raise ResultError(f"at[{m.name!r}] must be one value here.")
                chosen[m.name] = m.checked([given[m.name]])[0]
            elif len(shown) == 1:
                chosen[m.name] = shown[0]
            elif m.is_factor:
                chosen[m.name] = m.choices[0]
            elif len(m.numbers):
                chosen[m.name] = float(np.median(m.numbers))
            else:
                raise ResultError(f"Give a value of {m.name!r}: at={{{m.name!r}: ...}}.")
        return chosen

    def _need_own(self, what: str) -> None:
        if all(m.name != self.variable for m in self.moderators):
            raise ResultError(
                f"The effect of {self.variable!r} does not change with {self.variable!r}, so it "
                f"has no {what}; add a term such as I({self.variable} ** 2)."
            )

    def __str__(self) -> str:
        link = self.estimate.facts.link
        where = f", on the {link} index" if link not in (None, "identity") else ""
        lines = [
            f"Marginal effect of {self.variable} on {self.dependent} ({self.method}){where}, "
            f"{100 * self.level:g}% intervals",
            self.frame.to_string(index=False, float_format=lambda v: f"{v:.5g}"),
        ]
        numeric = [m for m in self.moderators if not m.is_factor]
        if len(numeric) == 1 and len(self.moderators) == 1:
            lines.append(str(self.johnson_neyman()))
        return "\n".join(lines)


def effects(surface: Surface, values: Mapping[str, AnyArray], level: float) -> pd.DataFrame:
    """The effect with its inference at rows of values."""
    rows = len(next(iter(values.values()))) if values else 1
    fit = surface.estimate
    G = surface.gradients(values, rows)
    effect = G @ fit.params.to_numpy()
    columns = tidy_columns(effect, standard_errors(fit, G), degrees(surface, G), level, "effect")
    return pd.DataFrame({**{name: list(v) for name, v in values.items()}, **columns})


def degrees(surface: Surface, G: FloatArray) -> float | FloatArray | None:
    """Degrees of freedom of the effects; row by row where the covariance gives its own."""
    df = surface.estimate.df_inference
    if df is None or np.ndim(df) == 0:
        return None if df is None else float(df)
    return np.array([surface.estimate.contrast_df(g) for g in G], dtype=float)


# ---------------------------------------------------------------------- values


def _values(surface: Surface, at: Mapping[str, Any]) -> dict[str, AnyArray]:
    given = {surface.reader.key(name): value for name, value in at.items()}
    _refuse_unknown(given, [m.name for m in surface.moderators], surface.variable)
    lists: dict[str, list[Any]] = {}
    for m in surface.moderators:
        if m.name in given:
            value = given[m.name]
            lists[m.name] = m.checked([value] if np.isscalar(value) else list(value))
        else:
            lists[m.name] = _default(m)
    rows = list(product(*lists.values()))
    if len(rows) > MOST_ROWS:
        raise ResultError(
            f"The effect of {surface.variable!r} depends on {listing(lists)}, {len(rows)} "
            "combinations; choose values with at={...}."
        )
    return {
        name: np.array([row[i] for row in rows], dtype=object if _is_text(choice) else float)
        for i, (name, choice) in enumerate(lists.items())
    }


def _is_text(values: Sequence[Any]) -> bool:
    return bool(values) and isinstance(values[0], str)


def _default(m: Moderator) -> list[Any]:
    if m.is_factor:
        return list(m.choices)
    numbers = m.numbers
    if not len(numbers):
        raise ResultError(
            f"The values of {m.name!r} in the sample are not known; give at={{{m.name!r}: [...]}}, "
            "or data=..."
        )
    distinct = np.unique(numbers)
    if len(distinct) <= 2:
        return [float(v) for v in distinct]
    return [float(v) for v in np.unique(np.percentile(numbers, PERCENTILES))]


def _refuse_unknown(given: Mapping[str, Any], known: Sequence[str], variable: str) -> None:
    for name in given:
        if name not in known:
            what = f"it depends on {listing(known)}" if known else "it is the same everywhere"
            raise ResultError(
                f"The effect of {variable!r} does not depend on {name!r}; {what}."
                f"{suggestion(name, known)}"
            )
