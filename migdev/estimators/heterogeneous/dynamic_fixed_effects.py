"""Dynamic fixed effects: one error-correction equation for all entities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, replace

import numpy as np

from migdev.covariance import CovarianceOption, Unadjusted
from migdev.errors import IdentificationError
from migdev.estimators.assembly import Equation, finish, solve
from migdev.estimators.heterogeneous.error_correction import (
    ErrorCorrection,
    check_lags,
    error_correction,
    flag_speeds,
)
from migdev.estimators.specification import of_panel, settle
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.heterogeneous.entity_draws import drawn, random_signs, weighted_draws
from migdev.kernels.heterogeneous.slopes import entity_gram, period_means
from migdev.kernels.sandwich.moments import Moments
from migdev.options import held
from migdev.protocols import Data
from migdev.results.error_correction import SPEED, ErrorCorrectionEstimate
from migdev.results.facts import Facts


@dataclass(frozen=True, slots=True)
class DynamicFixedEffects:
    r"""The error-correction form with common slopes and entity effects.

    .. math::
        \Delta y_{it} = \phi(y_{i,t-1} - x_{it}'\theta)
            + \textstyle\sum_{j=1}^{p-1}\lambda_j\Delta y_{i,t-j}
            + \sum_{j=0}^{q-1}\Delta x_{i,t-j}'\delta_j + \mu_i + \varepsilon_{it} \quad (1)

    by within OLS; :math:`\hat\theta = -\hat\beta_x/\hat\phi` with delta-method errors. The lagged
    level makes it inconsistent for small T, and differing slopes for any T (Pesaran and Smith
    1995); compare with :class:`~migdev.PooledMeanGroup`.

    Parameters
    ----------
    formula, trend
        As in ``ErrorCorrectionMeanGroup``; the trend is common.
    lags : int or tuple of int
    cov : Covariance
        Of the regression behind; default :class:`~migdev.Unadjusted`.

    References
    ----------
    Blackburne and Frank (2007), Stata Journal 7, 197-208.
    """

    formula: str
    _: KW_ONLY
    lags: int | tuple[int, ...] = 1
    trend: bool = False
    cov: CovarianceOption = held(Unadjusted())

    def __post_init__(self) -> None:
        settle(self)
        object.__setattr__(self, "lags", check_lags(self.lags, 1, chosen=False))

    @of_panel
    def fit(self, panel: Data) -> ErrorCorrectionEstimate:
        form, moments, b, dropped, names = self._regression(panel)
        d, k = form.design, len(form.long_run)
        params = _long_run(b, k)
        flag_speeds(b[:1], lambda: ["all"], self.formula)
        # (theta, phi, short run) as functions of (phi, beta_x, short run): score and bread move
        # along, so any covariance of the regression becomes the delta method's.
        A = np.zeros((len(b), len(b)))
        A[:k, 0], A[:k, 1 : 1 + k], A[k, 0] = -params[:k] / b[0], -np.eye(k) / b[0], 1.0
        A[1 + k :, 1 + k :] = np.eye(len(b) - 1 - k)
        moments = replace(
            moments,
            X=np.asarray(np.linalg.solve(A.T, moments.X.T).T),
            bread=A @ moments.bread @ A.T,
        )
        rss = float(moments.resid @ moments.resid)
        return finish(
            ErrorCorrectionEstimate, spec=self, design=d, scores=moments, cov=self.cov,
            names=(*form.long_run, SPEED, *names[1 + k :]), params=params,
            method="Dynamic fixed effects", residual=moments.resid, long_run=form.long_run,
            stats={"sigma": float(np.sqrt(rss / moments.df_resid)), "rss": rss},
            dropped_columns=dropped,
            stated=Facts(
                link="identity", linear=False, principle="least squares", absorbed=("entity",)
            ),
        )  # fmt: skip

    def bootstrap(self, panel: Data, params: FloatArray, draws: int, seed: int) -> FloatArray:
        """(B, k) estimates on samples of entities drawn with replacement; see
        :meth:`migdev.results.heterogeneous.HeterogeneousEstimate.bootstrap`."""
        form, moments, b, _, _ = self._regression(panel)
        X, y = moments.X, moments.X @ b + moments.resid
        sums = entity_gram(X, y[:, None], moments.entity)[:, :, 0]
        who = drawn(len(sums), draws, seed)
        found = weighted_draws(sums, entity_gram(X, X, moments.entity), who)
        return _long_run(found, len(form.long_run))

    def wild(self, panel: Data, params: FloatArray, draws: int, seed: int) -> FloatArray:
        """(B, k) estimates after the residuals of every period take a common random sign."""
        form, moments, b, _, _ = self._regression(panel)
        influence = moments.influence("time") * np.sqrt(moments.nobs / moments.df_resid)
        signs = random_signs(len(influence), draws, seed)
        return _long_run(b + signs @ influence, len(form.long_run))

    def _regression(
        self, panel: Data
    ) -> tuple[ErrorCorrection, Moments, FloatArray, Mapping[str, str], tuple[str, ...]]:
        """The within regression behind (1): its form, moments, coefficients (lagged level first),
        columns left out, and names."""
        form = error_correction(self.formula, panel, self.lags, 1, self.trend,
                                "DynamicFixedEffects", self.cov.requires())  # fmt: skip
        d, k = form.design, len(form.long_run)
        W = form.W[:, [name != "Intercept" for name in form.short_run]]
        short = tuple(name for name in form.short_run if name != "Intercept")
        stacked = np.column_stack([d.y, form.lagged, form.x, W])
        norms = np.sqrt(np.einsum("ij,ij->j", stacked[:, 1:], stacked[:, 1:]))
        stacked -= period_means(stacked, d.entity)
        effects = int(d.entity.max()) + 1
        moments, b, dropped, names = solve(
            Equation(
                y=stacked[:, 0], X=stacked[:, 1:], names=("lagged level", *form.long_run, *short),
                norms=norms, factors=(d.entity,), factor_names=("entity",), df_absorbed=effects,
                why_absorbed="constant within every entity",
            ), d,
        )  # fmt: skip
        if names[: 1 + k] != ("lagged level", *form.long_run):
            raise IdentificationError(
                f"{self.formula!r}: the long run is not identified: {', '.join(dropped)} collinear "
                "or constant within entities. Leave them out of the formula."
            )
        return form, moments, b, dropped, names


def _long_run(b: FloatArray, k: int) -> FloatArray:
    """(theta, phi, short run) from (phi, beta_x, short run) along the last axis."""
    phi = b[..., :1]
    return np.concatenate([-b[..., 1 : 1 + k] / phi, phi, b[..., 1 + k :]], axis=-1)
