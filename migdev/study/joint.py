"""The joint test: several equations on the same entities, and the pattern that they form."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from migdev.covariance import Clustered
from migdev.errors import (
    IdentificationError,
    MigdevError,
    ResultError,
    SpecificationError,
    listing,
)
from migdev.estimators.static.linear import FixedEffects
from migdev.kernels.arrays.types import BoolArray, FloatArray
from migdev.kernels.sandwich.cluster_draws import (
    ClusterSums,
    cluster_sums,
    pairs_draws,
    resampling_weights,
    wild_draws,
)
from migdev.panel.design import Design
from migdev.panel.panel import Panel
from migdev.protocols import Data
from migdev.results.estimate import Estimate
from migdev.study.answer import merged
from migdev.study.cones import (
    NEITHER,
    cone_shares,
    intersection_union,
    overlapping,
    union_rejection,
)
from migdev.study.decision_rule import Focal, focal_of
from migdev.study.hypothesis import Hypothesis
from migdev.study.influence import entity_influence
from migdev.study.joint_answer import JointAnswer, JointResult
from migdev.study.plan import check_plan, write_plan

EFFECTS = ("entity", "time")
COMMON = "in_common_sample"
#: Shares of draws that differ by more than this between methods are reported.
DISAGREE = 0.10


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One equation of a joint test.

    Attributes
    ----------
    name : str
    hypothesis : Hypothesis
        Its focal term must be a coefficient of the formula; its views predict the pattern.
    formula : str
        Fitted with entity and time effects.
    """

    name: str
    hypothesis: Hypothesis
    formula: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JointStudy:
    r"""Equations stacked on the same country-windows, and the joint pattern they show.

    The estimates :math:`\hat\theta` of the m focal parameters have the stacked cluster sandwich

    .. math::
        \hat V_{ef} = \sqrt{c_e c_f} \sum_g \psi^e_g \psi^{f\prime}_g \quad (1)

    with :math:`\psi^e_g` the sum over cluster g of bread times scores in equation e and
    :math:`c_e` its CR1 factor. Draws of :math:`\theta` come from :math:`N(\hat\theta, \hat V)`,
    from the joint pairs bootstrap (whole countries, the same draw for all equations) and from the
    joint wild cluster bootstrap; the share of draws in each view's cone is what the data say of
    the pattern.

    Parameters
    ----------
    components : tuple of Component
    null : str
        Name of the pattern in which every effect is smaller than the smallest of interest; ``""``
        where a view predicts just that.
    sample : {"common", "largest"}
        Rows that are complete in all equations, or in each equation its own.
    draws : int
    seed : int
    level : float
        Level of the intersection-union test of each pattern.
    region : str, optional
        Column whose values are left out one at a time.
    """

    components: tuple[Component, ...]
    null: str = "null"
    sample: str = "common"
    draws: int = 1999
    seed: int = 20240101
    level: float = 0.05
    region: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "components", tuple(self.components))
        other = [c for c in self.components if not isinstance(c, Component)]
        if other:
            raise SpecificationError(
                f"A joint study is made of Components, not of {type(other[0]).__name__}."
            )
        names = [c.name for c in self.components]
        if len(set(names)) < len(names):
            raise SpecificationError(f"Components need names of their own, not {listing(names)}.")
        if self.draws < 1:
            raise SpecificationError(f"draws={self.draws}; a joint test needs at least one.")
        if not 0 < self.level < 0.5:
            raise SpecificationError(f"level={self.level} is not between 0 and 0.5.")
        if len(self.components) < 2:
            raise SpecificationError("A joint test needs at least two components.")
        if self.sample not in ("common", "largest"):
            raise SpecificationError(f"sample={self.sample!r}; use 'common' or 'largest'.")
        views = {tuple(sorted(c.hypothesis.rivals)): c.hypothesis.rivals for c in self.components}
        if len(views) != 1 or not next(iter(views)):
            raise SpecificationError(
                "Every component must state what the same views predict, not "
                f"{listing(list(rivals) for rivals in views.values())}."
            )
        taken = {self.null, NEITHER} & set(self.components[0].hypothesis.rivals)
        if taken or self.null == NEITHER:
            raise SpecificationError(
                f"{min(taken, default=NEITHER)!r} cannot name a view: it stands for another "
                "pattern. Name the view, or null=, otherwise."
            )
        if any(c.hypothesis.smallest_effect <= 0 for c in self.components):
            raise SpecificationError(
                "Every component of a joint test needs a smallest effect of interest above zero."
            )
        both = overlapping(self.patterns)
        if both:
            raise SpecificationError(
                f"The patterns {listing(both)} overlap: no prediction of one excludes that of the "
                "other. Give them predictions of some component that do"
                + (", or null='' for no null pattern." if self.null in both else ".")
            )

    @property
    def patterns(self) -> dict[str, tuple[str, ...]]:
        """Predictions of each view for all components, and the null pattern."""
        views = self.components[0].hypothesis.rivals
        found = {v: tuple(c.hypothesis.rivals[v] for c in self.components) for v in views}
        return {**found, self.null: ("0",) * len(self.components)} if self.null else found

    @property
    def bounds(self) -> FloatArray:
        return np.array([c.hypothesis.smallest_effect for c in self.components])

    def preregister(self, path: str | Path) -> str:
        """Write the plan as JSON and return its SHA-256."""
        return write_plan(self, Path(path))

    def run(
        self, panel: Panel, plan: str | Path | None = None, strict: bool = False
    ) -> JointAnswer:
        """Fit, draw, and place the draws; see :meth:`migdev.Study.run` for plans."""
        digest, found = check_plan(self, plan, strict)
        main, heard = self._heard(panel, self.sample)
        other = "largest" if self.sample == "common" else "common"
        variants = {other: self._try(panel, other)}
        values, notes = self._left_out(panel)
        for value in values:
            rest = panel.where((panel[self.region] != value).to_numpy(), f"without {value}")
            variants[f"without {value}"] = self._try(rest, self.sample)
        return JointAnswer(
            study=self, panel=panel, main=main, warnings=heard, plan=digest, departures=found,
            variants={k: v for k, v in variants.items() if isinstance(v, JointResult)},
            failures={k: v for k, v in variants.items() if isinstance(v, str)},
            notes=(*notes, *_doubts(main, self.draws)),
        )  # fmt: skip

    def _left_out(self, panel: Panel) -> tuple[list[Any], tuple[str, ...]]:
        """Regions to leave out one at a time, and why there are none."""
        if not self.region:
            return [], ()
        if self.region not in panel:
            why = f"The panel has no column {self.region!r}, so no region is left out in turn."
            return [], (why,)
        values = sorted(panel[self.region].dropna().unique())
        if len(values) < 2:
            found = listing(values) if values else "no region at all"
            why = f"The panel holds {found} alone, so no region is left out in turn."
            return [], (why,)
        return values, ()

    def _heard(self, panel: Panel, sample: str) -> tuple[JointResult, tuple[str, ...]]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = self.fit(panel, sample)
        told: dict[str, list[str]] = {}
        for text in dict.fromkeys(str(w.message) for w in caught):
            of = next((c for c in self.components if text.startswith(f"{c.formula!r}: ")), None)
            rest = text if of is None else text.removeprefix(f"{of.formula!r}: ")
            told.setdefault(rest, []).extend([] if of is None else [of.name])
        return result, tuple(merged(told))

    def _try(self, panel: Panel, sample: str) -> JointResult | str:
        try:
            return self._heard(panel, sample)[0]
        except MigdevError as error:
            return str(error)

    def fit(self, panel: Panel, sample: str = "") -> JointResult:
        """The joint test on one sample, without its variants: ``sample`` as declared, or another.

        Raises
        ------
        IdentificationError
            No row is complete in all equations, or an equation cannot be fitted.
        """
        sample = sample or self.sample
        used, weights = panel, None
        if sample == "common":
            used, weights = common_rows(panel, [c.formula for c in self.components]), COMMON
        fits = {c.name: _fitted(c, used, weights) for c in self.components}
        focal = {c.name: _focal(c, fits[c.name]) for c in self.components}
        theta = np.array([f.estimate for f in focal.values()])
        psi = np.column_stack([stacked_influence(fits[c.name], c) for c in self.components])
        cov = psi.T @ psi
        rng = np.random.default_rng(self.seed)
        pairs, singular = self._pairs(fits, rng)
        draws = {
            "sandwich": rng.multivariate_normal(theta, cov, size=self.draws, method="eigh"),
            "pairs": pairs,
            "wild": wild_draws(theta, psi, rng, self.draws),
        }
        bounds = self.bounds.tolist()
        shares = {how: cone_shares(values, self.patterns, bounds) for how, values in draws.items()}
        measured = (
            theta.tolist(), [f.std_error for f in focal.values()], bounds,
            [f.df for f in focal.values()],
        )  # fmt: skip
        tests = {k: intersection_union(v, *measured) for k, v in self.patterns.items()}
        rejections = {k: union_rejection(v, *measured) for k, v in self.patterns.items()}
        names = [c.name for c in self.components]
        return JointResult(
            fits=fits, focal=focal, cov=pd.DataFrame(cov, index=names, columns=names),
            draws=draws, shares=shares, pvalues=tests, rejections=rejections, singular=singular,
        )  # fmt: skip

    def _pairs(
        self, fits: Mapping[str, Estimate], rng: np.random.Generator
    ) -> tuple[FloatArray, int]:
        """Countries drawn with replacement, the same in every equation."""
        N = max(len(fit.sample.panel.entities) for fit in fits.values() if fit.sample)
        present = np.zeros(N, dtype=bool)
        sums: list[tuple[ClusterSums, int]] = []
        for c in self.components:
            one, focal, here = bootstrap_sums(fits[c.name], c, N)
            sums.append((one, focal))
            present |= here
        weights = np.zeros((self.draws, N))
        weights[:, present] = resampling_weights(rng, self.draws, int(present.sum()))
        columns, singular = zip(
            *(pairs_draws(one, weights, focal) for one, focal in sums), strict=True
        )
        return np.column_stack(columns), int(sum(singular))


