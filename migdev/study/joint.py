"""The joint test: several equations on the same entities, and the pattern that they form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from migdev.errors import MigdevError, SpecificationError, listing, suggestion
from migdev.identity import LATER
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.sandwich.cluster_draws import pairs_draws, resampling_weights, wild_draws
from migdev.notes import collect
from migdev.options import check_choice
from migdev.panel.model_matrix import require_data
from migdev.panel.panel import Panel
from migdev.progress import Progress
from migdev.results.estimate import Estimate
from migdev.study.answer import merged
from migdev.study.component import COMMON, Component, bootstrap_sums, common_rows, stacked
from migdev.study.cones import (
    NEITHER,
    cone_shares,
    intersection_union,
    overlapping,
    union_rejection,
)
from migdev.study.dimension import Dimension
from migdev.study.exchanges import exchanges
from migdev.study.joint_answer import JointAnswer, JointResult
from migdev.study.joint_samples import regions_left_out, rows_within
from migdev.study.plan import check_plan, write_plan
from migdev.study.pretests import PreTests

#: Shares of draws that differ by more than this between methods are reported.
DISAGREE = 0.10

#: What entities are called, one and many, where nothing else is said.
COUNTRIES = ("country", "countries")

JointSample = Literal["common", "largest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JointStudy:
    r"""Equations on the same entities, and the joint pattern they show.

    The estimates :math:`\hat\theta` of the m focal parameters have the stacked cluster sandwich

    .. math::
        \hat V_{ef} = \sqrt{c_e c_f} \sum_g \psi^e_g \psi^{f\prime}_g \quad (1)

    with :math:`\psi^e_g` the influence of entity g on the estimate of equation e and :math:`c_e`
    the factor that brings it to the variance of its fit. Draws of :math:`\theta` come from
    :math:`N(\hat\theta, \hat V)`, from the joint pairs bootstrap (whole countries, the same draw
    for all equations) and from the joint wild cluster bootstrap; the share of draws in each view's
    cone is what the data say of the pattern. Formulas are fitted anew on each pairs draw; a
    ``spec`` is moved to first order, by :math:`\sum_g (n_g - 1)\psi_g` for entity g drawn
    :math:`n_g` times.

    Parameters
    ----------
    components : tuple of Component and Dimension
        A :class:`~migdev.Dimension` has several outcomes, each on its own rows, so the sample is
        then "largest".
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
    pretests : PreTests, optional
        Tests of the data that are run before any fit; their rules mark components.
    placebos : tuple of str
        Regressors that no view speaks of, such as foreign investment: each is put in the place of
        the focal one in every formula (:attr:`JointAnswer.placebos`).
    leads : int
        So many future periods of the focal regressor are put in its place, one at a time: what
        moves an outcome before it happens does not cause it.
    forms : tuple of str
        Other forms of the focal regressor, such as the share itself, and with them the equations
        of dimensions whitened for serial correlation (:attr:`JointAnswer.forms`).
    within : str
        Column that is 1 for the rows of the study, where the panel holds others too.
    beside : tuple of str
        Columns like it, of other samples that are shown beside the declared one.
    entities : (str, str)
        What the page calls the entities, one and many: "state" and "states".
    """

    components: tuple[Component | Dimension, ...]
    null: str = "null"
    sample: JointSample = "common"
    draws: int = 1999
    seed: int = 20240101
    level: float = 0.05
    region: str = ""
    pretests: PreTests | None = field(default=None, metadata=LATER)
    placebos: tuple[str, ...] = field(default=(), metadata=LATER)
    leads: int = field(default=0, metadata=LATER)
    forms: tuple[str, ...] = field(default=(), metadata=LATER)
    within: str = field(default="", metadata=LATER)
    beside: tuple[str, ...] = field(default=(), metadata=LATER)
    entities: tuple[str, str] = field(default=COUNTRIES, metadata=LATER)

    def __post_init__(self) -> None:
        object.__setattr__(self, "components", tuple(self.components))
        for name in ("placebos", "forms", "beside", "entities"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        other = [c for c in self.components if not isinstance(c, Component | Dimension)]
        if other:
            raise SpecificationError(
                "A joint study is made of Components and Dimensions, not of "
                f"{type(other[0]).__name__}."
            )
        names = [c.name for c in self.components]
        if len(set(names)) < len(names):
            raise SpecificationError(f"Components need names of their own, not {listing(names)}.")
        if self.leads < 0:
            raise SpecificationError(f"leads={self.leads}; a number of future periods, or 0.")
        if self.draws < 1:
            raise SpecificationError(f"draws={self.draws}; a joint test needs at least one.")
        if not 0 < self.level < 0.5:
            raise SpecificationError(f"level={self.level} is not between 0 and 0.5.")
        if len(self.components) < 2:
            raise SpecificationError("A joint test needs at least two components.")
        check_choice("sample", self.sample, JointSample)
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

        if self.sample == "common":
            self._require_rows()
        self._check_rules(names)

    def _require_rows(self) -> None:
        """A common sample needs equations on which rows can be imposed."""
        other = [c for c in self.components if not c.selectable]
        if other:
            what = type(other[0].estimator).__name__
            why = (
                "its outcomes have rows of their own" if isinstance(other[0], Dimension)
                else f"{what} has no formula with free weights="
            )  # fmt: skip
            raise SpecificationError(
                f"The component {other[0].name!r} cannot be fitted on the rows of the others: "
                f"{why}. Use sample='largest', in which each equation has its own rows and all "
                "share their entities."
            )

    def _check_rules(self, names: list[str]) -> None:
        for rule in self.pretests.rules if self.pretests else ():
            if rule.behind:
                raise SpecificationError(
                    "The rules of a joint test mark components; none stands behind another. Leave "
                    f"behind= out of the rule {rule.reason!r}."
                )
            for name in rule.specs:
                if name not in names:
                    raise SpecificationError(
                        f"A rule of the pre-tests names {name!r}, which is not a component."
                        f"{suggestion(name, names)} Components: {listing(names)}."
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
        self,
        panel: Panel,
        plan: str | Path | None = None,
        strict: bool = False,
        background: Panel | None = None,
    ) -> JointAnswer:
        """Run the pre-tests, fit, draw, and place the draws; see :meth:`migdev.Study.run` for
        plans and backgrounds."""
        require_data(panel)
        digest, found = check_plan(self, plan, strict)
        tested = self.pretests.run(panel, background) if self.pretests else ()
        names = tuple(c.name for c in self.components)
        rulings = self.pretests.decide(tested, names)[1] if self.pretests else ()
        whole, panel = panel, rows_within(panel, self.within)
        values, notes = regions_left_out(panel, self.region)
        other: tuple[JointSample, ...] = ("largest",) if self.sample == "common" else ("common",)
        if any(isinstance(c, Dimension) for c in self.components):
            other = ()
        with Progress("samples", 1 + len(other) + len(self.beside) + len(values)) as done:
            main, heard = self._heard(panel, self.sample)
            done()
            variants: dict[str, JointResult | str] = {}
            for name in done.each(other):
                variants[name] = self._try(panel, name)
            for column in done.each(self.beside):
                variants[f"sample {column!r}"] = self._try(whole, self.sample, column)
            for value in done.each(values):
                rest = panel.where((panel[self.region] != value).to_numpy(), f"without {value}")
                variants[f"without {value}"] = self._try(rest, self.sample)
        return JointAnswer(
            study=self, panel=whole, main=main, warnings=heard, plan=digest, departures=found,
            variants={k: v for k, v in variants.items() if isinstance(v, JointResult)},
            failures={k: v for k, v in variants.items() if isinstance(v, str)},
            notes=(*notes, *self._approximate(), *_doubts(main, self.draws)), pretests=tested,
            rulings=rulings, background=background, exchanges=self._exchanges(panel, main),
        )  # fmt: skip

    def _exchanges(self, panel: Panel, main: JointResult) -> pd.DataFrame:
        if not (self.placebos or self.leads or self.forms):
            return pd.DataFrame()
        return exchanges(
            self.components, panel, placebos=self.placebos, leads=self.leads, forms=self.forms,
            known=main.fits if self.sample == "largest" else None,
        )  # fmt: skip

    def _approximate(self) -> tuple[str, ...]:
        """Components whose pairs draws are moved to first order."""
        names = [c.name for c in self.components if isinstance(c, Component) and c.spec is not None]
        text = "The pairs draws of {} are to first order: the specification is not fitted anew."
        return (text.format(listing(names)),) if names else ()

    def _heard(
        self, panel: Panel, sample: str, within: str | None = None
    ) -> tuple[JointResult, tuple[str, ...]]:
        with collect() as caught:
            result = self.fit(panel, sample, within)
        messages: dict[str, list[str]] = {}
        for text in dict.fromkeys(map(str, caught)):
            said = [(c, e) for c in self.components for e in c.equations]
            of, equation = next(
                ((c, e) for c, e in said if text.startswith(f"{e!r}: ")), (None, "")
            )
            rest = text if of is None else text.removeprefix(f"{equation!r}: ")
            messages.setdefault(rest, []).extend([] if of is None else [of.name])
        return result, tuple(merged(messages))

    def _try(self, panel: Panel, sample: str, within: str | None = None) -> JointResult | str:
        try:
            return self._heard(panel, sample, within)[0]
        except MigdevError as error:
            return str(error)

    def fit(self, panel: Panel, sample: str = "", within: str | None = None) -> JointResult:
        """The joint test on one sample, without its variants: ``sample`` and the rows ``within`` as
        declared, or others.

        Raises
        ------
        IdentificationError
            No row is complete in all equations, or an equation cannot be fitted.
        """
        require_data(panel)
        sample = sample or self.sample
        panel = rows_within(panel, self.within if within is None else within)
        used, weights = panel, None
        if sample == "common":
            self._require_rows()
            used, weights = common_rows(panel, [c.equation for c in self.components]), COMMON
        fits = {c.name: c.fit(used, weights) for c in self.components}
        focal = {c.name: c.focal(fits[c.name]) for c in self.components}
        theta = np.array([f.estimate for f in focal.values()])
        parts = [c.influence(fits[c.name]) for c in self.components]
        psi = stacked(parts, panel.entities)
        cov = psi.T @ psi
        rng = np.random.default_rng(self.seed)
        pairs, singular = self._pairs(fits, theta, psi, rng)
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
        self, fits: Mapping[str, Estimate], theta: FloatArray, psi: FloatArray,
        rng: np.random.Generator,
    ) -> tuple[FloatArray, int]:  # fmt: skip
        """Countries drawn with replacement, the same in every equation."""
        N = len(psi)
        sums = {
            c.name: bootstrap_sums(fits[c.name], c, N)
            for c in self.components
            if isinstance(c, Component) and c.spec is None
        }
        present = (psi != 0).any(axis=1)
        for _, _, here in sums.values():
            present |= here
        weights = np.zeros((self.draws, N))
        weights[:, present] = resampling_weights(rng, self.draws, int(present.sum()))
        columns, singular = [], 0
        for j, c in enumerate(self.components):
            if c.name in sums:
                one, focal, _ = sums[c.name]
                column, failed = pairs_draws(one, weights, focal)
                singular += int(failed)
            else:
                column = theta[j] + (weights[:, present] - 1) @ psi[present, j]
            columns.append(column)
        return np.column_stack(columns), singular


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
