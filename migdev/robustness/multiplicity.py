"""p-values of a family: Holm and other corrections, and Romano-Wolf on joint draws."""

from __future__ import annotations

from typing import Any

import numpy as np

from migdev.engines.statsmodels import adjusted_pvalues
from migdev.errors import SpecificationError
from migdev.kernels.arrays.types import FloatArray

_METHODS = {
    "bonferroni": "bonferroni", "sidak": "sidak", "holm": "holm", "holm-sidak": "holm-sidak",
    "hochberg": "simes-hochberg", "hommel": "hommel", "bh": "fdr_bh", "by": "fdr_by",
}  # fmt: skip


def adjust(pvalues: Any, method: str = "holm") -> FloatArray:
    r"""p-values corrected for the size of their family.

    Holm's, the default, hold under any dependence:

    .. math:: \tilde p_{(j)} = \max_{i \le j} \min\{1, (m - i + 1)\, p_{(i)}\} \quad (1)

    Parameters
    ----------
    pvalues : (m,)
        A hypothesis without a p-value (nan) keeps none, and counts as a member.
    method : str
        Control of any false rejection: ``"bonferroni"`` and ``"holm"`` under any dependence,
        ``"sidak"``, ``"holm-sidak"``, ``"hochberg"`` and ``"hommel"`` under independence or
        positive dependence. Control of the share of false rejections: ``"bh"`` (Benjamini and
        Hochberg, positive dependence) and ``"by"`` (Benjamini and Yekutieli, any dependence).

    Returns
    -------
    (m,)
        In the order given. Engine: ``statsmodels.stats.multitest``, but for Holm's.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6, 65-70. Hochberg (1988), Biometrika 75,
    800-802. Hommel (1988), Biometrika 75, 383-386. Benjamini and Hochberg (1995), Journal of the
    Royal Statistical Society B 57, 289-300. Benjamini and Yekutieli (2001), Annals of Statistics
    29, 1165-1188.
    """
    if method not in _METHODS:
        raise SpecificationError(f"method={method!r}; use one of {', '.join(map(repr, _METHODS))}.")
    p = np.asarray(pvalues, dtype=float)
    outside = (p < 0) | (p > 1)
    if outside.any():
        raise SpecificationError(f"p-values lie between 0 and 1; {p[outside][0]:g} does not.")
    untested = np.isnan(p)
    whole = np.where(untested, 1.0, p)
    out = _stepped(whole) if method == "holm" else adjusted_pvalues(whole, _METHODS[method])
    out[untested] = np.nan
    return out


def holm(pvalues: Any) -> FloatArray:
    """Step-down Bonferroni p-values; see :func:`adjust`."""
    return adjust(pvalues, "holm")


def _stepped(p: FloatArray) -> FloatArray:
    """Eq. (1). That of statsmodels collects garbage at every call: 40 ms, in every family."""
    ranked = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[ranked] * np.arange(len(p), 0, -1))
    out = np.empty(len(p))
    out[ranked] = np.minimum(steps, 1.0)
    return out


def romano_wolf(statistics: Any, draws: Any, *, sided: int = 2) -> FloatArray:
    r"""Step-down p-values that use the joint distribution of the statistics.

    With the hypotheses ordered by :math:`|t_{(1)}| \ge |t_{(2)}| \ge \dots`,

    .. math::
        \tilde p_{(j)} = \max_{i \le j}
        \frac{1 + \#\{b : \max_{l \ge i} |t^*_{b,(l)}| \ge |t_{(i)}|\}}{1 + B} \quad (1)

    Parameters
    ----------
    statistics : (m,)
        t statistics of the hypotheses.
    draws : (B, m)
        Joint draws of the statistics under their nulls (centred and studentised).
    sided : {2, 1}
        With 1 large positive statistics speak against the nulls, and (1) goes without absolute
        values.

    References
    ----------
    Romano and Wolf (2016), Statistics and Probability Letters 113, 38-40.
    """
    t, star = np.asarray(statistics, dtype=float), np.asarray(draws, dtype=float)
    if star.ndim != 2 or star.shape[1] != len(t):
        raise SpecificationError(
            f"{len(t)} statistics need draws of shape (B, {len(t)}), not {star.shape}."
        )
    if sided not in (1, 2):
        raise SpecificationError(f"sided={sided!r}; use 2 or 1.")
    if sided == 2:
        t, star = np.abs(t), np.abs(star)
    order = np.argsort(-t, kind="stable")
    # Largest draw among the hypotheses not yet rejected at each step, for all steps at once.
    maxima = np.maximum.accumulate(star[:, order][:, ::-1], axis=1)[:, ::-1]
    exceed = (1 + np.count_nonzero(maxima >= t[order], axis=0)) / (1 + len(star))
    out = np.empty(len(t))
    out[order] = np.maximum.accumulate(exceed)
    return np.asarray(out, dtype=float)
