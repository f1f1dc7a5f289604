"""Outcomes of a dimension: what each is, on which sample, and its equation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from migdev.errors import (
    IdentificationError,
    SingletonWarning,
    SpecificationError,
    listing,
)
from migdev.kernels.arrays.groups import demean, level_codes
from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.kernels.sandwich.index_equation import IndexEquation, serial_correlation
from migdev.notes import warn
from migdev.options import check_options
from migdev.panel.design import Design
from migdev.panel.panel import Panel
from migdev.study.influence import influence
from migdev.study.study import as_spec, readable

Serial = Literal["none", "ar1"]
ScaleOf = Literal["total", "within", "two-way"]
#: A serial correlation beyond this is taken to be this.
MOST_SERIAL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One outcome of a :class:`~migdev.Dimension`.

    Attributes
    ----------
    name : str
    formula : str
        ``outcome ~ focal regressor + controls``, with effects of entity and period, on the rows
        that are complete in it.
    spec : Spec or estimator, optional
        In place of ``formula``: any estimator whose fit keeps the influence of its entities. Its
        errors and degrees of freedom are then its own.
    sign : {+1, -1}
        Orientation: -1 where more of the outcome is less of what the dimension is about.
    made_of : tuple of str
        Series that the outcome is computed from. An outcome that contains the regressor by
        accounting answers by arithmetic, and is refused.
    serial : {"none", "ar1"}
        "ar1" whitens the equation by the serial correlation of its restricted residuals (Prais and
        Winsten's quasi-differences): more precise where errors persist, but it asks that the
        regressor be strictly exogenous, and the correlation is estimated too low from short series.
    """

    name: str
    formula: str = ""
    spec: Any = None
    sign: Literal[1, -1] = 1
    made_of: tuple[str, ...] = ()
    serial: Serial = "none"

    def __post_init__(self) -> None:
        check_options(self)
        object.__setattr__(self, "made_of", tuple(self.made_of))
        if bool(self.formula) == (self.spec is not None):
            raise SpecificationError(
                f"The outcome {self.name!r} needs a formula or a spec, and "
                f"{'has both' if self.formula else 'has neither'}."
            )
        if self.spec is not None:
            object.__setattr__(self, "spec", as_spec(self.spec, self.name))
            if self.serial != "none":
                raise SpecificationError(
                    f"The outcome {self.name!r} has a spec, whose errors are its own. Leave out "
                    "serial=, or give a formula."
                )

    @property
    def equation(self) -> str:
        """The formula, as far as the specification has one."""
        return self.formula or str(getattr(self.spec.estimator, "formula", ""))

    def exchanged(self, term: str, other: str) -> Outcome:
        """The same equation with another regressor in place of the focal one."""
        formula = exchanged(self.formula, term, other)
        return replace(self, formula=formula, made_of=())


def exchanged(formula: str, term: str, other: str) -> str:
    """A formula with another regressor in place of one of its terms.

    Raises
    ------
    SpecificationError
        It is no term of its own in the formula.
    """
    left, tilde, right = formula.partition("~")
    terms = [t.strip() for t in right.split("+")]
    if not tilde or term not in terms:
        raise SpecificationError(
            f"The regressor cannot be exchanged: {term!r} is no term of {formula!r}."
        )
    return f"{left.strip()} ~ {' + '.join(other if t == term else t for t in terms)}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutcomeFit:
    """The equation of an outcome, fitted.

    Attributes
    ----------
    outcome : Outcome
    slope : float
        In units of the outcome per unit of the regressor.
    members : (G,)
        Codes, in the panel, of its entities.
    rows : (n,)
        Rows of the panel.
    sd_outcome, sd_regressor : float
        Standard deviations on these rows, as declared.
    dropped : mapping from reason to number of rows
    equation : IndexEquation, optional
        None for a specification, which brings these of its own:
    contributions : (G,), optional
        What each entity adds to the slope.
    df : float
    within : (n,), optional
        The outcome, whitened and freed of effects of entities.
    """

    outcome: Outcome
    slope: float
    members: IntArray
    rows: IntArray
    sd_outcome: float
    sd_regressor: float
    dropped: Mapping[str, int]
    equation: IndexEquation | None = None
    within: FloatArray | None = None
    contributions: FloatArray | None = None
    df: float = float("nan")

    @property
    def scale(self) -> float:
        """Standardised and oriented slope per slope."""
        return self.outcome.sign * self.sd_regressor / self.sd_outcome


def deviation(values: FloatArray, entity: IntArray, period: IntArray, of: ScaleOf) -> float:
    """Standard deviation of all values, within entities (n - N degrees of freedom), or within
    entities and periods (n - N - T + 1 where all are connected)."""
    if of == "total":
        return float(np.std(values, ddof=1))
    apart, lost = demean(values, entity), len(np.unique(entity))
    if of == "two-way":
        periods = np.unique(period, return_inverse=True)[1]
        D = demean(np.eye(int(periods.max()) + 1)[periods], entity)
        b, _, rank, _ = np.linalg.lstsq(D, apart, rcond=None)
        apart, lost = apart - D @ b, lost + int(rank)
    return float(np.sqrt(apart @ apart / max(len(values) - lost, 1)))


