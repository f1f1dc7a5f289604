"""Small-sample conventions of covariance estimators: whose factor, whose degrees of freedom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from migdev.kernels.absorb.absorber import dummy_rank
from migdev.kernels.arrays.types import IntArray
from migdev.kernels.sandwich.moments import Moments
from migdev.protocols import Scores

Convention = Literal["stata", "fixest", "plm", "linearmodels", "sandwich", "clubsandwich", "none"]


@dataclass(frozen=True, slots=True)
class Correction:
    """A factor on the covariance, and the degrees of freedom of t (None: normal)."""

    factor: float
    df: float | None


def nested(factor: IntArray, cluster: IntArray) -> bool:
    """Every level of ``factor`` lies within one cluster."""
    if factor is cluster:
        return True
    levels = int(factor.max(initial=-1)) + 1
    if levels < int(cluster.max(initial=-1)) + 1:
        return False  # fewer levels than clusters: some level spans two
    home = np.zeros(levels, dtype=cluster.dtype)
    home[factor] = cluster
    return bool((home[factor] == cluster).all())


def parameters(m: Moments, convention: str, clusters: Sequence[IntArray] = ()) -> int:
    r"""K, the number of parameters in :math:`n - K`.

    ==============================  ========================================================
    stata (reghdfe, xtreg)          rank of all regressors and absorbed dummies; factors nested
                                    in a cluster count as one constant together
    fixest                          as stata, but levels are counted without their exact rank:
                                    :math:`\sum_f L_f - (F - 1)`, one for each nested factor
    plm                             the reported coefficients only
    linearmodels                    full rank; the constant alone for one factor, nested in every
                                    cluster
    sandwich, clubsandwich          full rank (they see the dummies as regressors)
    ==============================  ========================================================

    Where the model states the variance of its errors (binary outcomes) "stata" counts one, as
    Stata does after maximum likelihood.
    """
    if m.dispersion is not None and convention == "stata":
        return 1
    if convention == "plm" or not m.factors:
        return m.k if convention == "plm" else m.df_model
    if convention in ("sandwich", "clubsandwich") or not clusters:
        nested_in = [False] * len(m.factors)
    elif convention == "linearmodels":
        nested_in = [len(m.factors) == 1 and all(nested(f, c) for c in clusters) for f in m.factors]
    else:
        nested_in = [any(nested(f, c) for c in clusters) for f in m.factors]
    if convention == "fixest":
        levels = [int(np.count_nonzero(np.bincount(f))) for f in m.factors]
        lost = sum(n - 1 for n, inside in zip(levels, nested_in, strict=True) if inside)
        return m.k + sum(levels) - (len(levels) - 1) - lost
    if not any(nested_in):
        return m.df_model
    if all(nested_in):
        return m.k + 1
    gone = dummy_rank([f for f, inside in zip(m.factors, nested_in, strict=True) if inside])
    return m.df_model - gone.value + 1


def counted(m: Scores, convention: str, clusters: Sequence[IntArray] = ()) -> tuple[int, int]:
    """n and K of :math:`n - K`: rows and parameters; of unit scores the units and one, as for a
    mean of units."""
    if isinstance(m, Moments):
        return m.nobs, parameters(m, convention, clusters)
    return len(m.entity), 1


def _left(m: Scores) -> float | None:
    """Degrees of freedom left by all parameters and effects; of unit scores the units less one."""
    return _reference(m, m.df_resid if isinstance(m, Moments) else len(m.entity) - 1)


def _reference(m: Scores, df: float) -> float | None:
    """Degrees of freedom of t; None (the normal) where the model states the variance of errors."""
    return None if isinstance(m, Moments) and m.dispersion is not None else float(df)


def classical(m: Moments, convention: str) -> Correction:
    """Factor on RSS/n, and t, of the classical covariance."""
    if convention == "none" or m.dispersion is not None:
        return Correction(1.0, None)
    K = parameters(m, "fixest") if convention == "fixest" else m.df_model
    return Correction(m.nobs / (m.nobs - K), float(m.nobs - K))


def rowwise(m: Moments, convention: str, kind: str) -> Correction:
    """Factor and t of HC0 to HC4."""
    if convention == "none":
        return Correction(1.0, None)
    K = parameters(m, convention)
    factor = m.nobs / (m.nobs - K) if kind == "HC1" else 1.0
    return Correction(factor, _reference(m, m.nobs - (K if convention == "fixest" else m.df_model)))


def clustered(
    m: Scores, convention: str, kind: str, clusters: Sequence[IntArray], sizes: Sequence[int]
) -> tuple[list[float], float | None]:
    """Factors by number of clusters for every component of a multi-way covariance, and t.

    Parameters
    ----------
    clusters : codes of the ways
    sizes : number of clusters of each component, the ways first
    """
    smallest = min(sizes[: len(clusters)])
    df = None if convention == "none" else _left(m)
    if convention in ("stata", "fixest"):
        df = _reference(m, smallest - 1)
    if convention == "none" or kind in ("CR0", "HC0", "HC2", "HC3", "HC4", "CR2", "CR3"):
        return [1.0] * len(sizes), df
    if kind == "CV3":
        return [(g - 1) / g for g in sizes], df
    if kind == "CR1" and convention == "clubsandwich":
        return [g / (g - 1) for g in sizes], df
    n, K = counted(m, convention, clusters)
    if kind == "HC1" or convention == "linearmodels":
        return [n / (n - K)] * len(sizes), df
    share = (n - 1) / (n - K)
    if convention in ("stata", "fixest"):
        if convention == "stata":
            df = _reference(m, min(smallest - 1, n - K))
        return [smallest / (smallest - 1) * share] * len(sizes), df
    return [g / (g - 1) * share for g in sizes], df


def driscoll_kraay(m: Scores, convention: str, periods: int) -> Correction:
    """Factor and t of sums by period."""
    if convention == "none":
        return Correction(1.0, None)
    n, K = counted(m, convention)
    if convention in ("stata", "fixest"):
        factor = periods / (periods - 1) * (n - 1) / (n - K)
        return Correction(factor, _reference(m, periods - 1))
    if convention == "plm":
        return Correction(1.0, _left(m))
    return Correction(n / (n - K), _left(m))


def newey_west(m: Moments, convention: str, periods: int) -> Correction:
    """Factor and t of lags within entities."""
    n = m.nobs
    if convention == "none":
        return Correction(1.0, None)
    K = parameters(m, convention)
    if convention == "fixest":
        factor = periods / (periods - 1) * (n - 1) / (n - K)
        return Correction(factor, _reference(m, periods - 1))
    return Correction(1.0 if convention == "plm" else n / (n - K), _left(m))


def beck_katz(m: Moments, convention: str, kind: str) -> Correction:
    """Factor and t of panel-corrected standard errors."""
    if convention == "none":
        return Correction(1.0, None)
    factor = m.nobs / (m.nobs - parameters(m, convention)) if kind == "HC1" else 1.0
    return Correction(factor, None if convention in ("stata", "fixest") else _left(m))


def conley(m: Scores, convention: str) -> Correction:
    """Factor and t of spatial covariances."""
    if convention in ("none", "stata"):
        return Correction(1.0, None)
    if convention == "plm":
        return Correction(1.0, _left(m))
    n, K = counted(m, convention)
    if convention == "fixest":
        return Correction((n - 1) / (n - K), _reference(m, n - K))
    return Correction(n / (n - K), _left(m))
