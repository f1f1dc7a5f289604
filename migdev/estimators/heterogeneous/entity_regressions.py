"""What estimators that fit one regression per entity share: who can be fitted, and the record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

import numpy as np
import pandas as pd

from migdev.errors import (
    DroppedEntitiesWarning,
    DroppedRowsWarning,
    IdentificationError,
    PanelError,
    SpecificationError,
    listing,
)
from migdev.estimators.assembly import finish
from migdev.kernels.arrays.spells import longest_spells
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.kernels.heterogeneous.ardl import Reduced
from migdev.kernels.heterogeneous.averages import Average
from migdev.kernels.heterogeneous.slopes import Slopes
from migdev.notes import warn
from migdev.panel.design import Design
from migdev.protocols import CovEstimate, Data, Scores
from migdev.results.facts import linear_facts
from migdev.results.heterogeneous import HeterogeneousEstimate

#: Entities that cannot be fitted.
Short = Literal["raise", "drop"]
Inference = Literal["t", "normal"]
#: How the slopes are averaged: the mean, or a mean robust to outlying entities (True: biweight).
RobustMean = bool | Literal["huber", "biweight"]

H = TypeVar("H", bound=HeterogeneousEstimate)


def build(formula: str, panel: Data, what: str, **options: Any) -> Design:
    """The design of a formula without endogenous regressors."""
    d = Design.build(formula, panel, **options)
    if d.endog_names:
        raise SpecificationError(
            f"{what} has no instruments, but {formula!r} marks {', '.join(d.endog_names)} as "
            "endogenous. Drop the brackets."
        )
    return d


def entity_labels(design: Design) -> pd.Index:
    """(N,) labels of the entities of a design."""
    panel = design.panel
    if len(panel.entities) == int(design.entity[-1]) + 1:
        return panel.entities
    return panel.entities[panel.entity_codes[design.rows[_first_rows(design)]]]


def keep_entities(design: Design, keep: BoolArray, reason: str) -> Design:
    """The design without the entities where ``keep`` (N,) is false, with a warning that names
    them."""
    gone = entity_labels(design)[~keep].tolist()
    warn(
        f"{design.formula!r}: {len(gone)} of {len(keep)} entities are left out, {reason}: "
        f"{listing(gone, 20)}.",
        DroppedEntitiesWarning,
        stacklevel=4,
    )
    return design.keep(keep[design.entity], reason)


def long_enough(design: Design, k: int, short: str, what: str, least: int = 2) -> Design:
    """The design whose entities have more periods than the ``k`` coefficients of each; shorter
    ones raise or are dropped as ``short`` says. ``least`` entities must remain."""
    counts = np.bincount(design.entity)
    keep: BoolArray = np.greater(counts, k)
    if not keep.all():
        who = [
            f"{name} ({count})"
            for name, count in zip(entity_labels(design)[~keep], counts[~keep], strict=True)
        ]
        if short == "raise" or keep.sum() < least:
            raise IdentificationError(
                f"{what} fits {k} coefficients per entity and needs more periods than that, but "
                f"{len(who)} of {len(counts)} entities have fewer in {design.formula!r}: "
                f"{listing(who, 20)}. Shorten the formula or its lags"
                + ("." if short == "drop" else ", or leave these out with short='drop'.")
            )
        design = keep_entities(design, keep, f"no more than {k} usable periods")
    if least > 1:
        require_several(design, what)
    return design


def identified(
    design: Design,
    fit: Slopes | Reduced,
    names: Sequence[str],
    short: str,
    what: str,
    least: int = 2,
) -> Design:
    """The design without entities whose regressors are collinear, or an error that names them;
    ``least`` entities must remain."""
    bad: BoolArray = np.any(fit.dependent, axis=1)
    if not bad.any():
        return design
    labels = entity_labels(design)
    first = np.argmax(fit.dependent[bad], axis=1)
    who = [f"{label}: {names[j]}" for label, j in zip(labels[bad], first, strict=True)]
    if short == "raise" or (~bad).sum() < least:
        raise IdentificationError(
            f"{what} cannot fit {len(who)} of {len(bad)} entities of {design.formula!r}: a "
            "regressor is constant or collinear with the ones before it. "
            f"{listing(who, 12)}. Leave the regressor out"
            + ("." if short == "drop" else ", or these entities with short='drop'.")
        )
    return keep_entities(design, ~bad, "a constant or collinear regressor")


def exactly_fitted(design: Design, rss: FloatArray) -> BoolArray:
    """(N,) entities whose sum of squared residuals is the rounding error of an exact fit."""
    square = np.bincount(design.entity, weights=design.y**2)
    spread = square - np.bincount(design.entity, weights=design.y) ** 2 / np.bincount(design.entity)
    return np.asarray(rss <= np.maximum(1e-20 * spread, 1e-28 * square))


def unbroken(design: Design, gaps: str) -> Design:
    """The design without gaps inside entities: their longest spells, or an error."""
    rows, broken = longest_spells(design.entity, design.time)
    if not len(broken):
        return design
    names = entity_labels(design)[broken].tolist()
    if gaps == "raise":
        raise PanelError(
            f"{design.formula!r} has gaps inside {len(names)} entities: {listing(names, 12)}. "
            "Fill them, cut the sample, or keep the longest spell of each with gaps='longest'."
        )
    warn(
        f"{design.formula!r}: {int((~rows).sum())} of {len(rows)} rows are not used: {len(names)} "
        f"entities have gaps and keep their longest spell: {listing(names, 12)}.",
        DroppedRowsWarning,
        stacklevel=4,
    )
    return design.keep(rows, "outside the longest spell without gaps")


def _first_rows(design: Design) -> IntArray:
    """(N,) first row of each entity; rows are sorted by entity."""
    return np.searchsorted(design.entity, np.arange(int(design.entity[-1]) + 1))


def require_several(design: Design, what: str) -> None:
    if int(design.entity.max(initial=-1)) < 1:
        raise IdentificationError(
            f"{what} averages over entities and needs at least two, but {design.formula!r} has "
            "one. Use PooledOLS for a single time series."
        )


def refuse_two(design: Design, what: str) -> None:
    """The refusal of two entities of which each is the other's mirror image."""
    raise IdentificationError(
        f"{what} make the two entities of {design.formula!r} mirror images of one another: both "
        "have the same slopes, whose spread is rounding error and no standard error. Use three "
        "entities or more, or regressions without averages, such as MeanGroup()."
    )


