"""Rivals compared: Bayes factors of the views' regions, and weights by order-restricted likelihood.

Each pattern stands against the null pattern and against the model that excludes nothing; the ratio
of two views alone is not given, because it is large by chance where neither holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import chdtri, ndtr

from migdev.errors import ResultError, listing
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.inequality.box_probability import box_probability
from migdev.kernels.inequality.order_restricted import (
    free_parameters,
    log_likelihood,
    nearest_in_box,
)
from migdev.study.assessment.parts import Parts

#: Standard deviations of the prior, in smallest effects of interest.
SCALES = (0.5, 1.0, 2.0)
#: Equally likely values of the variance ratio that make a t of the normal.
NODES = 24
UNCONSTRAINED = "unconstrained"
_REGIONS = {
    "+": ((1.0, np.inf),), "-": ((-np.inf, -1.0),), "0": ((-1.0, 1.0),), "<=0": ((-np.inf, 1.0),),
    ">=0": ((-1.0, np.inf),), "!=0": ((-np.inf, -1.0), (1.0, np.inf)), "any": ((-np.inf, np.inf),),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RivalEvidence:
    """Graded evidence for each pattern.

    Attributes
    ----------
    bayes_factors : DataFrame
        By scale of the prior (in smallest effects) and pattern: the probability of the pattern's
        region before and after the data, and the Bayes factors ``against_null`` and
        ``against_all`` (the encompassing model).
    gorica : DataFrame
        By pattern and for the unconstrained model: maximum of the log likelihood, penalty,
        GORICA and its weight.
    left_out : DataFrame
        By part left out and pattern: Bayes factors at the scale of one smallest effect, and the
        weight.
    """

    bayes_factors: pd.DataFrame
    gorica: pd.DataFrame
    left_out: pd.DataFrame

    def factor(self, pattern: str, against: Literal["null", "all"] = "null") -> tuple[float, float]:
        """Smallest and largest Bayes factor of a pattern over the scales of the prior."""
        rows = self.bayes_factors.index.get_level_values("pattern") == pattern
        found = self.bayes_factors.loc[rows, f"against_{against}"]
        return float(found.min()), float(found.max())

    def __str__(self) -> str:
        lines = []
        for name in self.bayes_factors.index.unique("pattern"):
            (low, high), (least, most) = self.factor(name), self.factor(name, "all")
            lines.append(
                f"{name}: Bayes factor {low:.3g} to {high:.3g} against the null pattern, "
                f"{least:.3g} to {most:.3g} against the encompassing model "
                f"(prior scale {SCALES[0]:g} to {SCALES[-1]:g} margins); GORICA weight "
                f"{self.gorica['weight'][name]:.3f}"
            )
        return "\n".join(lines)


def rival_evidence(parts: Parts, scales: Sequence[float] = SCALES) -> RivalEvidence:
    r"""Bayes factors and GORICA weights of patterns.

    Parameters are counted in smallest effects of interest. Under the encompassing prior
    :math:`N(0, \tau^2 I)` and the likelihood of the estimates (a multivariate t with the smallest
    of the degrees of freedom, as a mixture of normals) a pattern with region C has

    .. math::
        B_{C} = \frac{P(\theta\in C\mid\hat\theta)}{P(\theta\in C)}, \qquad
        B_{C,0} = B_C / B_0 \quad (1)

    against the encompassing model and against the null pattern (Klugkist, Laudy and Hoijtink
    2005). With :math:`\tilde\theta_C` the estimate restricted to C

    .. math:: GORICA_C = -2\log L(\tilde\theta_C) + 2\,PT_C \quad (2)

    whose penalty is the number of parameters that the region leaves free on average; a parameter
    held within two bounds counts as given, as in restriktor.

    Parameters
    ----------
    parts : Parts
        Their smallest effects are above zero.
    scales : sequence of float
        Standard deviations of the prior, in smallest effects.

    Raises
    ------
    ResultError
        The covariance is singular: an estimate is a combination of the others.

    References
    ----------
    Klugkist, Laudy and Hoijtink (2005), Psychological Methods 10, 477-493. Altinisik, Van Lissa,
    Hoijtink, Oldehinkel and Kuiper (2021), Psychological Methods 26, 599-621.
    """
    V = parts.cov / np.outer(parts.bounds, parts.bounds)
    spread = np.sqrt(np.diag(V))
    if np.linalg.eigvalsh(V / np.outer(spread, spread)).min() < 1e-10:
        raise ResultError(
            f"The estimates of {listing(parts.names)} have a singular joint covariance: one of "
            "them is a combination of the others, so they hold no evidence of their own. Leave it "
            "out."
        )
    left_out = {}
    for j, name in enumerate(parts.names) if len(parts.names) > 1 else ():
        rest = parts.without(j)
        factors = _bayes_factors(rest, 1.0)[["against_null", "against_all"]]
        left_out[name] = factors.assign(weight=_gorica(rest)["weight"])
    return RivalEvidence(
        bayes_factors=pd.concat(
            {float(s): _bayes_factors(parts, float(s)) for s in scales}, names=["scale", "pattern"]
        ),
        gorica=_gorica(parts),
        left_out=pd.concat(left_out, names=["left_out", "pattern"])
        if left_out
        else pd.DataFrame(columns=["against_null", "against_all", "weight"]),
    )


def boxes(predictions: Sequence[str]) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Lower and upper bounds of the boxes that make up a pattern's region, in smallest effects."""
    for sides in product(*(_REGIONS[p] for p in predictions)):
        low, high = np.array(sides, dtype=float).T
        yield low, high


