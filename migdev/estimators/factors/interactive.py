"""Interactive fixed effects: common slopes, unobserved factors with loadings by entity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import get_args

import numpy as np
import pandas as pd

from migdev.covariance import CovarianceOption, Robust
from migdev.errors import (
    ConvergenceWarning,
    IdentificationError,
    PanelError,
    SpecificationError,
    listing,
)
from migdev.estimators.assembly import finish
from migdev.estimators.factors.incomplete_sample import cells, require_tied, usable, wide
from migdev.estimators.heterogeneous.entity_regressions import build, entity_labels
from migdev.estimators.specification import Effects, of_panel, settle
from migdev.kernels.absorb.absorber import absorb
from migdev.kernels.arrays.least_squares import independent_columns
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.factors.incomplete_factors import (
    ROUGH,
    Incomplete,
    incomplete_effects,
    least_sums,
)
from migdev.kernels.factors.incomplete_inference import incomplete_bias, incomplete_criteria
from migdev.kernels.factors.interactive import (
    Criterion,
    Interactive,
    bias,
    demeaned,
    factor_criteria,
    interactive_effects,
)
from migdev.kernels.sandwich.moments import Moments
from migdev.notes import warn
from migdev.options import check_choice, held
from migdev.panel.design import Design
from migdev.protocols import Data
from migdev.results.estimate import Estimate
from migdev.results.facts import Facts


@dataclass(frozen=True, kw_only=True, eq=False)
class InteractiveEstimate(Estimate):
    """Slopes with the factors and loadings behind them.

    Attributes
    ----------
    factors : DataFrame (T, r), with F'F / T = I
    loadings : DataFrame (N, r)
    """

    factors: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    loadings: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)


@dataclass(frozen=True, slots=True)
class InteractiveFixedEffects:
    r"""Bai's least squares with interactive effects.

    .. math::
        y_{it} &= x_{it}'\beta + \lambda_i'f_t [+ \alpha_i + \xi_t] + e_{it} \quad (1) \\
        (\hat\beta, \hat F, \hat\Lambda) &= \arg\min\textstyle\sum_{it}
            (y_{it} - x_{it}'\beta - \lambda_i'f_t)^2 \quad (2) \\
        Z_i &= M_{\hat F}X_i - N^{-1}\textstyle\sum_ka_{ik}M_{\hat F}X_k, \qquad
            a_{ik} = \hat\lambda_i'(\hat\Lambda'\hat\Lambda/N)^{-1}\hat\lambda_k \quad (3) \\
        \hat\beta^\dagger &= \hat\beta - \hat B/N - \hat C/T \quad (4)

    The covariance is that of the regression of y on Z (so any :class:`Covariance` applies, and
    ``with_cov``); (4) removes the biases that heteroskedasticity over entities (B) and periods (C)
    leaves. Engine: ``migdev.kernels.factors.interactive``.

    Parameters
    ----------
    formula : str
    factors : int or "IC_p1", "IC_p2", "ER", "GR"
        Number of factors, or the criterion that chooses it up to ``max_factors`` on the residuals
        of a fit with ``max_factors``.
    max_factors : int
    effects : tuple of {"entity", "time"}
        Additive effects beside the factors.
    bias_correction : bool
        Report (4), or (2).
    max_starts : int
        Where cells are missing: most starting points of (2), see the notes.
    seed : int
        Of the random ones among them.
    cov : Covariance
        Default :class:`~migdev.Robust` HC1.

    Raises
    ------
    PanelError
        ER or GR where cells are missing: they compare eigenvalues.
    IdentificationError
        A regressor that the effects or factors absorb, too many factors, or cells that overlap
        too little to tie the factors together.

    Warns
    -----
    ConvergenceWarning
        With the change that is left; or where only one start reached the smallest sum of squares.
    DroppedEntitiesWarning, DroppedRowsWarning
        Entities and periods with no more cells than factors and effects fit without error. They
        change no coefficient and take no degree of freedom.

    Notes
    -----
    Unbalanced panels and panels with gaps: the sum in (2) runs over observed cells, as with Bai,
    Liao and Yang's (2015) and gsynth's and regife's imputation, of which it is the limit;
    additive effects are estimated jointly. It is found by Newton's method from several starts,
    until three of them end at the smallest sum. Z is the residual of X on all directions in which
    factors, loadings and effects move fitted values of observed cells, which is (3) where none is
    missing; (4) is derived for observed cells too, in
    :func:`migdev.kernels.factors.incomplete_inference.incomplete_bias`. Cells must be missing for
    reasons unrelated to the errors. Degrees of freedom are observed cells less coefficients,
    effects and :math:`r(N+T-r)`. IC_p1 and IC_p2 take the smallest sums of squares for each number
    of factors, with n cells in place of NT and n / max(N, T) in place of min(N, T), on those
    entities and periods that the largest number can use.

    References
    ----------
    Bai (2009), Econometrica 77, 1229-1279. Bai, Liao and Yang (2015), Unbalanced panel data models
    with interactive effects, Oxford Handbook of Panel Data, 149-170. Bai and Ng (2002),
    Econometrica 70, 191-221. Ahn and Horenstein (2013), Econometrica 81, 1203-1227.
    """

    formula: str
    _: KW_ONLY
    factors: int | Criterion = 1
    max_factors: int = 5
    effects: Effects = held(("entity",))
    bias_correction: bool = True
    max_starts: int = 50
    seed: int = 0
    cov: CovarianceOption = held(Robust("HC1"))

    def __post_init__(self) -> None:
        settle(self)
        for effect in self.effects:
            check_choice("effects", effect, ["entity", "time"])
        if not isinstance(self.factors, str) and not (
            isinstance(self.factors, int) and self.factors >= 1 and self.factors is not True
        ):
            raise SpecificationError(
                f"factors={self.factors!r}; a number of at least 1, or one of "
                f"{listing(get_args(Criterion))}."
            )
        for name in ("max_factors", "max_starts"):
            if getattr(self, name) < 1:
                raise SpecificationError(f"{name}={getattr(self, name)}; at least 1.")

    @of_panel
    def fit(self, panel: Data) -> InteractiveEstimate:
        d = build(
            self.formula, panel, "InteractiveFixedEffects", intercept=False,
            requires=self.cov.requires(),
        )  # fmt: skip
        if cells(d)[0].all():
            return self._complete(d)
        return self._incomplete(d)

    def _complete(self, d: Design) -> InteractiveEstimate:
        self._require_variation(d)
        Y, X = self._arrays(d)
        N, T, _ = X.shape
        if isinstance(self.factors, str):
            largest = min(self.max_factors, min(N, T) // 2 - 1)
            if largest < 1:
                raise IdentificationError(
                    f"{self.formula!r}: {N} entities and {T} periods are too few for factors."
                )
            first = interactive_effects(Y, X, largest)
            chosen = factor_criteria(Y - X @ first.params, largest)
            r = self._some(chosen[self.factors])
        else:
            r, chosen = int(self.factors), {}
        absorbed = self._absorbed(d, N, T, r)
        fit = interactive_effects(Y, X, r)
        self._report(fit, None)
        self._require_left(d, fit.Z)
        B, C = bias(X, fit) if self.bias_correction else (0.0, 0.0)
        params = fit.params - B - C
        resid = (Y - X @ params - fit.loadings @ fit.factors.T).reshape(-1)
        return self._record(d, fit, fit.Z, fit.resid, params, resid, absorbed, chosen)

    def _incomplete(self, d: Design) -> InteractiveEstimate:
        rng = np.random.default_rng(self.seed)
        r, chosen = self._number(d, rng) if isinstance(self.factors, str) else (self.factors, {})
        r = self._some(int(r))
        d = usable(d, r, self.effects)
        self._require_variation(d)
        Y, X, seen = wide(d)
        absorbed = self._absorbed(d, seen.shape[0], seen.shape[1], r)
        require_tied(d, r, self.effects)
        fit = incomplete_effects(Y, X, seen, r, self.effects, self.max_starts, rng)
        self._report(fit, fit)
        self._require_left(d, fit.Z[seen])
        B, C = incomplete_bias(fit, seen, self.effects) if self.bias_correction else (0.0, 0.0)
        params = fit.params - B - C
        resid = fit.resid[seen] - d.X @ (params - fit.params)
        return self._record(d, fit, fit.Z[seen], fit.resid[seen], params, resid, absorbed, chosen)

    def _number(self, d: Design, rng: np.random.Generator) -> tuple[int, dict[str, int]]:
        """The number of factors by a criterion, on what can be fitted with the largest number."""
        if self.factors not in ("IC_p1", "IC_p2"):
            raise PanelError(
                f"factors={self.factors!r} compares eigenvalues, which a panel with missing cells "
                "does not have. Use 'IC_p1' or 'IC_p2', which compare sums of squares, or a number."
            )
        largest = min(self.max_factors, min(cells(d)[0].shape) // 2 - 1)
        while largest > 0:
            try:
                core = usable(d, largest, self.effects, quiet=True)
                require_tied(core, largest, self.effects)
                break
            except IdentificationError:
                largest -= 1
        if largest < 1:
            raise IdentificationError(
                f"{self.formula!r}: observed cells overlap too little for any factor. Use "
                "FixedEffects, or a span in which entities overlap: panel.between()."
            )
        self._require_variation(core)
        Y, X, seen = wide(core)
        starts = min(self.max_starts, 4)
        first = incomplete_effects(Y, X, seen, largest, self.effects, starts, rng, ROUGH)
        sums = least_sums(Y - X @ first.params, seen, largest, self.effects)
        chosen = incomplete_criteria(sums, seen)
        return chosen[str(self.factors)], chosen

    def _some(self, r: int) -> int:
        if r == 0:
            raise IdentificationError(
                f"{self.formula!r}: {self.factors} finds no factor; use FixedEffects."
            )
        return r

    def _absorbed(self, d: Design, N: int, T: int, r: int) -> int:
        """Parameters of factors, loadings and effects."""
        absorbed = r * (N + T - r) + (N if "entity" in self.effects else 0)
        absorbed += T - len(self.effects) + 1 if "time" in self.effects else 0
        if min(N, T) <= 2 * r or absorbed + d.X.shape[1] >= d.nobs:
            raise IdentificationError(
                f"{self.formula!r}: {r} factors are too many for {N} entities and {T} periods"
                + ("." if d.nobs == N * T else f" with {d.nobs} observations.")
            )
        return absorbed

    def _require_variation(self, d: Design) -> None:
        codes = {"entity": d.entity, "time": cells(d)[1]}
        X = absorb(d.X, [codes[e] for e in self.effects]).values if self.effects else d.X
        keep = independent_columns(X, np.sqrt(np.einsum("ij,ij->j", d.X, d.X)))
        if not keep.all() or not len(keep):
            gone = [n for n, kept in zip(d.names, keep, strict=True) if not kept]
            raise IdentificationError(
                f"{d.formula!r}: {', '.join(gone) or 'no regressor'} is collinear or absorbed by "
                f"the effects {', '.join(self.effects)}."
            )

    def _require_left(self, d: Design, Z: FloatArray) -> None:
        before = np.sqrt(np.einsum("ij,ij->j", d.X, d.X))
        keep = independent_columns(Z.reshape(d.nobs, -1), before)
        if not keep.all():
            gone = [n for n, kept in zip(d.names, keep, strict=True) if not kept]
            raise IdentificationError(
                f"{self.formula!r}: factors absorb {', '.join(gone)}. Leave them out, or use fewer "
                "factors."
            )

    def _report(self, fit: Interactive | Incomplete, incomplete: Incomplete | None) -> None:
        if not fit.converged:
            warn(
                f"InteractiveFixedEffects did not converge on {self.formula!r} after "
                f"{fit.iterations} iterations; coefficients still move by {fit.change:.2g} of "
                "their standard errors. Use fewer factors, or other effects.",
                ConvergenceWarning,
                stacklevel=4,
            )
        elif incomplete is not None and incomplete.agreeing == 1 < incomplete.starts:
            warn(
                f"InteractiveFixedEffects on {self.formula!r}: only one of {incomplete.starts} "
                "starts reached the smallest sum of squares, so a smaller one may exist. Use "
                "fewer factors, or more starts (max_starts=).",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _record(
        self, d: Design, fit: Interactive | Incomplete, Z: FloatArray, errors: FloatArray,
        params: FloatArray, resid: FloatArray, absorbed: int, chosen: Mapping[str, int],
    ) -> InteractiveEstimate:  # fmt: skip
        r = fit.factors.shape[1]
        Z = Z.reshape(d.nobs, -1)
        moments = Moments(
            X=Z, resid=errors.reshape(-1), bread=np.asarray(np.linalg.inv(Z.T @ Z)),
            entity=d.entity, time=d.time, df_absorbed=absorbed, columns=d.columns,
        )  # fmt: skip
        columns = [f"factor {j + 1}" for j in range(r)]
        rss = float(np.sum(errors**2))
        search: dict[str, float] = {}
        if isinstance(fit, Incomplete):
            search = {"starts": float(fit.starts), "starts_at_minimum": float(fit.agreeing)}
        return finish(
            InteractiveEstimate, spec=self, cov=self.cov, design=d, scores=moments,
            names=d.names, params=params, method="Interactive fixed effects", residual=resid,
            stated=Facts(
                link="identity", linear=False, principle="least squares", absorbed=self.effects
            ),
            stats={
                "factors": float(r), "sigma": float(np.sqrt(rss / moments.df_resid)), "rss": rss,
                "iterations": float(fit.iterations), "converged": float(fit.converged),
                **search, **{f"factors_{name}": float(v) for name, v in chosen.items()},
            },
            factors=pd.DataFrame(
                fit.factors, index=d.panel.calendar.labels(np.unique(d.time)), columns=columns
            ),
            loadings=pd.DataFrame(fit.loadings, index=entity_labels(d), columns=columns),
        )  # fmt: skip

    def _arrays(self, d: Design) -> tuple[FloatArray, FloatArray]:
        N = int(d.entity.max()) + 1
        V = np.column_stack([d.y, d.X]).reshape(N, d.nobs // N, -1)
        V = demeaned(V, self.effects)
        return np.ascontiguousarray(V[:, :, 0]), np.ascontiguousarray(V[:, :, 1:])
