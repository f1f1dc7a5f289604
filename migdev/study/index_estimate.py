"""IndexEstimate: a summary index beside the outcomes behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from migdev.errors import SpecificationError
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.sandwich.moments import UnitScores
from migdev.kernels.sandwich.summary_index import (
    IndexDesign,
    IndexReading,
    IndexTraces,
    entity_variances,
    index_weights,
)
from migdev.panel.panel import Panel
from migdev.protocols import CovEstimate
from migdev.results.estimate import Estimate
from migdev.results.facts import Facts
from migdev.results.sample import Sample
from migdev.study.outcome import OutcomeFit

INDEX = "index"


@dataclass(frozen=True, kw_only=True, eq=False)
class IndexEstimate(Estimate):
    """A summary index (coefficient ``"index"``) beside the outcomes behind it, all standardised.

    Attributes
    ----------
    parts : mapping from outcome to OutcomeFit
    weights : (O,)
    outcome_correlation : (O, O)
        Of the oriented residuals, over shared rows.
    left_out : mapping from outcome to reason
    design : IndexDesign, optional
        The equations; None where an outcome is a specification that keeps no rows.
    """

    parts: Mapping[str, OutcomeFit] = field(default_factory=dict)
    weights: FloatArray = field(default_factory=lambda: np.empty(0))
    outcome_correlation: FloatArray = field(default_factory=lambda: np.empty((0, 0)))
    left_out: Mapping[str, str] = field(default_factory=dict)
    design: IndexDesign | None = field(default=None, repr=False)

    @property
    def outcomes(self) -> pd.DataFrame:
        """One row per outcome: standardised effect, slope, units, weight, sample."""
        frame = pd.DataFrame(
            [
                {
                    "outcome": name, "effect": self.params[name],
                    "std_error": self.std_errors[name], "df": self.lincom(name).df,
                    "slope": p.slope, "sign": p.outcome.sign, "weight": w,
                    "sd_outcome": p.sd_outcome, "sd_regressor": p.sd_regressor,
                    "rho": p.equation.rho if p.equation is not None else float("nan"),
                    "nobs": len(p.rows), "entities": len(p.members),
                }
                for (name, p), w in zip(self.parts.items(), self.weights, strict=True)
            ]
        )  # fmt: skip
        return frame.set_index("outcome")

    @property
    def labels(self) -> pd.Index[Any]:
        """Entities of the sample, in the order of the contributions."""
        assert self.sample is not None
        panel = self.sample.panel
        return panel.entities[np.unique(panel.entity_codes[self.sample.rows])]

    @cached_property
    def entity_variance(self) -> pd.Series[float]:
        """Variance that each entity brings to the index under the working model; where an outcome
        keeps no rows, the squares of the contributions stand for it."""
        assert self.sample is not None
        assert isinstance(self.moments, UnitScores)
        if self.design is None:
            return pd.Series(self.moments.values[:, 0] ** 2, index=self.labels)
        within = [p.within for p in self.parts.values()]
        sigma = []
        for equation, y in zip(self.design.equations, within, strict=True):
            assert y is not None
            u = equation.residuals(y)
            sigma.append(np.sqrt(u @ u / equation.df_resid))
        units = self.weights * np.abs(self.design.scales) * sigma
        found = entity_variances(self.design, units, self.outcome_correlation)
        known = np.unique(self.sample.panel.entity_codes[self.sample.rows])
        return pd.Series(found[known], index=self.labels)

    @cached_property
    def losses(self) -> pd.Series[float] | None:
        """What the index loses as each entity is left out, exactly, at the standard deviations and
        weights of the whole sample; None where an outcome keeps no rows."""
        if self.design is None:
            return None
        assert self.sample is not None
        lost = np.zeros(len(self.sample.panel.entities))
        parts = zip(self.design.equations, self.parts.values(), self.weights, strict=True)
        for equation, p, w in parts:
            assert p.within is not None
            lost[p.members] += w * p.scale * equation.losses(equation.residuals(p.within))
        known = np.unique(self.sample.panel.entity_codes[self.sample.rows])
        return pd.Series(lost[known], index=self.labels)


def index_estimate(
    parts: Mapping[str, OutcomeFit], panel: Panel, *, kind: str, estimated: bool, spec: Any,
    dependent: str, left_out: Mapping[str, str],
) -> IndexEstimate:  # fmt: skip
    """The index of fitted outcomes, with its joint covariance and degrees of freedom.

    Raises
    ------
    SpecificationError
        Anderson's weights are asked for outcomes that keep no rows.
    """
    fits, N = list(parts.values()), len(panel.entities)
    design = _design(fits, N, kind, estimated)
    if design is not None:
        reading = design.read([p.within[:, None] for p in fits if p.within is not None])
    elif kind == "equal":
        reading = _own_errors(fits, N)
    else:
        raise SpecificationError(
            f"index={kind!r} weights outcomes by the correlation of their residuals, which a "
            f"specification among those of {dependent} does not keep. Use index='equal'."
        )
    w = reading.weights[0]
    loading = np.vstack([w, np.eye(len(fits))])  # the index, then each outcome
    rows = np.unique(np.concatenate([p.rows for p in fits]))
    codes, entity = np.unique(panel.entity_codes[rows], return_inverse=True)
    psi = reading.contributions[codes, :, 0] @ loading.T
    df, cov = reading.df[0], psi.T @ psi
    sample = Sample(
        panel=panel, rows=rows, entity=entity, time=panel.ordinals[rows],
        dropped={f"{n}: {why}": k for n, p in parts.items() for why, k in p.dropped.items()},
    )  # fmt: skip
    scores = UnitScores(
        values=psi, entity=np.arange(len(psi)), nobs=len(rows), df_resid=float(len(psi) - 1)
    )
    errors = "own errors" if design is None else "CR2"
    return IndexEstimate.from_arrays(
        names=(INDEX, *parts), params=loading @ reading.effects[0], cov=cov,
        dependent=dependent, method="Summary index", nobs=len(rows),
        df_resid=float(len(psi) - 1), df_inference=df, spec=spec, moments=scores, sample=sample,
        stated=Facts(principle="averages", linear=False),
        covariance=CovEstimate(
            cov=cov, df=df, clusters={"entity": len(psi)},
            description=f"clustered by entity ({errors}, {len(psi)} clusters)",
        ),
        parts=parts, weights=w, outcome_correlation=reading.correlation[0], left_out=left_out,
        design=design,
    )  # fmt: skip


def _design(fits: list[OutcomeFit], N: int, kind: str, estimated: bool) -> IndexDesign | None:
    equations = [p.equation for p in fits if p.equation is not None]
    if len(equations) < len(fits):
        return None
    cells, members = [p.rows for p in fits], [p.members for p in fits]
    return IndexDesign(
        equations=equations, cells=cells, members=members, entities=N,
        scales=np.array([p.scale for p in fits]), kind=kind, estimated=estimated,
        traces=IndexTraces.build(equations, cells, members, N),
    )  # fmt: skip


def _own_errors(fits: list[OutcomeFit], N: int) -> IndexReading:
    """Outcomes among which there are specifications: errors are theirs, and the degrees of freedom
    of the index the fewest of them."""
    m = len(fits)
    contributions, df = np.zeros((N, m, 1)), []
    for o, p in enumerate(fits):
        own, tests = p.contributions, p.df
        if p.equation is not None and p.within is not None:
            alone = _design([p], N, "equal", False)
            assert alone is not None
            reading = alone.read([p.within[:, None]])
            contributions[:, o] = reading.contributions[:, 0]
            tests = float(reading.df[0, 0])
        else:
            assert own is not None
            contributions[p.members, o, 0] = p.scale * own
        df.append(tests)
    R = np.eye(m)[None]
    return IndexReading(
        effects=np.array([[p.scale * p.slope for p in fits]]), contributions=contributions,
        correlation=R, weights=index_weights("equal", R), df=np.array([[min(df), *df]]),
    )  # fmt: skip
