"""p-values of a family of hypotheses: Holm, and Romano-Wolf on joint draws."""

from __future__ import annotations

from typing import Any

import numpy as np

from migdev.errors import SpecificationError
from migdev.kernels.arrays.types import FloatArray


def holm(pvalues: Any) -> FloatArray:
    r"""Step-down Bonferroni p-values.

    .. math:: \tilde p_{(j)} = \max_{i \le j} \min\{1, (m - i + 1)\, p_{(i)}\} \quad (1)

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6, 65-70.
    """
    p = np.asarray(pvalues, dtype=float)
    order = np.argsort(p, kind="stable")
    steps = np.minimum(1.0, (len(p) - np.arange(len(p))) * p[order])
    out = np.empty_like(p)
    out[order] = np.maximum.accumulate(steps)
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
