"""statsmodels: distributions of unit-root tests, multiple testing, cointegration rank, filters,
binary outcomes.

Arrays in, arrays out. Names of statsmodels are imported inside the functions that call them, so
that nothing here loads it before it works.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from migdev.kernels.arrays.types import FloatArray
from migdev.notes import quiet

_NAMES = {"n": "nc", "c": "c", "ct": "ct"}


def mackinnon_pvalue(t: ArrayLike, trend: str, variables: int = 1) -> FloatArray:
    """Asymptotic p-values of Dickey-Fuller (one variable) and Engle-Granger t-statistics.

    The tables are those of ``statsmodels.tsa.adfvalues.mackinnonp``, here for whole arrays (57
    microseconds a statistic there, and all pairs of 161 countries are 12,880). Beyond the range of
    the response surface the p-value at its edge is kept, where statsmodels gives 0 or 1: it is that
    to the third digit, and combinations of p-values stay finite and monotone.

    Parameters
    ----------
    trend : {"n", "c", "ct"}
    variables : int
        Integrated variables, up to six.

    References
    ----------
    MacKinnon (1994), Journal of Business and Economic Statistics 12, 167-176.
    """
    from statsmodels.tsa import adfvalues

    low, star, high, small, large = (
        np.asarray(getattr(adfvalues, f"tau_{part}"))[variables - 1]
        for name in [_NAMES[trend]]
        for part in (
            f"min_{name}", f"star_{name}", f"max_{name}", f"{name}_smallp", f"{name}_largep"
        )
    )  # fmt: skip
    at: FloatArray = np.clip(np.asarray(t, dtype=float), low, high)
    polynomial = np.polynomial.polynomial.polyval
    return np.asarray(
        special.ndtr(np.where(at <= star, polynomial(at, small), polynomial(at, large)))
    )


def mackinnon_critical(trend: str, nobs: float = np.inf, variables: int = 1) -> dict[str, float]:
    """Critical values of the same t-statistics at 1%, 5% and 10% in a sample of ``nobs``.

    References
    ----------
    MacKinnon (2010), Queen's University Economics Department working paper 1227.
    """
    from statsmodels.tsa.adfvalues import mackinnoncrit

    values = mackinnoncrit(N=variables, regression=trend, nobs=nobs)
    return dict(zip(("1%", "5%", "10%"), map(float, values), strict=True))


def adjusted_pvalues(pvalues: ArrayLike, method: str) -> FloatArray:
    """(m,) p-values corrected for the size of their family, by a method of
    ``statsmodels.stats.multitest.multipletests``."""
    from statsmodels.stats.multitest import multipletests

    return np.asarray(multipletests(np.asarray(pvalues, dtype=float), method=method)[1])


_DETERMINISTIC = {
    "none": "n", "rconstant": "ci", "constant": "co", "rtrend": "coli", "trend": "colo",
}  # fmt: skip


def johansen_eigenvalue_statistics(
    Y: FloatArray, lags: int, trend: str, seasons: int = 0
) -> FloatArray:
    r"""(K,) largest-eigenvalue statistics :math:`-n\ln(1-\hat\lambda_{r+1})`, r = 0..K-1.

    They are twice the differences of the log likelihoods of ``VECM`` at successive ranks.
    ``coint_johansen`` holds two of the five models only, and takes trends from the levels before
    the regression (a trace of 56.999 where urca and gretl have 58.509 on the Danish money data).

    Parameters
    ----------
    Y : (T, K)
    lags : int
        Lagged differences.
    trend : {"none", "rconstant", "constant", "rtrend", "trend"}
    seasons : int
        Periods of a year whose centred dummies enter; 0 for none.
    """
    from statsmodels.tsa.vector_ar.vecm import VECM

    if trend != "none":
        Y = Y - Y.mean(axis=0)
    Y = Y / np.sqrt(np.mean(Y**2, axis=0))  # statistics do not change; conditioning does
    likelihoods = [
        VECM(
            Y, k_ar_diff=lags, coint_rank=r, deterministic=_DETERMINISTIC[trend], seasons=seasons
        ).fit().llf
        for r in range(Y.shape[1] + 1)
    ]  # fmt: skip
    return np.asarray(2 * np.diff(likelihoods))


def hodrick_prescott(Y: FloatArray, smoothing: float) -> FloatArray:
    """(g, T) trends of series of one length."""
    from statsmodels.tsa.filters.hp_filter import hpfilter

    return np.stack([hpfilter(y, smoothing)[1] for y in Y])


def baxter_king(Y: FloatArray, low: float, high: float, truncation: int) -> FloatArray:
    """(g, T) series less their cycles; missing in the first and last ``truncation`` periods."""
    from statsmodels.tsa.filters.bk_filter import bkfilter

    trend = np.full_like(Y, np.nan)
    inner = slice(truncation, Y.shape[1] - truncation)
    trend[:, inner] = Y[:, inner] - bkfilter(Y.T, low, high, truncation).T
    return trend


def christiano_fitzgerald(Y: FloatArray, low: float, high: float, drift: bool) -> FloatArray:
    """(g, T) series less their cycles."""
    from statsmodels.tsa.filters.cf_filter import cffilter

    cycles: FloatArray = np.asarray(cffilter(Y.T, low, high, drift)[0]).reshape(Y.shape[::-1]).T
    return Y - cycles


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BinaryFit:
    """Maximum of the likelihood of a binary outcome given a linear index.

    Attributes
    ----------
    params : (k,)
    index, mean : (n,)
        Linear index and fitted probability.
    score, curvature : (n,)
        Derivative of each row's log likelihood by its index, and minus the second derivative
        (observed or expected).
    converged : bool
    """

    params: FloatArray
    index: FloatArray
    mean: FloatArray
    score: FloatArray
    curvature: FloatArray
    converged: bool


def rising(
    likelihood: Callable[[FloatArray], float],
    derivatives: Callable[[FloatArray], tuple[FloatArray, FloatArray]],
    Z: FloatArray,
) -> tuple[FloatArray, bool]:
    """(k,) maximum of a concave likelihood of Z b from b = 0, and whether it was reached in 100
    steps; ``derivatives`` gives score and curvature by row, (n,)."""
    params, value = np.zeros(Z.shape[1]), likelihood(np.zeros(Z.shape[1]))
    for _ in range(100):
        score, curvature = derivatives(params)
        slope = Z.T @ score
        step = np.linalg.lstsq((Z.T * curvature) @ Z, slope, rcond=None)[0]
        if slope @ step <= 1e-12 * (1 + abs(value)):
            return params, True
        size = 1.0
        while not (better := likelihood(params + size * step)) > value:
            size /= 2
            if size < 1e-8:
                return params, False
        params, value = params + size * step, better
    return params, False


def binary_response(
    y: FloatArray, X: FloatArray, link: str, weights: FloatArray | None, observed: bool
) -> BinaryFit:
    """Iterated least squares of ``GLM`` with the binomial family; where they do not converge (R's
    do not either), Newton's steps, halved until the likelihood rises, which is concave.

    Parameters
    ----------
    link : {"logit", "probit", "cloglog"}
    weights : (n,), optional
        Multiply the log likelihood of each row.
    observed : bool
        Curvature of the sample at hand, or its expectation.
    """
    from statsmodels.genmod.families import Binomial, links
    from statsmodels.genmod.generalized_linear_model import GLM

    kind = {"logit": links.Logit, "probit": links.Probit, "cloglog": links.CLogLog}[link]
    size = np.sqrt(np.mean(X**2, axis=0))
    Z = X / size
    model = GLM(y, Z, family=Binomial(kind()), var_weights=weights)

    def derivatives(params: FloatArray, observed: bool) -> tuple[FloatArray, FloatArray]:
        score = model.score_factor(params, scale=1.0)
        curvature = model.hessian_factor(params, scale=1.0, observed=observed)
        flat = ~np.isfinite(curvature)  # a probability that is 0 or 1 to the last digit
        return np.where(flat, 0.0, score), np.where(flat, 0.0, curvature)

    with quiet():  # of separation, which the caller tells with names
        fit = model.fit(atol=0.0, rtol=1e-10, maxiter=100)
        params, converged = np.asarray(fit.params), bool(fit.converged)
        if not converged:
            params, converged = rising(
                lambda b: float(model.loglike(b, scale=1.0)), lambda b: derivatives(b, True), Z,
            )  # fmt: skip
        # Steps on expected curvature leave eight digits, Newton's all; in a logit they are one.
        for _ in range(0 if link == "logit" else 2):
            score, curvature = derivatives(params, True)
            step = np.linalg.lstsq((Z.T * curvature) @ Z, Z.T @ score, rcond=None)[0]
            params = params + step
        score, curvature = derivatives(params, observed)
        mean = model.predict(params)
    return BinaryFit(
        params=params / size, index=Z @ params, mean=mean, score=score, curvature=curvature,
        converged=converged,
    )  # fmt: skip