def _fitted(component: Component, panel: Panel, weights: str | None) -> Estimate:
    try:
        return FixedEffects(
            formula=component.formula, effects=EFFECTS, weights=weights, cov=Clustered("entity")
        ).fit(panel)
    except MigdevError as error:
        raise IdentificationError(
            f"The equation of {component.name!r} cannot be fitted: {error}"
        ) from error


def _doubts(main: JointResult, draws: int) -> list[str]:
    """What a reader must know of the draws: singular ones, and methods that disagree."""
    found = []
    if main.singular:
        found.append(
            f"In {main.singular} of {draws * len(main.fits)} resampled equations the countries "
            "drawn do not identify all coefficients; these are solved by the pseudo-inverse."
        )
    gaps = {
        (how, name): abs(share - main.shares["pairs"][name])
        for how in ("wild", "sandwich")
        for name, share in main.shares[how].items()
    }
    (how, name), gap = max(gaps.items(), key=lambda item: item[1])
    if gap > DISAGREE:
        found.append(
            f"The share of draws in the cone {name!r} is {100 * main.shares['pairs'][name]:.0f}% "
            f"by the pairs bootstrap and {100 * main.shares[how][name]:.0f}% by the {how} draws: "
            "they depend on the method, so read the tests rather than the shares."
        )
    return found


