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

from migdev.kernels.arrays.groups import Groups
from migdev.kernels.arrays.types import FloatArray, IntArray

#: Eigenvalues of (I - H)_gg below this are null directions.
NULL = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AdjustedScores:
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


def adjusted_scores(
    Z: FloatArray,
    loading: FloatArray,
    resid: FloatArray,
    groups: Groups,
    kind: str,
    weights: FloatArray | None = None,
    inverse_variance: bool = False,
    components: tuple[IntArray, float] | None = None,
) -> AdjustedScores:
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
    kind : {"CR0", "CR1", "CR2", "CR3"}
    weights : (n,), optional
        Where the fit is weighted and the working model matters (CR2, degrees of freedom).
        :math:`Z` must then hold the nested dummies too.
    inverse_variance : bool
        Working model of a weighted fit: :math:`\Theta = W^{-1}` if true, else :math:`\Theta = I`.
        In the data before weights CR2 is then :math:`A_g = D_g'(D_g\{(I-H)\Theta(I-H)'\}_{gg}
        D_g')^{+1/2}D_g` with :math:`\Theta_g = D_g'D_g`.
    components : (n,) codes and float, optional
        Where the data were whitened by quasi-demeaning: the grouping of the random effects and
        the ratio :math:`\phi = \sigma_\mu^2/\sigma_\nu^2`. CR2 then takes the same formula in
        the data before, with :math:`\Theta_g = I + \phi\,11'` and D its Cholesky factor.

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
    if weights is not None and not inverse_variance:
        C = (Z * weights[:, None]).T @ Z
        J = np.block([[-C, np.eye(q)], [np.eye(q), np.zeros((q, q))]])
    Y = np.empty((size, k, q if J is None else 2 * q))
    for members, rows in batches(groups):
        Zb, u = Z[rows], resid[rows]  # (b, m, q), (b, m)
        if weights is None:
            if kind == "CR2" and components is not None:
                p = _adjusted_components(Zb, components[0][rows], components[1], loading)
            else:
                p = _adjusted(Zb, loading, kind)
            influence[members] = np.einsum("bmk,bm->bk", p, u)
            Y[members] = np.swapaxes(p, 1, 2) @ Zb
        else:
            root = np.sqrt(weights[rows])
            p = _adjusted_weighted(Zb, root, C, loading, kind)  # A' W X B, before weights
            influence[members] = np.einsum("bmk,bm->bk", p, u / root)
            pt, U = np.swapaxes(p, 1, 2), Zb / root[:, :, None]
            if C is None:
                Y[members] = pt @ U
                p = p / root[:, :, None]
            else:
                Y[members] = np.concatenate([pt @ U, pt @ (Zb * root[:, :, None])], axis=2)
        D[members] = np.swapaxes(p, 1, 2) @ p
    return AdjustedScores(influence=influence, D=D, Y=Y, J=J)


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
        return Z @ loading
    power = -0.5 if kind == "CR2" else -1.0
    m, q = Z.shape[1:]
    small = np.swapaxes(Z, 1, 2) @ Z if q <= m else Z @ np.swapaxes(Z, 1, 2)
    s, V = np.linalg.eigh(small)
    left = 1.0 - s
    f = np.where(left > NULL, np.where(left > NULL, left, 1.0) ** power, 0.0)
    right = loading if q <= m else Z @ loading
    inner = V @ (f[:, :, None] * (np.swapaxes(V, 1, 2) @ right))
    return Z @ inner if q <= m else inner


def adjusted_rows(Z: FloatArray, loading: FloatArray, groups: Groups, kind: str) -> FloatArray:
    r"""(n, k) rows :math:`A_g \tilde X_g B` of eq. (2): their products with residuals, summed by
    cluster, are the contributions of :func:`adjusted_scores`, here for any number of outcomes.

    Parameters
    ----------
    Z : (n, q) orthonormal; loading : (q, k)
    groups : Groups
    kind : {"CR0", "CR1", "CR2", "CR3"}
    """
    out = np.empty((len(Z), loading.shape[1]))
    for _, rows in batches(groups):
        out[rows] = _adjusted(Z[rows], loading, kind)
    return out


def unshrunk(Z: FloatArray, resid: FloatArray, groups: Groups) -> FloatArray:
    r"""(n,) residuals of each cluster times :math:`(I - H)_{gg}^{+1/2}`: with the length that
    independent errors have."""
    out = np.empty(len(Z))
    for _, rows in batches(groups):
        Zb = Z[rows]
        block = np.eye(rows.shape[1]) - Zb @ np.swapaxes(Zb, 1, 2)
        out[rows] = _root_times(block, resid[rows][:, :, None])[:, :, 0]
    return out


