"""Beta convergence: do entities that start behind grow faster?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from migdev.covariance import CovarianceLike, Robust
from migdev.errors import (
    DroppedEntitiesWarning,
    IdentificationError,
    ResultError,
    SpecificationError,
    listing,
)
from migdev.estimators.static.linear import PooledOLS
from migdev.kernels.arrays.types import FloatArray
from migdev.notes import quiet, warn
from migdev.options import Short, check_choice
from migdev.panel.design import Design
from migdev.panel.model_matrix import require_data
from migdev.panel.panel import Panel
from migdev.results.estimate import Estimate
from migdev.results.inference import Combination

ControlsAt = Literal["mean", "first"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BetaConvergence:
    """A growth regression across entities, with speed and half-life.

    Attributes
    ----------
    fit : Estimate
        Mean growth per period on ``initial`` and the controls.
    periods : int
        Between the first and the last observation, T.
    note : str
    """

    fit: Estimate
    periods: int
    note: str

    @property
    def beta(self) -> Combination:
        """Coefficient b of the initial level; negative where entities converge."""
        return self.fit.lincom("initial")

    @property
    def speed(self) -> Combination:
        r"""Share of the gap to the steady state that closes per period,
        :math:`\lambda = -\ln(1 + bT)/T`, by the delta method.

        Raises
        ------
        ResultError
            1 + bT is not positive: the order of entities is overturned, no speed gives that.
        """
        self._check()
        T = self.periods
        return self.fit.delta(f"-log(1 + {T} * initial) / {T}", name="speed")

    @property
    def half_life(self) -> Combination:
        r"""Periods until half of the gap is closed, :math:`\ln 2/\lambda`, by the delta method.

        Raises
        ------
        ResultError
            The speed is not positive: gaps do not close.
        """
        self._check()
        if float(self.fit.params["initial"]) >= 0:
            raise ResultError(
                f"beta = {self.fit.params['initial']:.4g} is not negative: gaps do not close, and "
                "there is no half-life."
            )
        T = self.periods
        return self.fit.delta(f"-log(2) * {T} / log(1 + {T} * initial)", name="half-life")

    def _check(self) -> None:
        b = float(self.fit.params["initial"])
        if 1 + b * self.periods <= 0:
            raise ResultError(
                f"1 + beta T = {1 + b * self.periods:.4g} is not positive (beta = {b:.4g}, "
                f"T = {self.periods}): entities change places, so there is no speed."
            )

    def finding(self, level: float) -> dict[str, Any]:
        """What a pre-test reads: the test of b = 0, and the speed in words."""
        beta, note = self.beta, self.note
        if beta.estimate < 0 and 1 + beta.estimate * self.periods > 0:
            note += f"; {100 * self.speed.estimate:.2f}% of a gap closes per period"
        return {
            "test": "Beta convergence", "null": "growth does not depend on the initial level",
            "statistic": float(beta.estimate), "pvalue": float(beta.pvalue),
            "rejects": bool(beta.pvalue < level), "note": note,
        }  # fmt: skip

    def __str__(self) -> str:
        lines = [self.note, f"beta: {self.beta}"]
        b = float(self.fit.params["initial"])
        if 1 + b * self.periods > 0:
            lines.append(str(self.speed))
            if b < 0:
                lines.append(str(self.half_life))
        return "\n".join(lines)


def beta_convergence(
    panel: Panel,
    variable: str,
    *,
    controls: Sequence[str] = (),
    controls_at: ControlsAt = "mean",
    first: Any = None,
    last: Any = None,
    cov: CovarianceLike | None = None,
    missing: Short = "raise",
) -> BetaConvergence:
    r"""Growth across entities on where they started, absolute or conditional.

    .. math::
        T^{-1}(x_{iT} - x_{i0}) = a + b\,x_{i0} + z_i'\gamma + u_i, \qquad
        b = -\frac{1 - e^{-\lambda T}}{T} \quad (1)

    Parameters
    ----------
    variable : str
        In logs: a column or an expression such as ``np.log(gdp)``.
    controls : sequence of str
        Columns or expressions z that set the steady state; none for absolute convergence.
    controls_at : {"mean", "first"}
        Controls averaged over the span from the first to the last period, or of the first period.
    first, last : period, optional
        Ends of the span; by default those of the panel.
    cov : covariance or word, optional
        Default ``Robust("HC1")``.
    missing : {"raise", "drop"}
        What to do with entities that lack an end or a control.

    Raises
    ------
    IdentificationError
        Entities lack an end or a control (named), or are fewer than coefficients.

    Notes
    -----
    Errors of measurement in :math:`x_{i0}` alone make b negative (Galton's fallacy; Quah 1993):
    read it with :func:`~migdev.diagnostics.sigma_convergence`.

    References
    ----------
    Barro and Sala-i-Martin (1992), Journal of Political Economy 100, 223-251. Quah (1993),
    Scandinavian Journal of Economics 95, 427-443.
    """
    require_data(panel)
    if isinstance(controls, str):
        raise SpecificationError(f"controls={controls!r}; a sequence, such as ({controls!r},).")
    check_choice("controls_at", controls_at, ControlsAt)
    check_choice("missing", missing, Short)
    ends = [
        panel.periods[0] if first is None else first,
        panel.periods[-1] if last is None else last,
    ]
    span = panel.between(*ends)
    known = [str(p) for p in span.periods]
    if len(known) < 2 or known[0] != str(ends[0]) or known[-1] != str(ends[1]):
        raise IdentificationError(
            f"The panel has no rows of {ends[0]} or of {ends[1]}; a span needs both ends. It "
            f"covers {panel.periods[0]} to {panel.periods[-1]}."
        )
    M, z = _values(span, variable), [_values(span, c) for c in controls]
    T = M.shape[1] - 1
    data: dict[str, FloatArray] = {"growth": (M[:, -1] - M[:, 0]) / T, "initial": M[:, 0]}
    for j, values in enumerate(z):
        with quiet():  # entities without a value: missing
            data[f"z{j}"] = values[:, 0] if controls_at == "first" else np.nanmean(values, axis=1)
    frame = pd.DataFrame({"entity": np.asarray(span.entities), "t": 0, **data})
    whole = frame.notna().all(axis=1).to_numpy()
    gone = listing(frame["entity"][~whole].tolist(), 20)
    if not whole.all():
        what = f"{variable!r}: {int((~whole).sum())} of {len(whole)} entities lack an end"
        what += f" ({ends[0]}, {ends[1]})" + (" or a control" if controls else "")
        if missing == "raise":
            raise IdentificationError(f"{what}: {gone}. Leave them out with missing='drop'.")
        warn(f"{what} and are left out: {gone}.", DroppedEntitiesWarning, stacklevel=2)
    if whole.sum() <= 2 + len(z):
        raise IdentificationError(
            f"{variable!r}: {int(whole.sum())} entities for {2 + len(z)} coefficients."
        )
    start = data["initial"][whole]
    if not np.ptp(start) > 1e-12 * np.abs(start).max():
        raise IdentificationError(
            f"{variable!r}: all {len(start)} entities start from {start[0]:.6g} in {ends[0]}; none "
            "of them starts behind."
        )
    table = frame[whole].rename(columns={f"z{j}": c for j, c in enumerate(controls)})
    terms = ["initial", *(f"`{c}`" for c in controls)]
    cross = Panel.from_frame(table, entity="entity", time="t", freq="integer")
    fit = PooledOLS(
        formula=f"growth ~ {' + '.join(terms)}", cov=Robust("HC1") if cov is None else cov
    ).fit(cross)
    assert fit.covariance is not None
    kind = f"given {listing(controls)}" if controls else "absolute"
    note = (
        f"Beta convergence of {variable}, {kind}: {int(whole.sum())} entities, {ends[0]} to "
        f"{ends[1]}; {fit.covariance.description}"
    )
    return BetaConvergence(fit=fit, periods=T, note=note)


def _values(panel: Panel, expression: str) -> FloatArray:
    """(N, T) values by entity and period, missing where not observed."""
    d = Design.build(f"{expression} ~ 1", panel, intercept=False)
    start = int(panel.ordinals.min())
    M = np.full((len(panel.entities), int(panel.ordinals.max()) - start + 1), np.nan)
    M[panel.entity_codes[d.rows], panel.ordinals[d.rows] - start] = d.y
    return M
