"""What the covariance specifications share: groupings by name, leverage, warnings."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

import numpy as np
import pandas as pd

from migdev.errors import (
    CovarianceError,
    CovarianceWarning,
    PanelError,
    suggestion,
)
from migdev.kernels.absorb.effects_basis import EffectsBasis
from migdev.kernels.arrays.types import AnyArray, FloatArray, IntArray
from migdev.kernels.sandwich.hac import periods_of
from migdev.kernels.sandwich.moments import Moments
from migdev.kernels.sandwich.sandwich import intersection, leverage, residual_scale


def columns_in(names: Iterable[str]) -> tuple[str, ...]:
    """Panel columns in names such as ``"entity"``, ``"region"`` and ``"region^time"``."""
    parts = (part.strip() for name in names for part in name.split("^"))
    return tuple(dict.fromkeys(p for p in parts if p not in ("entity", "time")))


def column(m: Moments, name: str, why: str) -> AnyArray:
    """A column of the panel on the rows of the sample."""
    try:
        return np.asarray(m.columns[name])
    except (KeyError, PanelError):
        known = ["entity", "time", *m.factor_names, *m.columns]
        raise CovarianceError(
            f"The covariance {why} {name!r}, which is neither 'entity', 'time', an absorbed "
            f"effect nor a column of the panel.{suggestion(name, known)}"
        ) from None


def grouping(m: Moments, name: str) -> IntArray:
    """(n,) codes 0.. of the clusters named ``name``; missing values are an error."""
    name = name.strip()
    if name == "entity":
        return m.entity
    if name in m.factor_names:
        return m.factors[m.factor_names.index(name)]
    if "^" in name:
        return intersection([grouping(m, part) for part in name.split("^")])
    if name == "time":
        return periods_of(m.time)[1]
    values = column(m, name, "clusters by")
    codes = pd.factorize(values, use_na_sentinel=True)[0]
    missing = int(np.count_nonzero(codes < 0))
    if missing:
        raise CovarianceError(
            f"{missing} of {len(codes)} rows have no value in the cluster column {name!r}. Fill "
            "it, or fit again with this covariance as cov=..., which leaves such rows out and "
            "reports them."
        )
    out: IntArray = codes.astype(np.int64, copy=False)
    return out


def require_least_squares(m: Moments, kind: str) -> None:
    """Raise a CovarianceError unless ``bread`` is ``(X'X)^-1``: leverage means nothing else."""
    scale = 1.0 / np.sqrt(np.einsum("ij,ij->j", m.X, m.X))
    gram = (m.X.T @ m.X) * np.outer(scale, scale)
    unit = (m.bread / np.outer(scale, scale)) @ gram
    if not np.allclose(unit, np.eye(m.k), atol=1e-4):
        raise CovarianceError(
            f"{kind} corrects the leverage of a least-squares fit; this estimator (GMM or LIML) "
            "weights its moments otherwise. Use HC1 or CR1."
        )


def fitted_leverage(m: Moments, how: str) -> FloatArray:
    """(n,) leverage: of regressors and absorbed dummies, of the transformed regressors, or of the
    map from y to fitted values."""
    h = m.hat if how == "fitted" and m.hat is not None else leverage(m.X, m.bread)
    if how != "transformed" and m.factors:
        h = h + EffectsBasis.build(m.factors, m.weights).leverage()
    return h


def scaled_resid(m: Moments, kind: str, how: str) -> FloatArray:
    """(n,) residuals as HC0 to HC4 rescale them (HC1's factor is applied to the covariance)."""
    if kind in ("HC0", "HC1"):
        return m.resid
    require_least_squares(m, kind)
    scale, exact = residual_scale(kind, fitted_leverage(m, how))
    if exact.any():
        warnings.warn(
            f"{kind}: {int(exact.sum())} rows are fitted exactly (leverage 1); they have no "
            "residual to rescale and count as zero.",
            CovarianceWarning,
            stacklevel=4,
        )
    return m.resid * scale


def clean(m: Moments, cov: FloatArray, name: str) -> FloatArray:
    """Raise a CovarianceError where the covariance is not finite."""
    if not np.isfinite(cov).all():
        raise CovarianceError(
            f"{name}: the covariance is not finite; {m.nobs} rows, {m.k} coefficients, "
            f"{m.df_absorbed} absorbed effects leave {m.df_resid} degrees of freedom."
        )
    return cov


def warn_mended(name: str, negative: int, k: int) -> None:
    warnings.warn(
        f"{name}: the covariance was not positive semi-definite; {negative} of {k} eigenvalues "
        "were negative and are set to zero (Cameron, Gelbach and Miller 2011).",
        CovarianceWarning,
        stacklevel=4,
    )
