"""Estimates of a long-run relation and the speed of return to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from migdev.errors import ResultError, listing, suggestion
from migdev.kernels.arrays.types import FloatArray
from migdev.options import check_choice, renamed
from migdev.results.heterogeneous import HeterogeneousEstimate, Intervals
from migdev.results.inference import Combination
from migdev.results.statistic import TestStatistic, chi2_test

SPEED = "EC"

Rescale = Literal["none", "sigmamore", "xtpmg"]


@dataclass(frozen=True, kw_only=True, eq=False)
class ErrorCorrectionEstimate(HeterogeneousEstimate):
    """Long-run coefficients, the error-correction speed ``EC`` and short-run coefficients.

    Attributes
    ----------
    long_run : tuple of str
        Names of the long-run coefficients among :attr:`params`.
    """

    long_run: tuple[str, ...] = ()

    @property
    def speed(self) -> Combination:
        """The (average) error-correction speed."""
        return self.lincom(SPEED)

    def _regressions(self) -> tuple[FloatArray, FloatArray]:
        """Coefficients of (lagged level, x, short run) behind the slopes, and their breads."""
        own, bread = super()._regressions()
        k = len(self.long_run)
        theta, phi = own[:, :k], own[:, k]
        A = np.zeros_like(bread)
        A[:, 0, k] = 1.0
        A[:, 1 : 1 + k, k] = -theta
        A[:, 1 + np.arange(k), np.arange(k)] = -phi[:, None]
        rest = np.arange(1 + k, own.shape[1])
        A[:, rest, rest] = 1.0
        raw = np.column_stack([phi, -phi[:, None] * theta, own[:, 1 + k :]])
        return raw, A @ bread @ np.swapaxes(A, 1, 2)

    def _from_regressions(self, own: FloatArray) -> FloatArray:
        k = len(self.long_run)
        phi = own[..., :1]
        theta = -own[..., 1 : 1 + k] / phi
        return np.concatenate([theta, phi, own[..., 1 + k :]], axis=-1)

    @renamed(replications="draws")
    def multipliers(
        self,
        *variables: str,
        method: Intervals = "delta",
        level: float = 0.95,
        draws: int = 999,
        seed: int = 0,
    ) -> pd.DataFrame:
        """Long-run coefficients in the form of
        :meth:`migdev.results.heterogeneous.HeterogeneousEstimate.multipliers`."""
        wanted = list(variables or self.long_run)
        for name in wanted:
            if name not in self.long_run:
                raise ResultError(
                    f"{name!r} is not a long-run coefficient.{suggestion(name, self.long_run)} "
                    f"These are {listing(self.long_run)}."
                )
        table = self.tidy(level).set_index("term").loc[wanted].rename_axis("variable")
        table = table.rename(columns={"conf_low": "lower", "conf_high": "upper"})
        if method != "delta":
            self._tail(level, method, True, Intervals)
            drawn = self.bootstrap(wanted, method=method, level=level, draws=draws, seed=seed)
            table["lower"], table["upper"] = drawn["lower"], drawn["upper"]
        return table[["estimate", "std_error", "statistic", "p_value", "lower", "upper"]]

    def half_life(self) -> Combination:
        r"""Periods until half of a gap to the long run is closed, at the average speed:
        :math:`\ln 0.5/\ln(1 + \hat\phi)`, by the delta method.

        Raises
        ------
        ResultError
            The speed is not in (-1, 0): nothing is closed, or everything within a period.
        """
        phi = float(self.params[SPEED])
        if not -1 < phi < 0:
            raise ResultError(
                f"A half-life needs a speed between -1 and 0, but {SPEED} = {phi:.4g}."
            )
        return self.delta(f"log(0.5) / log(1 + {SPEED})", name="half-life")

    def half_lives(self) -> pd.Series:
        """Half-life by entity at its own speed; missing where the speed is not in (-2, 0)."""
        frame = self.by_entity(SPEED).set_index("entity")["estimate"]
        inside = frame.where((frame > -2) & (frame < 0))
        with np.errstate(divide="ignore", invalid="ignore"):
            lives: pd.Series = np.log(0.5) / np.log(np.abs(1 + inside))
        return lives.rename("half_life")

    def hausman(
        self, efficient: ErrorCorrectionEstimate, rescale: Rescale = "none"
    ) -> TestStatistic:
        r"""Test of common long-run coefficients: this (consistent) estimate against one that
        pools them.

        .. math:: H = (\hat\theta_{MG}-\hat\theta_P)'(\hat V_{MG}-\hat V_P)^{-1}
                      (\hat\theta_{MG}-\hat\theta_P) \sim \chi^2(k)

        Parameters
        ----------
        efficient : ErrorCorrectionEstimate
            The pooled estimate, on the same sample.
        rescale : {"none", "sigmamore", "xtpmg"}
            Multiply this estimate's covariance by the ratio of residual variances,
            :math:`\hat\sigma_P^2/\hat\sigma_{MG}^2`, as Stata's ``sigmamore`` does; or by its
            square, which is what ``hausman mg pmg, sigmamore`` prints, because xtpmg hands over
            the variance where a standard deviation is expected.

        Raises
        ------
        ResultError
            The difference of covariances is not positive definite, so the test is not defined.

        References
        ----------
        Hausman (1978), Econometrica 46, 1251-1271. Pesaran, Smith and Im (1996), in Matyas and
        Sevestre (eds.), The Econometrics of Panel Data, 2nd ed., 145-195.
        """
        names = list(self.long_run)
        if tuple(efficient.long_run) != self.long_run:
            raise ResultError(
                f"The long-run coefficients differ: {names} and {list(efficient.long_run)}."
            )
        check_choice("rescale", rescale, Rescale, ResultError)
        if self.nobs != efficient.nobs:
            raise ResultError(f"The samples differ: {self.nobs} and {efficient.nobs} observations.")
        ratio = efficient.stats["rss"] / self.stats["rss"]
        factor = {"none": 1.0, "sigmamore": ratio, "xtpmg": ratio**2}[rescale]
        gap = (self.params[names] - efficient.params[names]).to_numpy()
        V = (factor * self.cov.loc[names, names] - efficient.cov.loc[names, names]).to_numpy()
        if np.linalg.eigvalsh(V)[0] <= 0:
            raise ResultError(
                f"The covariance of {self.method} less that of {efficient.method} is not positive "
                "definite, so Hausman's statistic is not defined on this sample."
            )
        return chi2_test(
            "Hausman", f"{efficient.method} is consistent: the long run is common",
            float(gap @ np.linalg.solve(V, gap)), len(names),
            alternative=f"only {self.method} is consistent",
            note="" if rescale == "none" else f"covariances on one residual variance ({rescale})",
        )  # fmt: skip
