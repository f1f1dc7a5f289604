"""Half-panel jackknife of the fixed-effects estimator."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np

from migdev.errors import IdentificationError, SpecificationError
from migdev.estimators.assembly import finish
from migdev.estimators.specification import Effects, of_panel, settle
from migdev.estimators.static.linear import drop_singletons, refuse_endogenous
from migdev.kernels.absorb.absorber import absorb
from migdev.kernels.arrays.least_squares import independent_columns, least_squares
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.options import held
from migdev.panel.design import Design
from migdev.protocols import CovEstimate, Data
from migdev.results.dynamics import nearest_persistence
from migdev.results.estimate import Estimate
from migdev.results.facts import linear_facts
from migdev.results.sizes import caution


@dataclass(frozen=True, slots=True)
class HalfPanelJackknife:
    r"""Fixed effects less their bias of order 1/T, by splitting every entity's rows in two
    (Dhaene and Jochmans 2015; Chudik, Pesaran and Yang 2018).

    .. math:: \tilde\beta = 2\hat\beta - \tfrac12(\hat\beta_a + \hat\beta_b) \quad (1)

    with :math:`\hat\beta_a, \hat\beta_b` the same estimator on the earlier and the later half of
    each entity. It needs no model of the feedback from y to the regressors: lags of y and any
    predetermined regressors are allowed. Where an entity has an odd number of rows, (1) is the
    mean over the two ways to split it.

    The covariance is clustered by entity, from the influence of entity i on (1),

    .. math:: \psi_i = 2\hat\psi_i - \tfrac12(\hat\psi_{i,a} + \hat\psi_{i,b}), \qquad
        \hat\psi_i = (\tilde X'\tilde X)^{-1}\tilde X_i'\hat u_i \quad (2)

    times G/(G-1).

    Parameters
    ----------
    formula : str
        ``y ~ L(y) + x``; the effects take the intercept.
    effects : tuple of str
        With ``"entity"`` among them.

    Raises
    ------
    IdentificationError
        Halves too short to identify every coefficient.

    References
    ----------
    Dhaene and Jochmans (2015), Review of Economic Studies 82, 991-1030. Chudik, Pesaran and Yang
    (2018), Journal of Applied Econometrics 33, 816-836.
    """

    formula: str
    _: KW_ONLY
    effects: Effects = held(("entity",))

    def __post_init__(self) -> None:
        settle(self)
        if "entity" not in self.effects:
            raise SpecificationError(
                f"effects={self.effects!r}: the jackknife removes the bias that effects of "
                "entities cause; name 'entity', as the key of every panel is called."
            )

    @of_panel
    def fit(self, panel: Data) -> Estimate:
        """Estimate on a panel."""
        design = Design.build(self.formula, panel, intercept=False, requires=self.effects)
        refuse_endogenous(design, "HalfPanelJackknife")
        design = drop_singletons(design, self.effects)
        G = int(design.entity.max(initial=-1)) + 1
        if G < 2:
            raise IdentificationError(
                f"{self.formula!r} has one entity, and the covariance is clustered by entity: give "
                "at least two."
            )
        if G == 2 and "time" in self.effects:
            raise IdentificationError(
                f"{self.formula!r}: under effects of periods two entities mirror one another, and "
                "their clustered covariance is zero. Use three entities or more, or "
                "effects=('entity',)."
            )
        factors = [design.codes(name) for name in self.effects]
        everyone = np.ones(design.nobs, dtype=bool)
        full, influence = self._fit(design, factors, everyone, "the whole sample")
        place = _places(design.entity)
        size = np.bincount(design.entity)[design.entity]
        splits = [size // 2] if not (size % 2).any() else [size // 2, (size + 1) // 2]
        halves = np.zeros_like(full)
        pull = np.zeros_like(influence)
        for cut in splits:
            for mask, what in ((place < cut, "earlier"), (place >= cut, "later")):
                b, psi = self._fit(design, factors, np.asarray(mask), f"the {what} halves")
                halves += b / (2.0 * len(splits))
                pull += psi / (2.0 * len(splits))
        params = 2.0 * full - halves
        psi = 2.0 * influence - pull
        cov = psi.T @ psi * G / (G - 1)
        gap = design.y - design.X @ params
        within = absorb(gap[:, None], factors)
        return finish(
            Estimate, spec=self, design=design, scores=psi, names=design.names, params=params,
            method="Half-panel jackknife",
            df_resid=float(design.nobs - within.rank - len(params)),
            cov=CovEstimate(
                cov=cov, df=None, description=f"clustered by entity ({G} clusters)",
                convention="G/(G-1)", clusters={"entity": G},
            ),
            stats={f"uncorrected: {n}": float(b) for n, b in zip(design.names, full, strict=True)},
            residual=within.values[:, 0],
            stated=linear_facts("other", self.effects, caution=self._caution(design, params)),
        )  # fmt: skip

    def _caution(self, design: Design, params: FloatArray) -> str:
        near = nearest_persistence(design.names, design.dependent, params)
        if near is None:
            return ""
        G = int(design.entity[-1]) + 1
        # With one lag the first period is spent.
        T = design.nobs / G + 1
        return caution("cover", "Half-panel jackknife", G, T, f"persistence {near}")

    def _fit(
        self, design: Design, factors: list[IntArray], rows: BoolArray, what: str
    ) -> tuple[FloatArray, FloatArray]:
        """Coefficients (k,) and influence by entity (G, k) on some rows."""
        codes = [np.unique(f[rows], return_inverse=True)[1].astype(np.int64) for f in factors]
        stacked = np.column_stack([design.y[rows], design.X[rows]])
        norms = np.sqrt(np.einsum("ij,ij->j", stacked, stacked))
        values = absorb(stacked, codes).values
        keep = independent_columns(values[:, 1:], norms[1:])
        if not keep.all() or len(values) <= values.shape[1]:
            lost = [n for n, k in zip(design.names, keep, strict=True) if not k] or design.names
            raise IdentificationError(
                f"{self.formula!r}: {what} do not identify {', '.join(lost)}. Leave them out, or "
                "use a longer panel."
            )
        fit = least_squares(np.asfortranarray(values[:, 1:]), np.ascontiguousarray(values[:, 0]))
        scores = values[:, 1:] * fit.resid[:, None]
        G = int(design.entity.max()) + 1
        sums = np.zeros((G, scores.shape[1]))
        np.add.at(sums, design.entity[rows], scores)
        return fit.params, sums @ fit.bread


def _places(entity: IntArray) -> IntArray:
    """(n,) position of each row among those of its entity, 0 first; rows sorted by entity."""
    counts = np.bincount(entity)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    places: IntArray = np.arange(len(entity)) - starts[entity]
    return places
