"""Panel Durbin-Watson statistics: Bhargava, Franzini and Narendranathan; Baltagi and Wu."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from migdev.diagnostics.fit.levels import (
    moments_of,
    refuse_weights,
    require_least_squares,
    sample_of,
)
from migdev.diagnostics.subjects import SERIAL
from migdev.kernels.arrays.distributions import t_lower
from migdev.kernels.arrays.groups import Groups
from migdev.kernels.arrays.shift import lag_rows
from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.kernels.sandwich.moments import Moments
from migdev.results.estimate import Estimate
from migdev.results.statistic import TestStatistic

NULL = "no first-order serial correlation of the errors"


def bhargava_durbin_watson(fit: Estimate) -> TestStatistic:
    r"""Durbin-Watson statistic for panels.

    .. math::
        d_p = \frac{\sum_i\sum_t (\hat e_{it} - \hat e_{i,t-1})^2}{\sum_i\sum_t \hat e_{it}^2}
        \quad (1)

    Near 2 without serial correlation, below it with positive correlation. After a gap
    :math:`\hat e_{it}^2` takes the place of the squared difference (Baltagi and Wu 1999).

    Parameters
    ----------
    fit : Estimate
        PooledOLS or FixedEffects, without weights.

    Notes
    -----
    The p-value, against positive correlation, is the lower tail of a normal with the exact mean
    and variance of (1) under independent normal errors, given the regressors; it needs no tables
    of bounds. For fits with other effects than ``("entity",)`` there is none. plm's ``pbnftest``.

    References
    ----------
    Bhargava, Franzini and Narendranathan (1982), Review of Economic Studies 49, 533-549. Durbin
    and Watson (1971), Biometrika 58, 1-19. Baltagi and Wu (1999), Econometric Theory 15, 814-823.
    """
    return _statistic(fit, "Bhargava-Franzini-Narendranathan", lbi=False)


def baltagi_wu_lbi(fit: Estimate) -> TestStatistic:
    r"""Locally best invariant statistic of Baltagi and Wu for unequally spaced panels.

    .. math:: LBI = d_1 + d_2 + d_3 + d_4 \quad (1)

    where :math:`d_1` is the statistic of :func:`bhargava_durbin_watson` and :math:`d_2, d_3, d_4`
    the shares in the sum of squares of residuals before gaps, of first and of last observations.

    Parameters
    ----------
    fit : Estimate
        PooledOLS or FixedEffects, without weights.

    Notes
    -----
    p-value as in :func:`bhargava_durbin_watson`.

    References
    ----------
    Baltagi and Wu (1999), Econometric Theory 15, 814-823.
    """
    return _statistic(fit, "Baltagi-Wu LBI", lbi=True)


def _statistic(fit: Estimate, name: str, *, lbi: bool) -> TestStatistic:
    m = moments_of(fit, name)
    refuse_weights(fit, name)
    require_least_squares(fit, name, "a fit of PooledOLS or FixedEffects", form="levels")
    form = Form.build(m, lbi)
    rss = float(m.resid @ m.resid)
    statistic = float(m.resid @ form.apply(m.resid[:, None])[:, 0]) / rss
    moments = _null_moments(m, form)
    words: dict[str, Any] = {
        "name": name, "null": NULL, "alternative": "positive serial correlation",
        "sample": f"{m.nobs:,} observations, {len(np.unique(sample_of(fit, name).entity)):,} "
        "entities",
    }  # fmt: skip
    if moments is None:
        return TestStatistic(
            subject=SERIAL, statistic=statistic, distribution="tabulated", pvalue=float("nan"),
            note="no p-value with these effects", **words,
        )  # fmt: skip
    mean, variance = moments
    return TestStatistic(
        subject=SERIAL, statistic=statistic, distribution="normal approximation",
        pvalue=float(t_lower((statistic - mean) / np.sqrt(variance))),
        note=f"mean {mean:.4f} and standard deviation {np.sqrt(variance):.4f} under the null",
        **words,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """The symmetric band matrix A of the statistic e'Ae / e'e: A = diag + off (rows t, t-1).

    Attributes
    ----------
    diagonal : (n,)
    later : (m,)
        Rows whose predecessor is one period before, in the row above.
    """

    diagonal: FloatArray
    later: IntArray

    @classmethod
    def build(cls, m: Moments, lbi: bool) -> Form:
        before, after = lag_rows(m.entity, m.time, 1), lag_rows(m.entity, m.time, -1)
        first = np.r_[True, m.entity[1:] != m.entity[:-1]]
        last = np.r_[first[1:], True]
        # (e_t - e_{t-1})^2 counts both ends; a row after a gap counts once by itself
        diagonal = (before >= 0).astype(float) + (after >= 0) + ((before < 0) & ~first)
        if lbi:
            diagonal += ((after < 0) & ~last).astype(float) + first + last
        return cls(diagonal, np.flatnonzero(before >= 0).astype(np.int64))

    def apply(self, V: FloatArray) -> FloatArray:
        """A V for V (n, m)."""
        out: FloatArray = V * self.diagonal[:, None]
        out[self.later] -= V[self.later - 1]
        out[self.later - 1] -= V[self.later]
        return out


def _null_moments(m: Moments, form: Form) -> tuple[float, float] | None:
    """Mean and variance of e'Ae / e'e for e = M eps, eps normal.

    With P = I - M the projection on dummies and regressors, tr(MA) and tr(MAMA) from traces of
    small matrices; A is block diagonal by entity, so PA for the dummies is too.
    """
    if m.factor_names not in ((), ("entity",)):
        return None
    Q = np.linalg.qr(m.X)[0]
    AQ = form.apply(Q)
    QAQ = Q.T @ AQ
    trace = form.diagonal.sum() - np.trace(QAQ)
    # tr(A^2): two off-diagonal ones for each pair of neighbours
    square = np.sum(form.diagonal**2) + 2 * len(form.later)
    square += np.sum(QAQ * QAQ) - 2 * np.sum(AQ * AQ)
    if m.factor_names:
        groups = Groups.from_codes(m.entity)
        ones = form.apply(np.ones((m.nobs, 1)))[:, 0]
        inside = groups.sums(ones) / groups.counts
        between = groups.sums(AQ)
        trace -= inside.sum()
        square += (
            np.sum(inside**2)
            - 2 * np.sum(groups.sums(ones**2) / groups.counts)
            + 2 * np.sum(between**2 / groups.counts[:, None])
        )
    df = m.df_resid
    mean = trace / df
    variance = 2 * (df * square - trace**2) / (df**2 * (df + 2))
    return float(mean), float(variance)
