"""Pieces of sandwich covariances: scores by cluster, leverage, and mending of what is not a
covariance.

Where regressors are nearly collinear ``bread @ meat @ bread`` loses the square of the digits that
the influence, ``scores @ bread``, loses; it is formed only where these are few.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np

from migdev.kernels.arrays.blocked_products import gram, product
from migdev.kernels.arrays.groups import Groups
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray

#: Rows with 1 - h below this are fitted exactly; they carry no information on their error.
EXACT = 1e-10
#: Numbers in rows from which a product by row costs more than a look at the condition of the bread.
MANY = 10_000
#: Condition number of the bread, its columns scaled, up to which eleven digits are left.
COLLINEAR = 1e5


def quadratic(
    form: Callable[[FloatArray], FloatArray], rows: FloatArray, bread: FloatArray
) -> FloatArray:
    """(k, k) of a quadratic form of ``rows @ bread``, symmetric to the last bit.

    Of many rows the form is taken first, k by k numbers then move, unless that loses digits.

    Parameters
    ----------
    form : function of (n, k) to (k, k)
        With ``form(rows @ A) == A.T @ form(rows) @ A``.
    """
    if rows.size > MANY:
        size = np.sqrt(np.diagonal(bread))
        values = np.linalg.eigvalsh(bread / np.outer(size, size))
        if values[-1] < COLLINEAR * values[0]:
            return _symmetric(bread @ form(rows) @ bread)
    return _symmetric(form(product(rows, bread)))


def _symmetric(V: FloatArray) -> FloatArray:
    return np.asarray((V + V.T) / 2)


def cluster_scores(X: FloatArray, resid: FloatArray, groups: Groups) -> FloatArray:
    """(G, k) sums of the scores ``X * resid`` by cluster, one column at a time."""
    out = np.empty((groups.size, X.shape[1]))
    for j in range(X.shape[1]):
        out[:, j] = groups.sums(X[:, j] * resid)
    return out


def leverage(X: FloatArray) -> FloatArray:
    """(n,) diagonal of the matrix that projects on X, from an orthonormal basis of its columns."""
    Q = np.linalg.qr(X)[0]
    h: FloatArray = np.einsum("ij,ij->i", Q, Q)
    return h


def residual_scale(kind: str, h: FloatArray) -> tuple[FloatArray, BoolArray]:
    r"""Factor (n,) on the residuals of HC2, HC3 and HC4, and the rows that are fitted exactly.

    .. math::
        HC2:\ (1-h)^{-1/2} \qquad HC3:\ (1-h)^{-1} \qquad
        HC4:\ (1-h)^{-\delta/2},\ \delta = \min(4, nh/\mathrm{round}(\textstyle\sum h))

    Rows fitted exactly (:math:`h = 1`) get 0: their residual is 0 whatever their error was.

    References
    ----------
    MacKinnon and White (1985), Journal of Econometrics 29, 305-325. Cribari-Neto (2004),
    Computational Statistics & Data Analysis 45, 215-233.
    """
    exact = 1.0 - h < EXACT
    rest = np.where(exact, 1.0, 1.0 - h)
    if kind == "HC2":
        scale = rest**-0.5
    elif kind == "HC3":
        scale = 1.0 / rest
    else:
        delta = np.minimum(4.0, len(h) * h / max(1.0, np.round(h.sum())))
        scale = rest ** (-0.5 * delta)
    scale[exact] = 0.0
    return scale, exact


def common_variance_meat(X: FloatArray, resid: FloatArray, groups: Groups) -> FloatArray:
    """(k, k) sum over groups of their mean squared residual times ``X_g' X_g``."""
    mean_square = groups.sums(resid * resid) / groups.counts
    return gram(X, X * groups.spread(mean_square)[:, None])


def inclusion_exclusion(ways: int) -> list[tuple[tuple[int, ...], int]]:
    """Subsets of the ways with their signs: + for one, - for two, + for three."""
    return [
        (subset, 1 if size % 2 else -1)
        for size in range(1, ways + 1)
        for subset in combinations(range(ways), size)
    ]


def intersection(codes: Sequence[IntArray]) -> IntArray:
    """(n,) codes of the cells of several groupings, numbered 0.. without gaps."""
    joint = codes[0]
    for other in codes[1:]:
        width = int(other.max(initial=0)) + 1
        joint = joint * width + other
        if int(joint.max(initial=0)) > 2**40:
            joint = np.unique(joint, return_inverse=True)[1]
    if int(joint.max(initial=0)) < 16 * len(joint) + 1024:  # a table is faster than a sort
        return ((np.cumsum(np.bincount(joint) > 0) - 1)[joint]).astype(np.int64, copy=False)
    return np.unique(joint, return_inverse=True)[1].astype(np.int64, copy=False)


def mend(cov: FloatArray, scale: FloatArray) -> tuple[FloatArray, int]:
    """Nearest positive semi-definite covariance, by setting negative eigenvalues to zero in units
    of ``scale``, so that it moves with the units of the regressors.

    Parameters
    ----------
    cov : (k, k)
    scale : (k,)
        Variances: units of the covariance, and the size that tells rounding from a negative
        eigenvalue.

    Returns
    -------
    (k, k), int
        The covariance, unchanged where it is positive semi-definite, and the number of negative
        eigenvalues that were removed.

    References
    ----------
    Cameron, Gelbach and Miller (2011), Journal of Business & Economic Statistics 29, 238-249.
    """
    root = np.sqrt(np.where(scale > 0, scale, 1.0))
    units = np.outer(root, root)
    values, vectors = np.linalg.eigh(cov / units)
    negative = int(np.sum(values < -1e-10))
    if not negative:
        return cov, 0
    mended = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return (mended + mended.T) / 2 * units, negative