def _scaled(parts: Parts) -> tuple[FloatArray, FloatArray]:
    """Estimates and covariance in smallest effects."""
    return parts.theta / parts.bounds, parts.cov / np.outer(parts.bounds, parts.bounds)


def _bayes_factors(parts: Parts, scale: float) -> pd.DataFrame:
    theta, V = _scaled(parts)
    df = min((d for d in parts.dfs if d is not None and np.isfinite(d)), default=None)
    m = len(theta)
    ratio: FloatArray = np.ones(1)
    if df is not None:
        # Midpoints of equally likely slices of chi2 / df.
        ratio = np.asarray(chdtri(df, (np.arange(NODES) + 0.5) / NODES) / df, dtype=float)
    noise = V / ratio[:, None, None]
    P = scale**2 * np.eye(m)
    gain = P @ np.linalg.inv(noise + P)
    mean = gain @ theta
    posterior = P - gain @ P
    posterior = 0.5 * (posterior + np.swapaxes(posterior, -1, -2))
    fit = np.array([log_likelihood(theta, S + P, np.zeros(m)) for S in noise])
    weight = np.exp(fit - fit.max())
    weight /= weight.sum()
    asked = {**parts.patterns, _NULL: ("0",) * m}
    regions: dict[tuple[str, ...], tuple[float, float]] = {}
    for predictions in dict.fromkeys(asked.values()):  # a study may name the null pattern too
        before = after = 0.0
        for low, high in boxes(predictions):
            before += float(np.prod(ndtr(high / scale) - ndtr(low / scale)))
            after += float(weight @ box_probability(low, high, mean, posterior))
        regions[predictions] = (before, after)
    prior, post = np.array([regions[predictions] for predictions in asked.values()]).T
    factor = post / prior
    with np.errstate(divide="ignore", invalid="ignore"):  # data that exclude both tell neither: nan
        against = factor / factor[-1]
    columns = {"prior": prior, "posterior": post, "against_null": against, "against_all": factor}
    return pd.DataFrame(columns, index=list(asked)).drop(index=_NULL)


#: The pattern of no effect at all, which a study need not name.
_NULL = "\0null"


def _gorica(parts: Parts) -> pd.DataFrame:
    theta, V = _scaled(parts)
    rows = {}
    for name, predictions in {**parts.patterns, UNCONSTRAINED: ("any",) * len(theta)}.items():
        tried = []
        for low, high in boxes(predictions):
            loglik = log_likelihood(theta, V, nearest_in_box(theta, V, low, high))
            sided, given = (
                np.isfinite(low) ^ np.isfinite(high),
                np.isfinite(low) & np.isfinite(high),
            )
            tried.append((loglik, free_parameters(V, sided, given)))
        rows[name] = max(tried)
    loglik, penalty = np.array(list(rows.values())).T
    score = -2 * loglik + 2 * penalty
    weight = np.exp(-0.5 * (score - score.min()))
    columns = {
        "loglik": loglik, "penalty": penalty, "gorica": score, "weight": weight / weight.sum(),
    }  # fmt: skip
    return pd.DataFrame(columns, index=pd.Index(rows, name="pattern"))