def _adjusted_weighted(
    Z: FloatArray, root: FloatArray, C: FloatArray | None, loading: FloatArray, kind: str
) -> FloatArray:
    """(b, m, k) rows ``A_g' W_g X_g B`` before weights; C = Z'WZ where Theta = I."""
    if kind != "CR2":  # (I - H)^-1 and I commute with the change of data
        return root[:, :, None] * _adjusted(Z, loading, kind)
    m = Z.shape[1]
    diagonal = np.arange(m)
    U = Z / root[:, :, None]
    right = (Z * root[:, :, None]) @ loading
    if C is None:  # D (W^-1 - U U') D with D = W^-1/2
        V = U / root[:, :, None]
        block = -(V @ np.swapaxes(V, 1, 2))
        block[:, diagonal, diagonal] += root**-4
        right = right / root[:, :, None]
    else:  # I - H - H' + U C U' with H = U U' W
        H = (U @ np.swapaxes(U, 1, 2)) * (root**2)[:, None, :]
        block = U @ C @ np.swapaxes(U, 1, 2) - H - np.swapaxes(H, 1, 2)
        block[:, diagonal, diagonal] += 1.0
    out = _root_times(block, right)
    return out if C is not None else out / root[:, :, None]


def _adjusted_components(
    Z: FloatArray, codes: IntArray, phi: float, loading: FloatArray
) -> FloatArray:
    """(b, m, k) rows ``A_g' X_g B`` after quasi-demeaning; codes (b, m) of the random effects.

    With L = D Theta^{1/2}: A = Theta^{-1} L' (L (I - H) L')^{+1/2} L, data whitened.
    """
    theta = np.where(codes[:, :, None] == codes[:, None, :], phi, 0.0) + np.eye(Z.shape[1])
    D = np.swapaxes(np.linalg.cholesky(theta), 1, 2)
    s, V = np.linalg.eigh(theta)
    Vt = np.swapaxes(V, 1, 2)
    L = D @ (V * np.sqrt(s)[:, None, :]) @ Vt
    LZ = L @ Z
    block = L @ np.swapaxes(L, 1, 2) - LZ @ np.swapaxes(LZ, 1, 2)
    right = D @ (V / np.sqrt(s)[:, None, :]) @ Vt @ (Z @ loading)
    out: FloatArray = np.swapaxes(L, 1, 2) @ _root_times(block, right)
    return out


def _root_times(block: FloatArray, right: FloatArray) -> FloatArray:
    """``block^{+1/2} @ right`` (the inverse root), batched."""
    s, V = np.linalg.eigh(block)
    positive = s > NULL * s[:, -1:]
    f = np.where(positive, np.where(positive, s, 1.0) ** -0.5, 0.0)
    return V @ (f[:, :, None] * (np.swapaxes(V, 1, 2) @ right))


def contrast_df(adjusted: AdjustedScores, R: FloatArray) -> FloatArray:
    r"""Satterthwaite degrees of freedom of each row of R (r, k), under the working model.

    .. math:: \nu = (\mathrm{tr}\,P)^2 / \mathrm{tr}(P^2) \quad (3)

    References
    ----------
    Bell and McCaffrey (2002), Survey Methodology 28(2), 169-181.
    """
    return np.array([wald_df(adjusted, row) for row in np.atleast_2d(R)])


def wald_df(adjusted: AdjustedScores, R: FloatArray) -> float:
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
    D, Y = R @ adjusted.D @ R.T, R @ adjusted.Y
    omega = (D - _own(Y, adjusted.J)).sum(axis=0)
    values, vectors = np.linalg.eigh((omega + omega.T) / 2)
    if values[-1] <= 0 or values[0] <= 1e-14 * values[-1]:
        return float("nan")
    whiten = (vectors / np.sqrt(values)) @ vectors.T
    D, Y = whiten @ D @ whiten, whiten @ Y
    own = _own(Y, adjusted.J)
    total = 0.0
    for s in range(q):
        for t in range(q):
            d_st, d_ss, d_tt = D[:, s, t], D[:, s, s], D[:, t, t]
            crossed, squared = _traces(Y[:, t], Y[:, s], adjusted.J)
            total += float(d_st @ (d_st - 2 * own[:, s, t])) + crossed
            total += float(d_ss @ (d_tt - own[:, t, t]) - d_tt @ own[:, s, s]) + squared
    return q * (q + 1) / total


def _own(Y: FloatArray, J: FloatArray | None) -> FloatArray:
    """(G, q, q) of ``Y_g J Y_g'``."""
    return (Y if J is None else Y @ J) @ np.swapaxes(Y, 1, 2)


def _traces(Yt: FloatArray, Ys: FloatArray, J: FloatArray | None) -> tuple[float, float]:
    """``tr(K J K J)`` and ``tr(K J K' J)`` with ``K = Yt' Ys``."""
    K = Yt.T @ Ys
    if J is None:
        return float(np.sum(K * K.T)), float(np.sum(K * K))
    KJ, JK = K @ J, J @ K
    return float(np.sum(KJ * KJ.T)), float(np.sum(KJ * JK))
