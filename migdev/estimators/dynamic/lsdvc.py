"""Bias-corrected least squares with dummies for dynamic panels."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np

from migdev.errors import IdentificationError, SpecificationError
from migdev.estimators.assembly import finish
from migdev.estimators.dynamic.anderson_hsiao import AndersonHsiao
from migdev.estimators.dynamic.gmm.difference_system import DifferenceGMM, SystemGMM
from migdev.estimators.dynamic.gmm.styles import GMMStyle, IVStyle
from migdev.estimators.specification import Effects, of_panel, settle
from migdev.estimators.static.linear import drop_singletons
from migdev.identity import LATER
from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.kernels.dynamic import lsdvc
from migdev.kernels.dynamic.stack import scatter
from migdev.notes import quiet
from migdev.options import held, renamed
from migdev.panel.design import Design
from migdev.panel.formula import parse, quote_columns
from migdev.panel.panel import Panel
from migdev.progress import Progress
from migdev.protocols import CovEstimate
from migdev.results.dynamics import lag_structure, nearest_persistence
from migdev.results.estimate import Estimate
from migdev.results.facts import linear_facts
from migdev.results.influence import entity_influence
from migdev.results.sizes import caution


@renamed(replications="draws")
@dataclass(frozen=True, slots=True)
class BiasCorrectedLSDV:
    r"""Fixed effects with a lagged dependent variable, less its approximate bias
    (Kiviet 1995; Bun and Kiviet 2003; Bruno 2005 for unbalanced panels).

    .. math:: \hat\delta_c = \hat\delta_{LSDV} - \hat B_j(\hat\gamma, \hat\sigma^2) \quad (1)

    with the terms of :mod:`migdev.kernels.dynamic.lsdvc` to order :math:`1/T` (j = 1),
    :math:`1/(NT)` (2) or :math:`1/(NT^2)` (3), evaluated at a consistent first estimate. For
    strictly exogenous regressors and one lag; at home in panels of moderate N.

    Parameters
    ----------
    formula : str
        ``y ~ L(y) + x``.
    order : {3, 2, 1}
    initial : {"ah", "ab", "bb"}
        Consistent first estimate: Anderson-Hsiao, one-step difference GMM, one-step system GMM,
        with all lags of y and the other regressors as their own instruments. The first two are
        weak where y is persistent, and leave a bias of -0.08 and -0.09 at 0.8 (N = 50, T = 8);
        ``"bb"`` -0.02, where y starts around the levels of the entities.
    effects : tuple of str
        ``()`` or ``("time",)``; the effects of entities are always there.
    constant : {"none", "moments"}
        Of the first estimate by ``"ah"`` or ``"ab"``, as there: without time effects or
        ``"moments"`` the estimate depends on the level of y, as xtlsdvc's does. ``"bb"`` has a
        constant for levels but depends on them too.
    draws : int
        Parametric bootstrap of the covariance: normal errors, paths of y from their starting
        values, the first estimate anew each time (Kiviet and Bun 2001). 0: the covariance of the
        uncorrected estimate, which is too small.
    seed : int
    convention : {"derived", "xtlsdvc"}
        ``"xtlsdvc"`` reproduces Bruno's program: its third term lacks a variance that the
        derivation has (:mod:`migdev.kernels.dynamic.lsdvc`) and so depends on the units of y, to
        the point of being worthless where y is in small units; and ``"bb"`` has no constant unless
        there are time effects. Orders 1 and 2 from ``"ah"`` and ``"ab"`` are the same under both.

    Notes
    -----
    An entity that enters late or has gaps is a selection from the periods of the whole sample, as
    in Bruno's formulas and xtlsdvc.

    Covariances by ``with_cov`` rest on the influence of each entity: on least squares, on the sums
    behind the bias, and on the first estimate, from which the bias follows.

    Raises
    ------
    SpecificationError
        Not exactly one lag of the dependent variable.
    IdentificationError
        A regressor without variation within entities, or no residual degree of freedom.

    References
    ----------
    Kiviet (1995), Journal of Econometrics 68, 53-78. Bruno (2005), Economics Letters 87, 361-366;
    Stata Journal 5, 473-500. Bun and Kiviet (2003), Economics Letters 79, 145-152.
    """

    formula: str
    _: KW_ONLY
    order: Literal[1, 2, 3] = 3
    initial: Literal["ah", "ab", "bb"] = "ab"
    effects: Effects = held(())
    draws: int = 200
    seed: int = 0
    convention: Literal["derived", "xtlsdvc"] = "derived"
    constant: Literal["none", "moments"] = field(default="none", metadata=LATER)

    def __post_init__(self) -> None:
        settle(self)
        if self.effects not in ((), ("time",)):
            raise SpecificationError(f"effects={self.effects!r}; use () or ('time',).")
        if isinstance(self.draws, bool) or self.draws < 0:
            raise SpecificationError(f"draws={self.draws!r}; give 0 or more.")
        if self.constant == "moments" and self.initial == "bb":
            raise SpecificationError(
                "constant='moments' belongs to the first estimates in differences, initial='ah' "
                "or 'ab'; system GMM has its constant in levels."
            )

    @of_panel
    def fit(self, panel: Panel) -> Estimate:
        """Estimate on a panel."""
        design, names, X, period, shape = self._data(panel)
        complete = scatter(np.ones(design.nobs), design.entity, period, shape) > 0
        y = scatter(design.y, design.entity, period, shape)
        groups = lsdvc.batches(X, y, complete)
        n, N, k = design.nobs, shape[1], len(names)
        df = n - N - k
        if df <= 0:
            raise IdentificationError(
                f"{self.formula!r} has {k} coefficients and {N} effects, but only {n} rows."
            )
        first = self._first(panel, design.dependent, names)
        start = first.params[list(names)].to_numpy(dtype=float)
        params, base = self._corrected(groups, start, df)
        rss = lsdvc.rss_at(groups, params)
        sigma2 = rss / df
        outcome = self._cov(panel, design, groups, params, base, sigma2, names, period)
        said = self._caution(names, design, params) if self.draws else ""
        flat = X[period, :, design.entity] @ params
        gap = design.y - flat
        counts = np.bincount(design.entity)
        effect = np.bincount(design.entity, gap) / counts
        return finish(
            Estimate, spec=self, design=design, names=names, params=params, cov=outcome,
            scores=self._influence(design, groups, base, first, names, df),
            nobs=n, df_resid=float(df),
            method=f"Bias-corrected LSDV, order {self.order}, first estimate {self.initial}",
            stats={
                "sigma": float(np.sqrt(sigma2)), "lsdv": float(base.params[0]),
                "initial": float(start[0]),
            },
            residual=gap - effect[design.entity],
            stated=linear_facts("other", ("entity", *self.effects), caution=said),
        )  # fmt: skip

    def _data(
        self, panel: Panel
    ) -> tuple[Design, tuple[str, ...], FloatArray, IntArray, tuple[int, int]]:
        """Design, names, X (T, k, N) with the lag of y first, periods, (T, N)."""
        design = drop_singletons(Design.build(self.formula, panel, intercept=False), ("entity",))
        own = lag_structure(design.names, design.dependent).own
        if list(own) != [1]:
            raise SpecificationError(
                f"{self.formula!r} must have one lag, L({design.dependent}), among its regressors."
            )
        at = own[1]
        order = [at, *(j for j in range(len(design.names)) if j != at)]
        period = design.time - int(design.time.min())
        shape = (int(period.max()) + 1, int(design.entity.max()) + 1)
        columns = [design.X[:, order]]
        names = tuple(design.names[j] for j in order)
        if "time" in self.effects:
            present = np.unique(period)[1:]
            columns.append((period[:, None] == present[None, :]).astype(float))
            labels = panel.calendar.labels(present + int(design.time.min()))
            names = (*names, *(f"time[{label}]" for label in labels))
        return (
            design,
            names,
            scatter(np.concatenate(columns, axis=1), design.entity, period, shape),
            period,
            shape,
        )

    def _first(self, panel: Panel, dependent: str, names: tuple[str, ...]) -> Estimate:
        with quiet():  # rows lost to differencing are no news here
            start: Estimate = self._initial_spec(panel, dependent).fit(panel)
        missing = [name for name in names if name not in start.params.index]
        if missing:
            raise IdentificationError(
                f"{self.formula!r}: the first estimate ({self.initial}) cannot identify "
                f"{', '.join(missing)}, which do not vary within entities or repeat others."
            )
        return start

    def _initial_spec(self, panel: Panel, dependent: str) -> Any:
        if self.initial == "ah":
            return AndersonHsiao(formula=self.formula, effects=self.effects, constant=self.constant)
        terms = [str(t) for t in parse(quote_columns(self.formula, panel.columns)).exog]
        own = {f"L({dependent})", f"L({dependent}, 1)"}
        others = " + ".join(t for t in terms if t not in own)
        iv = (IVStyle(others),) if others else ()
        difference = partial(DifferenceGMM, constant=self.constant)
        kind: Any = difference if self.initial == "ab" else SystemGMM
        bare = self.initial == "bb" and self.convention == "xtlsdvc" and not self.effects
        return kind(
            formula=f"{self.formula} - 1" if bare else self.formula,
            gmm=(GMMStyle(dependent),),
            iv=iv,
            effects=self.effects,
            steps=1,
        )

    def _caution(self, names: tuple[str, ...], design: Design, params: FloatArray) -> str:
        near = nearest_persistence(names, design.dependent, params)
        N = int(design.entity[-1]) + 1
        method = f"Bias-corrected LSDV, first estimate {self.initial}"
        # With one lag the first period is spent.
        said = caution("cover", method, N, design.nobs / N + 1, f"persistence {near}")
        return f"{said} BiasCorrectedMM needs no first estimate." * bool(said)

    def _corrected(
        self, groups: list[lsdvc.Batch], start: FloatArray, df: int
    ) -> tuple[FloatArray, lsdvc.Within]:
        base = lsdvc.within(groups)
        sigma2 = lsdvc.rss_at(groups, start) / df
        printed = self.convention == "xtlsdvc"
        return base.params - lsdvc.bias(groups, start, sigma2, self.order, printed), base

    def _influence(
        self, design: Design, groups: list[lsdvc.Batch], base: lsdvc.Within, first: Estimate,
        names: tuple[str, ...], df: int,
    ) -> FloatArray | None:  # fmt: skip
        """(N, k) influence of the entities; None where the first estimate keeps no scores."""
        found = entity_influence(first)
        if found is None:
            return None
        at = [first.names.index(name) for name in names]
        start = first.params.to_numpy(dtype=float)[at]
        known = np.unique(design.panel.entity_codes[design.rows])
        pull = np.zeros((len(known), len(names)))
        pull[np.isin(known, found[0])] = found[1][np.isin(found[0], known)][:, at]
        return lsdvc.influence(
            groups, base, start, pull, df, self.order, self.convention == "xtlsdvc"
        )

    def _cov(
        self, panel: Panel, design: Design, groups: list[lsdvc.Batch], params: FloatArray,
        base: lsdvc.Within, sigma2: float, names: tuple[str, ...], period: IntArray,
    ) -> CovEstimate:  # fmt: skip
        df = design.nobs - len(np.unique(design.entity)) - len(names)
        if self.draws == 0:
            return CovEstimate(
                cov=base.rss / df * base.bread, df=None,
                description="of the uncorrected LSDV estimate; takes no account of the correction",
            )  # fmt: skip
        if design.dependent not in panel:
            raise SpecificationError(
                f"The bootstrap rebuilds lags of {design.dependent!r}, which must be a column: "
                "add it with panel.assign(), or set draws=0."
            )
        shape = (int(period.max()) + 1, int(design.entity.max()) + 1)
        complete = scatter(np.ones(design.nobs), design.entity, period, shape) > 0
        draws = []
        with Progress("bootstrap samples", self.draws) as done:
            for stream in done.each(np.random.SeedSequence(self.seed).spawn(self.draws)):
                rng = np.random.default_rng(stream)
                paths = lsdvc.simulate_paths(groups, params, float(np.sqrt(sigma2)), rng)
                drawn = np.zeros((shape[1], shape[0]))
                for batch, path in zip(groups, paths, strict=True):
                    drawn[batch.who, : path.shape[1]] = path
                values = panel[design.dependent].to_numpy(dtype=float, na_value=np.nan).copy()
                values[design.rows] = drawn[design.entity, period]
                other = panel.assign(**{design.dependent: values})
                try:
                    with quiet():
                        _, _, X, _, _ = self._data(other)
                        first = self._first(other, design.dependent, names)
                except IdentificationError:
                    continue
                start = first.params[list(names)].to_numpy(dtype=float)
                fresh = lsdvc.batches(X, drawn.T, complete)
                draws.append(self._corrected(fresh, start, df)[0])
        if len(draws) < max(2, self.draws // 2):
            raise IdentificationError(
                f"{self.formula!r}: only {len(draws)} of {self.draws} bootstrap samples "
                "could be estimated."
            )
        cov = np.atleast_2d(np.cov(np.array(draws), rowvar=False))
        return CovEstimate(
            cov=cov, df=None, description=f"parametric bootstrap, {len(draws)} samples"
        )
