"""What the covariance specifications share: groupings by name, leverage, warnings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from migdev.errors import (
    CovarianceError,
    CovarianceWarning,
    PanelError,
    suggestion,
)
from migdev.kernels.absorb.effects_basis import EffectsBasis
from migdev.kernels.arrays.blocked_products import dot
from migdev.kernels.arrays.groups import Groups
from migdev.kernels.arrays.types import AnyArray, FloatArray, IntArray
from migdev.kernels.sandwich.hac import periods_of
from migdev.kernels.sandwich.moments import Moments, refuse_shadowed
from migdev.kernels.sandwich.sandwich import intersection, leverage, mend, residual_scale
from migdev.notes import warn
from migdev.protocols import Scores


def columns_in(names: Iterable[str]) -> tuple[str, ...]:
    """Panel columns in names such as ``"entity"``, ``"region"`` and ``"region^time"``."""
    parts = (part.strip() for name in names for part in name.split("^"))
    return tuple(dict.fromkeys(p for p in parts if p not in ("entity", "time")))


def rows_of(m: Scores, name: str) -> Moments:
    """The rows of a linear fit; a CovarianceError where a fit keeps the influence of units only."""
    if isinstance(m, Moments):
        return m
    raise CovarianceError(
        f"{name} works on the rows of a linear fit: regressors, residuals, leverage. This fit "
        f"keeps what each of {len(m.entity):,} units adds to its {m.k} coefficients. Use "
        "Clustered('entity') with kind='CR1', or a coarser grouping of the units."
    )


def periods(m: Scores, name: str) -> tuple[IntArray, IntArray]:
    """(T,) periods that occur and (n,) codes of them; an error where units span periods."""
    if m.time is None:
        raise CovarianceError(
            f"{name} goes by period, but the units of this fit ({len(m.entity):,} influences, by "
            "entity) span all periods. Use Clustered('entity'), or a coarser grouping of entities."
        )
    return periods_of(m.time)


def column(m: Scores, name: str, why: str) -> AnyArray:
    """A column of the panel on the rows of the sample."""
    try:
        return np.asarray(m.columns[name])
    except (KeyError, PanelError):
        known = ["entity", "time", *_factors(m), *m.columns]
        raise CovarianceError(
            f"The covariance {why} {name!r}, which is neither 'entity', 'time', an absorbed "
            f"effect nor a column of the panel.{suggestion(name, known)}"
        ) from None


def _factors(m: Scores) -> tuple[str, ...]:
    return m.factor_names if isinstance(m, Moments) else ()


def grouping(m: Scores, name: str) -> IntArray:
    """(n,) codes 0.. of the clusters named ``name``; missing values are an error."""
    name = name.strip()
    refuse_shadowed(name, m.columns)
    if name == "entity":
        return m.entity
    if name in _factors(m):
        return m.groups(name)
    if "^" in name:
        return intersection([grouping(m, part) for part in name.split("^")])
    if name == "time":
        return periods(m, "A grouping by 'time'")[1]
    values = column(m, name, "clusters by")
    codes = pd.factorize(values, use_na_sentinel=True)[0]
    missing = int(np.count_nonzero(codes < 0))
    if missing:
        raise CovarianceError(
            f"{missing} of {len(codes)} rows have no value in the cluster column {name!r}. Fill "
            "it, or fit again with this covariance as cov=..., which leaves such rows out and "
            "reports them."
        )
    return codes.astype(np.int64, copy=False)


def require_least_squares(m: Moments, kind: str) -> None:
    """Raise a CovarianceError unless ``bread`` is ``(X'X)^-1``: leverage means nothing else."""
    scale = 1.0 / np.sqrt(np.einsum("ij,ij->j", m.X, m.X))
    gram = (m.X.T @ m.X) * np.outer(scale, scale)
    gap = np.abs((m.bread / np.outer(scale, scale)) @ gram - np.eye(m.k)).max()
    if gap <= 1e-4:
        return
    # what is rounding in a least-squares fit whose regressors are nearly collinear
    noise = 0.0 if m.homoskedastic is not None else 1e-14 * float(np.linalg.cond(gram))
    if not gap <= 1e-4 + noise:
        raise CovarianceError(
            f"{kind} corrects the leverage of a least-squares fit; this estimator (GMM or LIML) "
            "weights its moments otherwise. Use HC1 or CR1."
        )


def refuse_unknown_weights(m: Moments, kind: str) -> None:
    """Raise a CovarianceError where absorbed dummies are not orthogonal to the regressors: these
    were multiplied by roots of weights that the moments do not hold."""
    root = None if m.weights is None else np.sqrt(m.weights)
    X = m.X if root is None else m.X * root[:, None]
    size = np.sqrt(np.einsum("ij,ij->j", X, X))
    for name, codes in zip(m.factor_names, m.factors, strict=True):
        groups = Groups.from_codes(codes)
        left = np.abs(groups.sums(X)) / np.sqrt(groups.weighted(m.weights))[:, None]
        if (left > 1e-4 * size).any():
            held = "no weights" if m.weights is None else "other weights"
            raise CovarianceError(
                f"{kind} corrects leverage, that of the absorbed effect {name!r} included, but the "
                "regressors of this fit do not sum to zero within its levels: they were multiplied "
                f"by the square root of weights, and its moments hold {held}. Pass "
                "Moments(weights=...), the working weights of an iterated fit; or use HC1 or CR1."
            )


def fitted_leverage(m: Moments, how: str) -> FloatArray:
    """(n,) leverage: of regressors and absorbed dummies, of the transformed regressors, or of the
    map from y to fitted values."""
    h = m.hat if how == "fitted" and m.hat is not None else leverage(m.X)
    if how != "transformed" and m.factors:
        refuse_unknown_weights(m, "The covariance")
        h = h + EffectsBasis.build(m.factors, m.weights).leverage()
    return h


def rescaled(m: Moments, kind: str, how: str) -> Moments:
    """Residuals as HC0 to HC4 rescale them (HC1's factor is applied to the covariance)."""
    if kind in ("HC0", "HC1"):
        return m
    require_least_squares(m, kind)
    scale, exact = residual_scale(kind, fitted_leverage(m, how))
    if exact.any():
        warn(
            f"{kind}: {int(exact.sum())} rows are fitted exactly (leverage 1); they have no "
            "residual to rescale and count as zero.",
            CovarianceWarning,
            stacklevel=4,
        )
    return replace(m, resid=m.resid * scale)


def mended(m: Scores, cov: FloatArray, factor: float, spec: object) -> FloatArray:
    """``factor * cov``, its negative eigenvalues set to zero where it is not positive semi-definite
    (a truncated kernel, a gap)."""
    cov = factor * cov
    size = np.sqrt(np.abs(np.diagonal(cov)))
    if not ((size > 0).all() and np.linalg.eigvalsh(cov / np.outer(size, size))[0] > -1e-12):
        psi = m.influence()
        own = factor * np.einsum("ij,ij->j", psi, psi)
        cov, negative = mend(cov, np.maximum(own, size**2))
        if negative:
            warn_mended(repr(spec), negative, m.k)
    return clean(m, cov, type(spec).__name__)


def clean(m: Scores, cov: FloatArray, name: str) -> FloatArray:
    """Raise a CovarianceError where the covariance is not finite, or zero but for rounding where
    the residuals are not: two clusters under effects that both share mirror one another."""
    if not np.isfinite(cov).all():
        raise CovarianceError(
            f"{name}: the covariance is not finite; {m.nobs} rows and {m.k} coefficients leave "
            f"{m.df_resid:g} degrees of freedom."
        )
    if isinstance(m, Moments):
        bread = m.bread if m.homoskedastic is None else m.homoskedastic
        own = np.diagonal(bread) * (dot(m.resid, m.resid) / m.nobs)
        lost = int(np.count_nonzero(np.abs(np.diagonal(cov)) < 1e-20 * own))
        if lost:
            raise CovarianceError(
                f"{name}: for {lost} of {m.k} coefficients the scores of every group sum to zero, "
                "so that groups tell nothing of their variance (two clusters under effects of what "
                "both share, a coefficient for each cluster, a constant dependent variable). Use "
                "more groups, a finer grouping, or Robust()."
            )
    return cov


def warn_mended(name: str, negative: int, k: int) -> None:
    warn(
        f"{name}: the covariance was not positive semi-definite; {negative} of {k} eigenvalues "
        "were negative and are set to zero (Cameron, Gelbach and Miller 2011).",
        CovarianceWarning,
        stacklevel=4,
    )
