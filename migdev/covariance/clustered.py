"""Clustered covariances, one to three ways, with small-sample refinements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Literal

import numpy as np

from migdev.covariance.basic import HC, Leverage
from migdev.covariance.common import (
    clean,
    columns_in,
    grouping,
    refuse_unknown_weights,
    require_least_squares,
    rescaled,
    rows_of,
    warn_mended,
)
from migdev.covariance.small_sample import Convention, clustered, nested
from migdev.errors import CovarianceError, FewClustersWarning, SpecificationError
from migdev.kernels.absorb.effects_basis import EffectsBasis, require_room
from migdev.kernels.arrays.blocked_products import gram
from migdev.kernels.arrays.groups import Groups
from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.kernels.sandwich.cluster_adjustment import (
    AdjustedScores,
    adjusted_scores,
    contrast_df,
    wald_df,
)
from migdev.kernels.sandwich.hac import one_row_per_cell
from migdev.kernels.sandwich.moments import Moments
from migdev.kernels.sandwich.sandwich import inclusion_exclusion, intersection, mend
from migdev.notes import warn
from migdev.options import check_options
from migdev.protocols import CovEstimate, Scores

Kind = Literal["CR0", "CR1", "CR2", "CR3", "CV3"] | HC
DF = Literal["auto", "satterthwaite", "groups"]
Working = Literal["independence", "weights"]
#: Fewer clusters than this raise a FewClustersWarning (CR0, CR1).
FEW = 10
#: Satterthwaite degrees of freedom below this raise it (CR2): their approximation fails there.
FEW_DF = 4.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Fit:
    cov: FloatArray
    df: float | None
    sizes: tuple[int, ...]
    negative: int
    adjusted: AdjustedScores | None


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Clustered:
    r"""Covariance clustered one to three ways.

    .. math::
        \hat V_g = B\Bigl(\sum_{c} X_c'A_c\hat u_c\hat u_c'A_c'X_c\Bigr)B \quad (1)

    summed over the ways g, less the pairwise intersections, plus the three-way intersection
    (Cameron, Gelbach and Miller 2011). A sum that is not positive semi-definite is mended by
    setting its negative eigenvalues to zero, with a CovarianceWarning.

    ====  ==========================================================================
    CR0   :math:`A = I`
    CR1   CR0 times the factor of the convention
    CR2   :math:`A_c = (I-H)_{cc}^{+1/2}`, unbiased under the working model
    CR3   :math:`A_c = (I-H)_{cc}^{+}`: leave one cluster out, about the estimate
    CV3   CR3 times (G-1)/G: the jackknife of MacKinnon, Nielsen and Webb (2023)
    ====  ==========================================================================

    ``"HC0"`` to ``"HC4"`` rescale each residual by its own leverage before summing: plm's
    ``vcovHC(method="arellano", type=...)``.

    Parameters
    ----------
    *groups : str
        ``"entity"``, ``"time"``, a column of the panel, or products ``"region^time"``. Default
        ``"entity"``.
    kind : str
        Default "CR1".
    convention : str
        Whose factor and reference distribution; the default is Stata's. With n rows, k reported
        coefficients, G clusters (:math:`G_{\min}` the fewest of several ways) and K parameters:

        ============  ===========================================================  ==============
        convention    factor of CR1                                                distribution
        ============  ===========================================================  ==============
        stata         :math:`\frac{G_{\min}}{G_{\min}-1}\frac{n-1}{n-K}`           t(Gmin - 1)
        fixest        the same, K by levels of the effects, without their rank     t(Gmin - 1)
        plm           :math:`\frac{G}{G-1}\frac{n-1}{n-k}` of each way             t(n - K)
        linearmodels  :math:`\frac{n}{n-K}`                                        t(n - K)
        sandwich      :math:`\frac{G}{G-1}\frac{n-1}{n-K}` of each way             t(n - K)
        clubsandwich  :math:`\frac{G}{G-1}` of each way                            t(n - K)
        none          1                                                            normal
        ============  ===========================================================  ==============

        K of "stata" (reghdfe, xtreg) and "fixest" leaves out absorbed effects that are nested in
        a cluster and counts one constant for them; "linearmodels" does so for one effect,
        nested in all ways; "sandwich" counts every dummy. Whether an effect is nested is found
        out from the data. The table of all covariances is in
        ``docs/explanation/small-sample.md``.
    df : {"auto", "satterthwaite", "groups"}
        Degrees of freedom of t: Satterthwaite's, by coefficient and contrast, or those of the
        convention ("groups"). "auto" takes Satterthwaite's for CR2 with one way.
    leverage : {"dummies", "transformed"}
        H of CR2, CR3 and HC2 to HC4 with absorbed effects: of all regressors and dummies, or of
        the transformed regressors only (plm; clubSandwich's CR3 on plm objects). Effects nested
        in the clusters make no difference to CR2 and CR3.
    working : {"independence", "weights"}
        Working model of CR2 in a weighted fit: independent errors of equal variance (the default
        of clubSandwich), or of variance 1/w (its ``inverse_var=TRUE``; analytic weights in
        Stata's reg_sandwich). No difference without weights. Generalised linear models bring the
        variance of the response, which is then the working model (clubSandwich's of ``glm``).

    Raises
    ------
    CovarianceError
        One cluster only; missing values in a cluster column; CR2 or CR3 for an estimator that is
        not least squares, or beyond memory; anything but CR0 and CR1 for an estimator that keeps
        the influence of units rather than rows (mean groups and their kin).

    Warns
    -----
    FewClustersWarning
        Fewer than 10 clusters in some way for CR0 and CR1; for CR2, Satterthwaite degrees of
        freedom below 4.

    Notes
    -----
    CR2 and CR3 with several ways apply :math:`A_c` within each component, as
    ``sandwich::vcovCL``; no Satterthwaite degrees of freedom are known there, and t(Gmin - 1) is
    used. In a weighted fit with effects nested in the clusters CR2 keeps their dummies, as
    clubSandwich does after ``lm``, and is not exactly unbiased. In 2SLS, H belongs to the
    projected regressors, as in clubSandwich. After one-way random effects the working model is
    their error-components matrix.

    References
    ----------
    Liang and Zeger (1986), Biometrika 73, 13-22. Arellano (1987), Oxford Bulletin of Economics
    and Statistics 49, 431-434. Bell and McCaffrey (2002), Survey Methodology 28(2), 169-181.
    Cameron, Gelbach and Miller (2011), Journal of Business & Economic Statistics 29, 238-249.
    Pustejovsky and Tipton (2018), Journal of Business & Economic Statistics 36, 672-683.
    MacKinnon, Nielsen and Webb (2023), Journal of Econometrics 232, 272-299.
    """

    groups: tuple[str, ...]
    kind: Kind
    convention: Convention
    df: DF
    leverage: Leverage
    working: Working

    def __init__(
        self,
        *groups: str,
        kind: Kind = "CR1",
        convention: Convention = "stata",
        df: DF = "auto",
        leverage: Leverage = "dummies",
        working: Working = "independence",
    ) -> None:
        names = groups or ("entity",)
        if not all(isinstance(name, str) and name.strip() for name in names):
            raise SpecificationError(
                f"Clustered{names!r}: clusters are given by name, e.g. Clustered('entity', 'time')."
            )
        if len(names) > 3 or len(set(names)) < len(names):
            raise SpecificationError(
                f"Clustered{names!r}: one to three different groupings are supported; a product "
                "such as 'region^time' is one."
            )
        for name, value in (
            ("groups", tuple(names)), ("kind", kind), ("convention", convention), ("df", df),
            ("leverage", leverage), ("working", working),
        ):  # fmt: skip
            object.__setattr__(self, name, value)
        check_options(self)
        if df == "satterthwaite" and (len(names) > 1 or kind.startswith("HC")):
            raise SpecificationError(
                f"Satterthwaite degrees of freedom are known for one way and CR0 to CR3, not for "
                f"{len(names)} ways and {kind}. Use df='groups'."
            )

    def __repr__(self) -> str:
        options = (
            ("kind", "CR1"), ("convention", "stata"), ("df", "auto"), ("leverage", "dummies"),
            ("working", "independence"),
        )  # fmt: skip
        changed = [f"{n}={getattr(self, n)!r}" for n, d in options if getattr(self, n) != d]
        return f"Clustered({', '.join([*map(repr, self.groups), *changed])})"

    def requires(self) -> tuple[str, ...]:
        return columns_in(self.groups)

    def estimate(self, moments: Scores) -> CovEstimate:
        m = moments
        fit = self._compute(m)
        if fit.negative:
            warn_mended(repr(self), fit.negative, m.k)
        df: float | FloatArray | None = fit.df
        if fit.adjusted is not None:
            df = contrast_df(fit.adjusted, np.eye(m.k))
        self._warn_few(fit.sizes, df)
        counts = " x ".join(f"{g:,}" for g in fit.sizes)
        return CovEstimate(
            cov=clean(m, fit.cov, repr(self)),
            df=df,
            description=f"clustered by {' and '.join(self.groups)} "
            f"({self.kind}, {counts} clusters)",
            convention=self.convention,
            clusters=dict(zip(self.groups, fit.sizes, strict=True)),
        )

    def contrast_df(self, moments: Scores, R: FloatArray) -> float | None:
        """Degrees of freedom for the contrasts R, (k,) or (q, k).

        For one contrast those of t; for q the eta of the approximate Hotelling test. None where
        this covariance has no degrees of freedom of its own for contrasts.
        """
        if not self._satterthwaite:
            return None
        fit = self._compute(moments)
        return None if fit.adjusted is None else wald_df(fit.adjusted, R)

    def contrast_wald(
        self, moments: Scores, R: FloatArray, value: FloatArray
    ) -> tuple[float, float, float] | None:
        r"""F statistic and degrees of freedom of :math:`R\beta = r` (test HTZ of clubSandwich).

        Parameters
        ----------
        R : (q, k); value : (q,)
            Restrictions, and :math:`R\hat\beta - r`.

        Returns
        -------
        F, q, df2, or None where the usual reference distribution applies.
        """
        if not self._satterthwaite:
            return None
        fit = self._compute(moments)
        assert fit.adjusted is not None
        R = np.atleast_2d(R)
        q = len(R)
        eta = wald_df(fit.adjusted, R)
        Q = float(value @ np.linalg.solve(R @ fit.cov @ R.T, value))
        return (eta - q + 1) / (eta * q) * Q, float(q), eta - q + 1

    # ------------------------------------------------------------------ private

    @property
    def _satterthwaite(self) -> bool:
        if self.convention == "none" and self.df == "auto":
            return False
        return self.df == "satterthwaite" or (
            self.df == "auto" and self.kind == "CR2" and len(self.groups) == 1
        )

    def _compute(self, m: Scores) -> _Fit:
        codes = [grouping(m, name) for name in self.groups]
        subsets = inclusion_exclusion(len(codes))
        parts = [self._component(m, codes, subset) for subset, _ in subsets]
        sizes = [part.size if part is not None else len(m.entity) for part in parts]
        self._refuse_one(sizes[: len(codes)])
        factors, df = clustered(m, self.convention, self.kind, codes, sizes)
        if self.kind.startswith("HC"):
            m = rescaled(rows_of(m, repr(self)), self.kind, self.leverage)
        cov, spread = np.zeros((m.k, m.k)), np.zeros(m.k)
        adjusted = None
        for (_, sign), part, factor in zip(subsets, parts, factors, strict=True):
            influence, adjusted = self._influence(m, part)
            V = factor * gram(influence)
            cov += sign * V
            spread += np.diagonal(V)
        negative = 0
        if len(codes) > 1:
            cov, negative = mend((cov + cov.T) / 2, spread)
        return _Fit(
            cov=cov, df=df, sizes=tuple(sizes[: len(codes)]), negative=negative,
            adjusted=adjusted if self._satterthwaite else None,
        )  # fmt: skip

    def _component(
        self, m: Scores, codes: Sequence[IntArray], subset: tuple[int, ...]
    ) -> Groups | None:
        """Groups of an intersection; None where every row is alone in its own."""
        names = {self.groups[i].strip() for i in subset}
        if (
            {"entity", "time"} <= names
            and m.time is not None
            and one_row_per_cell(m.entity, m.time)
        ):
            return None
        cells = codes[subset[0]] if len(subset) == 1 else intersection([codes[i] for i in subset])
        groups = Groups.from_codes(cells)
        return None if groups.size == len(m.entity) else groups

    def _influence(
        self, m: Scores, part: Groups | None
    ) -> tuple[FloatArray, AdjustedScores | None]:
        """(G, k) contribution of every cluster to the estimate."""
        if self.kind in ("CR2", "CR3", "CV3") or self._satterthwaite:
            adjusted = self._adjusted(rows_of(m, repr(self)), part)
            return adjusted.influence, adjusted
        return m.influence(part), None

    def _adjusted(self, m: Moments, part: Groups | None) -> AdjustedScores:
        """Leverage-adjusted contributions, from an orthonormal basis of the fitted space."""
        require_least_squares(m, self.kind)
        groups = Groups.from_codes(np.arange(m.nobs)) if part is None else part
        Z, R = np.linalg.qr(m.X)
        # without CR2 and degrees of freedom the working model plays no part
        weights = m.weights if m.variance is None else 1.0 / m.variance
        weighted = weights is not None and (self.kind == "CR2" or self._satterthwaite)
        if m.factors and self.leverage == "dummies":
            refuse_unknown_weights(m, self.kind)
            Z = np.column_stack([Z, *_dummies(m, groups, weighted)])
        require_room(m.nobs, Z.shape[1])
        loading = np.zeros((Z.shape[1], m.k))
        loading[: m.k] = np.linalg.inv(R).T
        kind = "CR3" if self.kind == "CV3" else self.kind
        return adjusted_scores(
            Z, loading, m.resid, groups, kind, weights if weighted else None,
            inverse_variance=self.working == "weights" or m.variance is not None,
            components=_components(m, groups),
        )  # fmt: skip

    def _refuse_one(self, sizes: Sequence[int]) -> None:
        single = list(compress(self.groups, [g < 2 for g in sizes]))
        if single:
            raise CovarianceError(
                f"There is one cluster only by {' and '.join(map(repr, single))}; a clustered "
                "covariance needs at least two, and rests on many. Cluster by a finer grouping, "
                "or use Robust() or NeweyWest()."
            )

    def _warn_few(self, sizes: Sequence[int], df: float | FloatArray | None) -> None:
        if isinstance(df, np.ndarray):
            low = float(np.nanmin(df)) if np.isfinite(df).any() else float("nan")
            if low < FEW_DF:
                warn(
                    f"{self!r}: Satterthwaite degrees of freedom go down to {low:.1f}; below "
                    f"{FEW_DF:.0f} the approximation fails (Pustejovsky and Tipton 2018). Such "
                    "coefficients rest on too few clusters.",
                    FewClustersWarning,
                    stacklevel=4,
                )
            return
        few = [(n, g) for n, g in zip(self.groups, sizes, strict=True) if g < FEW]
        if few:
            counts = ", ".join(f"{g} by {n!r}" for n, g in few)
            warn(
                f"{self!r}: there are few clusters ({counts}); with fewer than {FEW} tests reject "
                "too often. Use kind='CR2' (one way), or a wild cluster bootstrap.",
                FewClustersWarning,
                stacklevel=4,
            )


def _components(m: Moments, groups: Groups) -> tuple[IntArray, float] | None:
    """Random effects behind the data, where they lie within clusters."""
    if m.error_components is None:
        return None
    codes = grouping(m, m.error_components[0])
    return (codes, m.error_components[1]) if nested(codes, groups.codes) else None


def _dummies(m: Moments, groups: Groups, every: bool) -> list[FloatArray]:
    """Orthonormal columns that absorbed effects add to H; those nested in clusters are left out
    unless ``every`` is set."""
    inside = [] if every else [i for i, f in enumerate(m.factors) if nested(f, groups.codes)]
    first = max(inside, key=lambda i: int(m.factors[i].max(initial=0))) if inside else None
    basis = EffectsBasis.build(m.factors, m.weights, first)
    columns = basis.rank if first is None else basis.rank - basis.first.size
    require_room(m.nobs, columns)
    return [] if columns == 0 else (
        [basis.rows()] if first is not None else [basis.first_rows(), basis.rows()]
    )  # fmt: skip