def trend(design: Design) -> FloatArray:
    """(n,) periods since the entity's first one in the sample, from one."""
    return (design.time - design.time[_first_rows(design)][design.entity] + 1).astype(float)


def record(
    kind: type[H],
    *,
    design: Design,
    cov: FloatArray,
    description: str,
    inference: str,
    fit: Slopes,
    scores: Scores | FloatArray | Callable[[], FloatArray],
    **fields: Any,
) -> H:
    """The record of an average over entities, or of a pooled relative; ``cov`` is (k, k)."""
    df = float(len(fit.params) - 1) if inference == "t" else None
    fields.setdefault("stated", linear_facts("averages"))
    own_df = fields.pop("slope_df", fit.df)
    fields.setdefault("residual", fit.resid)
    fields.setdefault("df_resid", float(np.sum(own_df)))
    return finish(
        kind, design=design, scores=scores,
        cov=CovEstimate(cov=cov, df=df, description=description),
        slopes=fit.params, slope_cov=fit.bread * (fit.rss / own_df)[:, None, None],
        entity_labels=entity_labels(design), entity_nobs=fit.counts, entity_df=own_df, **fields,
    )  # fmt: skip


def record_average(kind: type[H], mean: Average, *, source: str = "", **fields: Any) -> H:
    """The record of an average whose covariance is the spread of what it averages; ``source``
    names who proposed it."""
    how = f"spread of the entities' coefficients{f' ({source})' if source else ''}"
    if mean.robust is not False:
        how = f"influence functions of the {mean.robust} average"
    return record(
        kind, params=mean.params, cov=mean.cov, scores=mean.influence, description=how, **fields
    )


def fit_stats(y: FloatArray, entity: Any, fit: Slopes) -> dict[str, float]:
    r"""``rss``, ``sigma`` and the R2 of a mean-group fit,
    :math:`1 - N^{-1}\sum_i \hat\sigma_i^2 / N^{-1}\sum_i s_{y,i}^2` (Holly, Pesaran and Yamagata
    2010, Journal of Econometrics 158, 160-173)."""
    counts = fit.counts
    means = np.bincount(entity, weights=y) / counts
    spread = np.bincount(entity, weights=(y - np.repeat(means, counts)) ** 2) / (counts - 1)
    rss = float(fit.rss.sum())
    return {
        "r2_mg": 1 - float(fit.sigma2.mean() / spread.mean()),
        "sigma": float(np.sqrt(rss / fit.df.sum())),
        "rss": rss,
    }