def _deviations(
    x: FloatArray, y: FloatArray, entity: IntArray, period: IntArray, of: ScaleOf
) -> tuple[float, float]:
    """Of the outcome as declared, and of the regressor: never over all rows."""
    of_regressor: ScaleOf = "within" if of == "total" else of
    return deviation(y, entity, period, of), deviation(x, entity, period, of_regressor)


def fit_outcome(outcome: Outcome, term: str, panel: Panel, scale: ScaleOf) -> OutcomeFit:
    """Fit the equation of an outcome.

    Raises
    ------
    IdentificationError
        No row is complete, or effects and controls span the regressor.
    """
    if outcome.spec is not None:
        return _by_spec(outcome, term, panel, scale)
    d = Design.build(outcome.formula, panel, intercept=False)
    if term not in d.names:
        raise SpecificationError(
            f"The focal term {term!r} is not a regressor of {outcome.formula!r}: "
            f"{listing(d.names)}."
        )
    d = _without_singletons(d)
    x = d.X[:, list(d.names).index(term)]
    period = level_codes(d.time)
    others = [j for j, name in enumerate(d.names) if name != term]
    W = np.column_stack([d.X[:, others], np.eye(int(period.max()) + 1)[period]])
    sd_outcome, sd_regressor = _deviations(x, d.y, d.entity, d.time, scale)
    equation = IndexEquation.build(x, W, d.entity, d.time)
    if equation is None or not sd_outcome > 0:
        what = (
            "does not vary" if equation is not None else f"cannot be told from {term!r}'s controls"
        )
        raise IdentificationError(f"{outcome.formula!r}: {what} within entities and periods.")
    y = equation.within(d.y)
    if outcome.serial == "ar1":
        restricted = equation.residuals(y, restricted=True)
        rho = serial_correlation(restricted, d.entity, d.time)
        rho = float(np.clip(rho, -MOST_SERIAL, MOST_SERIAL))
        equation = IndexEquation.build(x, W, d.entity, d.time, rho)
        assert equation is not None  # what varies within entities does so after whitening
        y = equation.within(d.y)
    if equation.df_resid < 1:
        raise IdentificationError(
            f"{outcome.formula!r} leaves no degree of freedom in {equation.nobs} rows."
        )
    return OutcomeFit(
        outcome=outcome, slope=float(equation.slopes(y)),
        members=np.unique(panel.entity_codes[d.rows]), rows=d.rows, sd_outcome=sd_outcome,
        sd_regressor=sd_regressor, equation=equation, within=y, dropped=d.dropped,
    )  # fmt: skip


def _without_singletons(d: Design) -> Design:
    """Rows of entities and periods with at least two: the effect of one row fits it exactly."""
    while True:
        counts = [np.bincount(codes)[codes] for codes in (d.entity, level_codes(d.time))]
        keep = (counts[0] > 1) & (counts[1] > 1)
        if keep.all():
            return d
        if not keep.any():
            raise IdentificationError(f"{d.formula!r}: no entity has two rows.")
        warn(
            f"{d.formula!r}: {int((~keep).sum())} rows alone in their entity or period are left "
            "out.",
            SingletonWarning,
            stacklevel=4,
        )
        d = d.keep(keep, "alone in entity or period")


def _by_spec(outcome: Outcome, term: str, panel: Panel, scale: ScaleOf) -> OutcomeFit:
    spec = outcome.spec
    fit = readable(spec.estimator.fit(panel), spec.estimator)
    found, psi = fit.delta(spec.term or term), influence(fit, spec.term or term)
    if psi is None:
        raise IdentificationError(
            f"The outcome {outcome.name!r}: {fit.method} keeps no influence by entity, so its "
            "estimate cannot be joined with others. Use an estimator that does."
        )
    rows = fit.sample.rows
    x, y = (panel[name].to_numpy(dtype=float)[rows] for name in (term, fit.dependent))
    entity = panel.entity_codes[rows]
    values = psi.to_numpy(dtype=float)
    sd_outcome, sd_regressor = _deviations(x, y, entity, panel.ordinals[rows], scale)
    return OutcomeFit(
        outcome=outcome, slope=float(found.estimate),
        contributions=values * (found.std_error / float(np.sqrt(values @ values))),
        members=np.unique(entity), rows=rows, sd_outcome=sd_outcome, sd_regressor=sd_regressor,
        df=float(found.df) if found.df is not None else float(len(values) - 1),
        dropped=dict(fit.dropped),
    )  # fmt: skip
