"""Do entities converge, together or in clubs?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from migdev.diagnostics.series import Series, read_series
from migdev.diagnostics.subjects import CONVERGENCE
from migdev.errors import IdentificationError, PanelError, SpecificationError, listing
from migdev.kernels.arrays.types import BoolArray, FloatArray
from migdev.kernels.convergence.log_t import clubs, log_t_of, merge, skipped
from migdev.options import Gaps
from migdev.panel.panel import Panel
from migdev.results.panel_test import PanelTest


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvergenceClubs:
    """Clubs of entities that converge among themselves.

    Attributes
    ----------
    members : DataFrame
        One row per entity: ``entity, club`` (1 the highest; 0 for none).
    tests : DataFrame
        One row per club: ``club, size, b, std_error, t``; before merging in ``unmerged``.
    overall : PanelTest
        The log-t test of all entities.
    unmerged : DataFrame
    note : str
    """

    members: pd.DataFrame
    tests: pd.DataFrame
    overall: PanelTest
    unmerged: pd.DataFrame
    note: str

    def finding(self, level: float) -> dict[str, Any]:
        """What a pre-test reads: the test of all entities, and the clubs in words."""
        outside = int((self.members["club"] == 0).sum())
        sizes = ", ".join(str(n) for n in self.tests["size"])
        note = f"{len(self.tests)} clubs of {sizes} entities, {outside} in none"
        return {**self.overall.finding(level), "note": f"{self.overall.note}; {note}"}

    def __str__(self) -> str:
        lines = [self.note, self.tests.to_string(index=False, float_format=lambda v: f"{v:.4f}")]
        for club, group in self.members.groupby("club"):
            name = f"Club {club!s}" if club else "No club"
            lines.append(f"{name}: {', '.join(str(e) for e in group['entity'])}")
        return "\n".join(lines)


def log_t(panel: Panel, variable: str, *, trim: float = 1 / 3, gaps: Gaps = "raise") -> PanelTest:
    r"""Phillips and Sul's log-t test of convergence.

    .. math::
        \log(H_1/H_t) - 2\log\log t = a + b\log t + u_t, \quad t = [rT]+1, ..., T, \qquad
        H_t = N^{-1}\textstyle\sum_i(x_{it}/\bar x_t - 1)^2 \quad (1)

    The null b >= 0 (convergence in growth rates; b >= 2 in levels) is refused where
    :math:`t_b < -1.65`. The error variance is a quadratic-spectral long-run variance with Andrews's
    AR(1) bandwidth.

    Parameters
    ----------
    variable : str
        Positive levels or logs with positive values, freed of business cycles beforehand where they
        matter (a Hodrick-Prescott trend, say).
    trim : float
        Share of periods left out at the start, r: 1/3 for T up to 50, 1/5 from 100 on.
    gaps : {"raise", "longest"}

    Raises
    ------
    PanelError
        The panel is not balanced, or values are not positive.

    References
    ----------
    Phillips and Sul (2007), Econometrica 75, 1771-1855; (2009), Journal of Applied Econometrics 24,
    1153-1185. Andrews (1991), Econometrica 59, 817-858.
    """
    s, X = _levels(panel, variable, trim, gaps)
    return _overall(s, X, trim)


def convergence_clubs(
    panel: Panel,
    variable: str,
    *,
    trim: float = 1 / 3,
    sieve: float = 0.0,
    last: float = 0.0,
    merging: bool = True,
    gaps: Gaps = "raise",
) -> ConvergenceClubs:
    """Phillips and Sul's clustering of entities into convergence clubs.

    Parameters
    ----------
    variable, trim, gaps
        As in :func:`log_t`.
    sieve : float
        The criterion c* for members beyond the core: 0 for T up to 50 or so (conservative),
        towards -1.65 as T grows.
    last : float
        Entities are ordered by their average over this share of the last periods; 0 for the last
        period alone.
    merging : bool
        Join adjacent clubs whose union converges.

    References
    ----------
    Phillips and Sul (2007), Econometrica 75, 1771-1855, section 5; (2009), Journal of Applied
    Econometrics 24, 1153-1185. Du (2017), Stata Journal 17, 882-900.
    """
    s, X = _levels(panel, variable, trim, gaps)
    if not 0 <= last <= 1:
        raise SpecificationError(f"last={last}; a share between 0 and 1.")
    order = np.lexsort(X.T)
    gap = np.abs(np.diff(X[order], axis=0)) > 1e-12 * X[order][1:]
    same = np.flatnonzero(~gap.any(axis=1))
    if len(same):
        pairs = [f"{s.labels[order[j]]} and {s.labels[order[j + 1]]}" for j in same]
        raise IdentificationError(
            f"Clubs start from pairs that differ, but {s.name!r} is the same for "
            f"{listing(pairs, 6)}. Keep one of each."
        )
    found, outside = clubs(X, trim, -1.65, sieve, last)
    final = merge(X, found, trim, -1.65) if merging else found
    number = np.zeros(s.N, dtype=np.int64)
    for j, who in enumerate(final, start=1):
        number[who] = j
    members = pd.DataFrame({"entity": np.asarray(s.labels), "club": number})
    note = (
        f"Convergence clubs of {s.name}: {len(final)} clubs, {len(outside)} entities in none; "
        f"r = {trim:.3g}, c* = {sieve:.3g}"
        + (f", merged from {len(found)}" if len(final) < len(found) else "")
    )
    return ConvergenceClubs(
        members=members, tests=_table(X, final, trim), overall=_overall(s, X, trim),
        unmerged=_table(X, found, trim), note=note,
    )  # fmt: skip


def _levels(panel: Panel, variable: str, trim: float, gaps: Gaps) -> tuple[Series, FloatArray]:
    if not 0 <= trim < 0.9:
        raise SpecificationError(f"trim={trim}; a share of periods, e.g. 1/3.")
    s = read_series(panel, variable, gaps=gaps)
    X = np.ascontiguousarray(s.matrix("The log-t test")[:, :, 0])
    bad: BoolArray = np.any(X <= 0, axis=1)
    if bad.any():
        raise PanelError(
            f"Relative transition paths need positive values, but {s.name!r} has others in "
            f"{int(bad.sum())} entities: {listing(s.labels[bad], 12)}."
        )
    if s.N < 2 or X.shape[1] * (1 - trim) < 5:
        raise IdentificationError(
            f"The log-t regression of {s.name!r} has {s.N} entities and "
            f"{X.shape[1] * (1 - trim):.0f} periods after trimming; it needs 2 and 5."
        )
    r = X / X.mean(axis=0) - 1
    alike = ~(np.abs(r).max(axis=0) > 1e-12)
    alike[1 : skipped(X.shape[1], trim)] = False  # the first period is the base of (1)
    if alike.any():
        raise IdentificationError(
            f"All entities have the same {s.name!r} in {int(alike.sum())} of the periods in use, "
            "where relative transition paths have no dispersion and its logarithm does not exist. "
            "An index that is 100 everywhere in its base year is no level: give levels."
        )
    return s, X


def _overall(s: Series, X: FloatArray, trim: float) -> PanelTest:
    fit = log_t_of(X, np.arange(s.N), trim)
    return PanelTest(
        subject=CONVERGENCE,
        name="log t", null="all entities converge", alternative="no convergence, or clubs",
        statistic=fit.t, distribution="normal", pvalue=float(special.ndtr(fit.t)),
        sample=s.sample, note=f"b = {fit.b:.4f} (se {fit.std_error:.4f}), {fit.nobs} periods",
        detail={"b": fit.b, "std_error": fit.std_error, "bandwidth": fit.bandwidth},
    )  # fmt: skip


def _table(X: FloatArray, found: list[np.ndarray], trim: float) -> pd.DataFrame:
    rows = []
    for j, who in enumerate(found, start=1):
        fit = log_t_of(X, who, trim)
        rows.append((j, len(who), fit.b, fit.std_error, fit.t))
    return pd.DataFrame(rows, columns=["club", "size", "b", "std_error", "t"])