def _term(component: Component, fit: Estimate) -> str:
    term = component.hypothesis.term
    if term not in fit.params.index:
        raise SpecificationError(
            f"The focal term {term!r} of {component.name!r} is not a coefficient of "
            f"{component.formula!r}: {listing(fit.names)}."
        )
    return term


def _focal(component: Component, fit: Estimate) -> Focal:
    h = component.hypothesis
    found = fit.lincom(f"`{_term(component, fit)}`")
    try:
        return focal_of(found, bound=h.smallest_effect, level=h.level)
    except ResultError as error:
        raise IdentificationError(f"The equation of {component.name!r}: {error}") from error


def common_rows(panel: Panel, formulas: Sequence[str]) -> Panel:
    """The panel with a column that is 1 in rows complete in every formula, missing elsewhere.

    As a weight it keeps the other rows out of the fit but within reach of lags.
    """
    keep = np.ones(len(panel), dtype=bool)
    for formula in formulas:
        keep[np.setdiff1d(np.arange(len(panel)), _design(formula, panel).rows)] = False
    if not keep.any():
        raise IdentificationError(
            f"No row is complete in all of {listing(formulas)}. Use sample='largest', or equations "
            "that share their observations."
        )
    return panel.assign(**{COMMON: np.where(keep, 1.0, np.nan)})


def _design(formula: str, panel: Data) -> Design:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is left out is reported when the equation is fitted
        return Design.build(formula, panel, intercept=False)


def stacked_influence(fit: Estimate, component: Component) -> FloatArray:
    """(N,) influence of each entity of the panel on the focal parameter, with its CR1 factor."""
    found, sample = entity_influence(fit), fit.sample
    assert found is not None
    assert sample is not None
    known, psi_known = found
    j = fit.names.index(_term(component, fit))
    psi = np.zeros(len(sample.panel.entities))
    psi[known] = psi_known[:, j]
    variance = float(fit.cov.iloc[j, j])
    # CR1 differs from CR0 by a factor only; it is read off so that any convention carries over.
    return np.asarray(psi * np.sqrt(variance / float(psi @ psi)))


def bootstrap_sums(
    fit: Estimate, component: Component, N: int
) -> tuple[ClusterSums, int, BoolArray]:
    """Sums by entity with the entity effects swept out and period dummies as columns.

    Sweeping within entities commutes with drawing whole entities; sweeping periods does not, so
    the dummies stay in the equation.
    """
    sample = fit.sample
    assert sample is not None
    d = _design(component.formula, sample.panel)
    at = np.searchsorted(d.rows, sample.rows)
    kept = [d.names.index(name) for name in fit.names]
    X, y = d.X[at][:, kept], d.y[at]
    codes = sample.panel.entity_codes[sample.rows]
    _, period = np.unique(sample.time, return_inverse=True)
    dummies = np.eye(int(period.max()) + 1)[period][:, 1:]
    stacked = np.column_stack([X, dummies, y])
    counts = np.bincount(codes, minlength=N)
    means = (
        np.column_stack([np.bincount(codes, weights=column, minlength=N) for column in stacked.T])
        / np.maximum(counts, 1)[:, None]
    )
    stacked = stacked - means[codes]
    focal = fit.names.index(_term(component, fit))
    return cluster_sums(stacked[:, :-1], stacked[:, -1], codes, N), focal, counts > 0
