r"""Bias-reduced and jackknife cluster covariances (CR2, CR3) with Satterthwaite degrees of freedom.

Written for least squares with an orthonormal basis :math:`Z` (n, q) of everything that was fitted:
:math:`H = ZZ'`. Dummies that lie within clusters may be left out of :math:`Z`: they are orthogonal
to the rest and only add null directions to :math:`(I-H)_{gg}`, which the pseudo-inverse skips
(Pustejovsky and Tipton 2018, theorem 2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from migdev.kernels.groups import Groups
from migdev.kernels.types import FloatArray, IntArray

#: Eigenvalues of (I - H)_gg below this are null directions.
NULL = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClubMoments:
    r"""What CR covariances and their reference distributions need, by cluster.

    With :math:`p_g = A_g \tilde X_g B c` for a contrast c, the variance estimate is a quadratic
    form with the matrix :math:`P_{gh} = p_g'\{(I-H)\Theta(I-H)'\}_{gh}p_h`, kept as

    .. math:: P_{gh} = \mathbf 1(g=h)\,c'D_gc - (c'Y_g)\,J\,(Y_h'c) \quad (1)

    Attributes
    ----------
    influence : (G, k)
        :math:`B X_g' A_g \hat u_g`; their cross product is the covariance.
    D : (G, k, k)
    Y : (G, k, d)
    J : (d, d), optional
        Identity where None.
    """

    influence: FloatArray
    D: FloatArray
    Y: FloatArray
    J: FloatArray | None = None


def club_moments(
    Z: FloatArray,
    loading: FloatArray,
    resid: FloatArray,
    groups: Groups,
    kind: str,
    weights: FloatArray | None = None,
) -> ClubMoments:
    r"""Adjusted scores of every cluster, batched over clusters of equal size.

    .. math::
        CR2:\ A_g = (I-H)_{gg}^{+1/2} \qquad CR3:\ A_g = (I-H)_{gg}^{+} \quad (2)

    Parameters
    ----------
    Z : (n, q)
        Orthonormal basis of the fitted space, in data multiplied by the square root of the
        weights.
    loading : (q, k)
        ``X @ bread = Z @ loading``.
    resid : (n,)
        Multiplied by the square root of the weights.
    groups : Groups
    kind : {"CR0", "CR1", "CR2", "CR3", "CV3"}
    weights : (n,), optional
        Given where the working model is independent errors of equal variance although the fit is
        weighted: CR2 then solves :math:`A_g\{(I-H)(I-H)'\}_{gg}A_g' = I` in the data before
        weights. None: errors have variances 1/w, equal after weighting.

    References
    ----------
    Bell and McCaffrey (2002), Survey Methodology 28(2), 169-181. Pustejovsky and Tipton (2018),
    Journal of Business & Economic Statistics 36, 672-683.
    """
    q, k = Z.shape[1], loading.shape[1]
    size = groups.size
    influence = np.empty((size, k))
    D = np.empty((size, k, k))
    J = C = None
    if weights is not None:
        C = (Z * weights[:, None]).T @ Z
        J = np.block([[-C, np.eye(q)], [np.eye(q), np.zeros((q, q))]])
    Y = np.empty((size, k, q if J is None else 2 * q))
    for members, rows in batches(groups):
        Zb, u = Z[rows], resid[rows]  # (b, m, q), (b, m)
        if weights is None or C is None:
            p = _adjusted(Zb, loading, kind)
            influence[members] = np.einsum("bmk,bm->bk", p, u)
            Y[members] = np.swapaxes(p, 1, 2) @ Zb
        else:
            root = np.sqrt(weights[rows])
            U = Zb / root[:, :, None]
            if kind == "CR2":
                p = _independence(U, root, C, loading)
            else:
                p = root[:, :, None] * _adjusted(Zb, loading, kind)
            influence[members] = np.einsum("bmk,bm->bk", p, u / root)
            pt = np.swapaxes(p, 1, 2)
            Y[members] = np.concatenate([pt @ U, pt @ (U * root[:, :, None] ** 2)], axis=2)
        D[members] = np.swapaxes(p, 1, 2) @ p
    return ClubMoments(influence=influence, D=D, Y=Y, J=J)


def batches(groups: Groups, most: int = 4_000_000) -> Iterator[tuple[IntArray, IntArray]]:
    """Clusters of equal size together: members (b,) and their rows (b, m).

    A batch holds at most ``most`` elements of (m, m) blocks.
    """
    order = np.argsort(groups.codes, kind="stable")
    starts = np.concatenate([[0], np.cumsum(groups.counts)[:-1]])
    for m in np.unique(groups.counts):
        members = np.flatnonzero(groups.counts == m)
        step = max(1, most // int(m * m))
        for i in range(0, len(members), step):
            part = members[i : i + step]
            yield part, order[starts[part][:, None] + np.arange(m)]


def _adjusted(Z: FloatArray, loading: FloatArray, kind: str) -> FloatArray:
    """(b, m, k) rows ``A_g X_g B`` for independent, equal variances; Z (b, m, q)."""
    if kind in ("CR0", "CR1"):
        out: FloatArray = Z @ loading
        return out
    power = -0.5 if kind == "CR2" else -1.0
    m, q = Z.shape[1:]
    small = np.swapaxes(Z, 1, 2) @ Z if q <= m else Z @ np.swapaxes(Z, 1, 2)
    s, V = np.linalg.eigh(small)
    left = 1.0 - s
    f = np.where(left > NULL, np.where(left > NULL, left, 1.0) ** power, 0.0)
    right = loading if q <= m else Z @ loading
    inner = V @ (f[:, :, None] * (np.swapaxes(V, 1, 2) @ right))
    return Z @ inner if q <= m else inner


def _independence(
    U: FloatArray, root: FloatArray, C: FloatArray, loading: FloatArray
) -> FloatArray:
    """(b, m, k) rows ``A_g W_g X_g B`` where errors are independent before weights."""
    weight = root**2
    H = (U @ np.swapaxes(U, 1, 2)) * weight[:, None, :]  # (I - H): H = U U' W
    block = U @ C @ np.swapaxes(U, 1, 2) - H - np.swapaxes(H, 1, 2)
    m = block.shape[1]
    block[:, np.arange(m), np.arange(m)] += 1.0
    s, V = np.linalg.eigh(block)
    f = np.where(s > NULL, np.where(s > NULL, s, 1.0) ** -0.5, 0.0)
    right = (U * weight[:, :, None]) @ loading
    out: FloatArray = V @ (f[:, :, None] * (np.swapaxes(V, 1, 2) @ right))
    return out


def contrast_df(club: ClubMoments, R: FloatArray) -> FloatArray:
    r"""Satterthwaite degrees of freedom of each row of R (r, k), under the working model.

    .. math:: \nu = (\mathrm{tr}\,P)^2 / \mathrm{tr}(P^2) \quad (3)

    References
    ----------
    Bell and McCaffrey (2002), Survey Methodology 28(2), 169-181.
    """
    return np.array([wald_df(club, row) for row in np.atleast_2d(R)])


def wald_df(club: ClubMoments, R: FloatArray) -> float:
    r"""Degrees of freedom :math:`\eta` of the approximate Hotelling test of q restrictions.

    .. math::
        \frac{\eta - q + 1}{\eta q}\,Q \sim F(q,\ \eta - q + 1), \qquad
        \eta = \frac{q(q+1)}{\sum_{s,t} \mathrm{tr}(P_{st}P_{ts}) + \mathrm{tr}(P_{ss}P_{tt})}
        \quad (4)

    with Q the Wald statistic and P of contrasts scaled to expectation I; for q = 1 the
    Satterthwaite t test, eq. (3). Not a number where the contrasts are not estimable.

    References
    ----------
    Pustejovsky and Tipton (2018), Journal of Business & Economic Statistics 36, 672-683: the test
    HTZ of section 3.2.
    """
    R = np.atleast_2d(R)
    q = len(R)
    D, Y = R @ club.D @ R.T, R @ club.Y
    omega = (D - _own(Y, club.J)).sum(axis=0)
    values, vectors = np.linalg.eigh((omega + omega.T) / 2)
    if values[-1] <= 0 or values[0] <= 1e-14 * values[-1]:
        return float("nan")
    whiten = (vectors / np.sqrt(values)) @ vectors.T
    D, Y = whiten @ D @ whiten, whiten @ Y
    own = _own(Y, club.J)
    total = 0.0
    for s in range(q):
        for t in range(q):
            d_st, d_ss, d_tt = D[:, s, t], D[:, s, s], D[:, t, t]
            crossed, squared = _traces(Y[:, t], Y[:, s], club.J)
            total += float(d_st @ (d_st - 2 * own[:, s, t])) + crossed
            total += float(d_ss @ (d_tt - own[:, t, t]) - d_tt @ own[:, s, s]) + squared
    return q * (q + 1) / total


def _own(Y: FloatArray, J: FloatArray | None) -> FloatArray:
    """(G, q, q) of ``Y_g J Y_g'``."""
    out: FloatArray = (Y if J is None else Y @ J) @ np.swapaxes(Y, 1, 2)
    return out


def _traces(Yt: FloatArray, Ys: FloatArray, J: FloatArray | None) -> tuple[float, float]:
    """``tr(K J K J)`` and ``tr(K J K' J)`` with ``K = Yt' Ys``."""
    K = Yt.T @ Ys
    if J is None:
        return float(np.sum(K * K.T)), float(np.sum(K * K))
    KJ, JK = K @ J, J @ K
    return float(np.sum(KJ * KJ.T)), float(np.sum(KJ * JK))
