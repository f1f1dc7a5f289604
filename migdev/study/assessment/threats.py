"""What may stand behind an association: error in the measurement of the regressor, and an outcome
that moves it."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
import pandas as pd

from migdev.covariance import Clustered
from migdev.errors import MigdevError, MigdevWarning
from migdev.estimators.static.linear import FixedEffects
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.sandwich.moments import Moments
from migdev.notes import quiet
from migdev.panel.design import Design
from migdev.study.assessment.ruled_out import column_of
from migdev.study.decision_rule import Focal

#: Shares of the regressor's variance that are no error.
RELIABILITIES = (0.95, 0.9, 0.8, 0.7)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Threats:
    r"""Numbers beside an association, from its own regression.

    Attributes
    ----------
    average : float
        Mean of the regressor on the rows of the fit. One percent more of what a share is taken of
        lowers the share by a hundredth of it, whatever else happens.
    remaining : float
        Share of the regressor's variance that controls and effects leave, :math:`1 - R^2_x`.
    attenuation : DataFrame
        By ``reliability`` :math:`\lambda` of the regressor as recorded: that of what controls and
        effects leave,

        .. math:: \lambda_x = (\lambda - R^2_x) / (1 - R^2_x) \quad (1)

        and estimate and interval divided by it (classical error). Missing where the error would
        be all that is left.
    reverse : float
        By how much one unit of the outcome must move the regressor within the period for the whole
        association to be reverse causation: the slope of the regressor on the outcome, both net of
        controls and effects.
    reaction, reaction_low, reaction_high : float
        Slope of the regressor on the outcome of the period before, at its own value then, with
        effects of entity and period, and the 95% interval (clustered by entity); ``nan`` where the
        panel does not allow it.
    """

    average: float
    remaining: float
    attenuation: pd.DataFrame
    reverse: float
    reaction: float
    reaction_low: float
    reaction_high: float


def threats(fit: Any, term: str, focal: Focal) -> Threats | None:
    """Numbers on measurement and reverse causation for a least-squares fit; None where the focal
    parameter is no coefficient of one column, or the fit keeps no rows.

    References
    ----------
    Bound, Brown and Mathiowetz (2001), Handbook of Econometrics 5, 3705-3843.
    """
    m, column, name = getattr(fit, "moments", None), column_of(term), term.strip("`")
    if not isinstance(m, Moments) or fit.sample is None:
        return None
    if m.weights is not None and not np.all(m.weights == m.weights[0]):
        return None
    if not column or name not in fit.names:
        return None
    left = _remaining(fit, name)
    if left is None:
        return None
    x, share, average = left
    y = m.resid + focal.estimate * x
    partial = 1 - (1 - np.array(RELIABILITIES)) / share
    partial[partial <= 0] = nan
    table = pd.DataFrame(
        {
            "partial_reliability": partial, "estimate": focal.estimate / partial,
            "conf_low": focal.low / partial, "conf_high": focal.high / partial,
        },
        index=pd.Index(RELIABILITIES, name="reliability"),
    )  # fmt: skip
    reaction, low, high = _reaction(fit, column)
    return Threats(
        average=average, remaining=share, attenuation=table, reverse=float(x @ y / (y @ y)),
        reaction=reaction, reaction_low=low, reaction_high=high,
    )  # fmt: skip


def _remaining(fit: Any, name: str) -> tuple[FloatArray, float, float] | None:
    """The regressor net of controls and effects, its share of the variance, and its mean; None
    where the effective regressors are no least-squares residuals of the recorded ones."""
    m, place = fit.moments, fit.names.index(name)
    others = np.delete(m.X, place, axis=1)
    x = m.X[:, place]
    if others.shape[1]:
        x = x - others @ np.linalg.lstsq(others, x, rcond=None)[0]
    try:
        with quiet(MigdevWarning):
            d = Design.build(f"{fit.dependent} ~ {name}", fit.sample.panel, intercept=False)
    except MigdevError:
        return None
    raw = d.X[np.isin(d.rows, fit.sample.rows), 0]
    total = float(np.sum((raw - raw.mean()) ** 2))
    share = float(x @ x) / total if total > 0 else nan
    known = len(raw) == len(x) and 0 < share <= 1 + 1e-9
    return (x, share, float(raw.mean())) if known else None


def _reaction(fit: Any, column: str) -> tuple[float, float, float]:
    spec = FixedEffects(
        formula=f"{column} ~ L({fit.dependent}) + L({column})", effects=("entity", "time"),
        cov=Clustered("entity"),
    )  # fmt: skip
    name = f"L({fit.dependent})"
    try:
        with quiet(MigdevWarning):
            found = spec.fit(fit.sample.panel)
        low, high = found.conf_int().to_numpy(dtype=float)[found.names.index(name)]
        return float(found.params[name]), float(low), float(high)
    except (MigdevError, ValueError):
        return nan, nan, nan
