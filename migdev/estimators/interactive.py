"""Interactive fixed effects: common slopes, unobserved factors with loadings by entity."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from migdev.covariance import Robust
from migdev.errors import ConvergenceWarning, IdentificationError, PanelError, SpecificationError
from migdev.estimators.assembly import estimate
from migdev.estimators.entities import build, check_choice, entity_labels
from migdev.kernels.interactive import bias, demeaned, factor_criteria, interactive_effects
from migdev.kernels.least_squares import independent_columns
from migdev.kernels.moments import Moments
from migdev.kernels.types import FloatArray
from migdev.panel.design import Design
from migdev.panel.panel import Panel
from migdev.protocols import Covariance
from migdev.results.estimate import Estimate

_CRITERIA = ("IC_p1", "IC_p2", "ER", "GR")


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


@dataclass(frozen=True, slots=True, kw_only=True)
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
    leaves. Engine: ``migdev.kernels.interactive``.

    Parameters
    ----------
    formula : str
    factors : int or "IC_p1", "IC_p2", "ER", "GR"
        Number of factors, or the criterion that chooses it up to ``max_factors`` on the residuals
        of a fit with ``max_factors``.
    max_factors : int
    effects : tuple of {"entity", "time"}
        Additive effects that are taken out first.
    bias_correction : bool
        Report (4), or (2).
    cov : Covariance
        Default :class:`~migdev.covariance.Robust` HC1.

    Raises
    ------
    PanelError
        The sample is not balanced: (2) needs every entity in every period.
    IdentificationError
        A regressor that the effects or factors absorb, or too many factors.

    Warns
    -----
    ConvergenceWarning
        With the change that is left.

    References
    ----------
    Bai (2009), Econometrica 77, 1229-1279. Bai and Ng (2002), Econometrica 70, 191-221. Ahn and
    Horenstein (2013), Econometrica 81, 1203-1227.
    """

    formula: str
    factors: int | str = 1
    max_factors: int = 5
    effects: tuple[str, ...] = ("entity",)
    bias_correction: bool = True
    cov: Covariance = field(default_factory=lambda: Robust("HC1"))

    def __post_init__(self) -> None:
        if isinstance(self.effects, str):
            object.__setattr__(self, "effects", (self.effects,))
        for effect in self.effects:
            check_choice("effects", effect, ("entity", "time"))
        whole = isinstance(self.factors, int) and not isinstance(self.factors, bool)
        if not (whole and int(self.factors) >= 1) and self.factors not in _CRITERIA:
            raise SpecificationError(
                f"factors={self.factors!r}; a number of at least 1 or one of {_CRITERIA}."
            )
        if self.max_factors < 1:
            raise SpecificationError(f"max_factors={self.max_factors}; at least 1.")

    def fit(self, panel: Panel) -> InteractiveEstimate:
        d = build(
            self.formula, panel, "InteractiveFixedEffects", intercept=False,
            requires=self.cov.requires(),
        )  # fmt: skip
        Y, X = self._arrays(d)
        N, T, k = X.shape
        if isinstance(self.factors, str):
            largest = min(self.max_factors, min(N, T) // 2 - 1)
            first = interactive_effects(Y, X, largest)
            chosen = factor_criteria(Y - X @ first.params, largest)
            r = chosen[self.factors]
            if r == 0:
                raise IdentificationError(
                    f"{self.formula!r}: {self.factors} finds no factor; use FixedEffects."
                )
        else:
            r, chosen = int(self.factors), {}
        absorbed = r * (N + T - r) + (N if "entity" in self.effects else 0)
        absorbed += T - len(self.effects) + 1 if "time" in self.effects else 0
        if min(N, T) <= 2 * r or absorbed + k >= N * T:
            raise IdentificationError(
                f"{self.formula!r}: {r} factors are too many for {N} entities and {T} periods."
            )
        fit = interactive_effects(Y, X, r)
        if not fit.converged:
            warnings.warn(
                f"InteractiveFixedEffects did not converge on {self.formula!r} after "
                f"{fit.iterations} iterations; coefficients still move by {fit.change:.2g} of "
                "their standard errors. Use fewer factors, or other effects.",
                ConvergenceWarning,
                stacklevel=2,
            )
        Z = fit.Z.reshape(N * T, k)
        before = np.sqrt(np.einsum("ij,ij->j", d.X, d.X))
        keep = independent_columns(Z, before)
        if not keep.all():
            gone = [n for n, kept in zip(d.names, keep, strict=True) if not kept]
            raise IdentificationError(
                f"{self.formula!r}: factors absorb {', '.join(gone)}. Leave them out, or use fewer "
                "factors."
            )
        B, C = bias(X, fit)
        params = fit.params - B - C if self.bias_correction else fit.params
        resid = (Y - X @ params - fit.loadings @ fit.factors.T).reshape(-1)
        moments = Moments(
            X=Z, resid=fit.resid.reshape(-1), bread=np.asarray(np.linalg.inv(Z.T @ Z)),
            entity=d.entity, time=d.time, df_absorbed=absorbed, columns=d.columns,
        )  # fmt: skip
        columns = [f"factor {j + 1}" for j in range(r)]
        rss = float(np.sum(fit.resid**2))
        result = estimate(
            spec=self, cov=self.cov, design=d, moments=moments, names=d.names, params=params,
            method="Interactive fixed effects", dropped_columns={}, residual=resid,
            kind=InteractiveEstimate,
            stats={
                "factors": float(r), "sigma": float(np.sqrt(rss / moments.df_resid)), "rss": rss,
                "iterations": float(fit.iterations), "converged": float(fit.converged),
                **{f"factors_{name}": float(v) for name, v in chosen.items()},
            },
            factors=pd.DataFrame(
                fit.factors, index=d.panel.calendar.labels(np.unique(d.time)), columns=columns
            ),
            loadings=pd.DataFrame(fit.loadings, index=entity_labels(d), columns=columns),
        )  # fmt: skip
        assert isinstance(result, InteractiveEstimate)
        return result

    def _arrays(self, d: Design) -> tuple[FloatArray, FloatArray]:
        counts = np.bincount(d.entity)
        N, T = len(counts), len(np.unique(d.time))
        if counts.min() < T:
            raise PanelError(
                f"Interactive effects need a balanced sample, but {d.formula!r} leaves "
                f"{counts.min()} to {counts.max()} of {T} periods by entity. Cut a common span "
                "with panel.between() and leave out entities that do not fill it, or use "
                "CCEMeanGroup or CCEPooled."
            )
        V = np.column_stack([d.y, d.X]).reshape(N, T, -1)
        V = demeaned(V, self.effects)
        X = V[:, :, 1:]
        before = np.sqrt(np.einsum("ij,ij->j", d.X, d.X))
        keep = independent_columns(X.reshape(N * T, -1), before)
        if not keep.all() or not len(keep):
            gone = [n for n, kept in zip(d.names, keep, strict=True) if not kept]
            raise IdentificationError(
                f"{d.formula!r}: {', '.join(gone) or 'no regressor'} is collinear or absorbed by "
                f"the effects {', '.join(self.effects)}."
            )
        return np.ascontiguousarray(V[:, :, 0]), np.ascontiguousarray(X)
