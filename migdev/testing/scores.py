"""Checks of the scores that a fit keeps."""

from __future__ import annotations

from typing import Any

import numpy as np

from migdev.covariance import Clustered, Unadjusted
from migdev.covariance.common import refuse_unknown_weights, require_least_squares
from migdev.errors import CovarianceError, MigdevError
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.sandwich.moments import Moments
from migdev.panel.panel import Panel
from migdev.protocols import Scores
from migdev.results.influence import entity_influence

#: Entities left out in turn.
MOST = 15
#: Jackknife and influence may differ by this factor: few entities move more than to first order.
APART = 3.0


def check_scores(result: Any, spec: Any, panel: Panel, *, jackknife: bool = True) -> None:
    """Scores are those of the fit: they solve its equations, add up by group, carry what leverage
    needs, and say how the estimate moves when an entity leaves the panel.

    Parameters
    ----------
    result : Estimate
        Of ``spec`` on ``panel``, with its ``moments``.
    jackknife : bool
        Fit again without one entity at a time. Leave it out where an entity changes the model
        itself: averages over all entities, a threshold, lag orders chosen from the data.

    Raises
    ------
    AssertionError
    """
    m = result.moments
    assert isinstance(m, Scores), f"{type(m).__name__} lacks a member of Scores"
    assert m.k == len(result.params), f"scores of {m.k} parameters for {len(result.params)}"
    psi = m.influence()
    assert psi.shape == (len(m.entity), m.k), "influence() has not one row for each unit"
    assert np.isfinite(psi).all(), "influence() is not finite"
    left, size = np.abs(psi.sum(axis=0)), np.sqrt((psi**2).sum(axis=0))
    # Projected scores of LIML, and of GMM whose weights are renewed, vanish in large samples only.
    exact = result.facts.principle != "instruments"
    assert not exact or (left <= 0.1 * size).all(), (
        "influence() does not sum to zero: the scores do not solve the equations of the estimate"
    )
    sums = np.zeros((int(m.entity.max()) + 1, m.k))
    np.add.at(sums, m.entity, psi)
    assert np.allclose(m.influence("entity"), sums, rtol=1e-6, atol=1e-9 * size.max()), (
        "influence('entity') is not the sum of influence() by entity"
    )
    if len(sums) > 1:
        found = Clustered("entity", kind="CR0", df="groups").estimate(m).cov
        assert np.allclose(found, sums.T @ sums, rtol=1e-6, atol=0), (
            "Clustered('entity') is not the sum of squared influences by entity"
        )
    if m.by_row:
        _check_rows(m, result.nobs)
    else:
        _check_units(m, result.nobs)
    if jackknife:
        _check_jackknife(result, spec, panel)


def _check_rows(m: Any, nobs: int) -> None:
    assert isinstance(m, Moments), "scores by row are kept as Moments"
    assert len(m.resid) >= nobs, (
        f"{len(m.resid)} rows of scores for {nobs} observations: sums by group are no rows, keep "
        "them as UnitScores"
    )
    try:
        if m.homoskedastic is None:
            require_least_squares(m, "Unadjusted()")
            refuse_unknown_weights(m, "HC3")
    except CovarianceError as error:
        raise AssertionError(
            f"bread is not the inverse of X'X, or weights are not held: {error} State "
            "Moments(homoskedastic=...) where the estimator is not least squares."
        ) from error


def _check_units(m: Scores, nobs: int) -> None:
    assert m.nobs == nobs, f"nobs is {nobs}, and that of the scores {m.nobs}"
    try:
        Unadjusted().estimate(m)
    except CovarianceError:
        return
    raise AssertionError("unit scores let a covariance through that needs rows")


def _check_jackknife(result: Any, spec: Any, panel: Panel) -> None:
    found = entity_influence(result)
    if found is None or len(found[0]) < 3:
        return
    codes, psi = found
    N = len(codes)
    who = np.unique(np.linspace(0, N - 1, min(N, MOST)).astype(int))
    pseudo = np.full((len(who), len(result.params)), np.nan)
    for row, i in enumerate(who):
        try:
            rest = spec.fit(panel.where(panel.entity_codes != codes[i], "without an entity"))
        except MigdevError:
            continue
        moved = result.params - rest.params.reindex(result.params.index)
        pseudo[row] = (N - 1) / N * moved.to_numpy(dtype=float)
    pseudo, psi = _centred(pseudo), _centred(np.where(np.isnan(pseudo), np.nan, psi[who]))
    spread, wanted = np.sqrt(np.nansum(psi**2, axis=0)), np.sqrt(np.nansum(pseudo**2, axis=0))
    live = (spread > 0) & (wanted > 0)
    ratio = np.where(live, wanted, 1.0) / np.where(live, spread, 1.0)
    for name, r in zip(result.params.index, ratio, strict=True):
        assert 1 / APART < r < APART, (
            f"{name!r} moves by {r:.3g} times its influence when entities leave the panel one at a "
            "time: the scores have a wrong scale"
        )
    together = np.nansum(pseudo / np.where(live, wanted, 1.0) * psi / np.where(live, spread, 1.0))
    assert together > 0, "estimates move against their influence: the scores have a wrong sign"


def _centred(values: FloatArray) -> FloatArray:
    known = np.isfinite(values)
    mean = np.nansum(values, axis=0) / np.maximum(known.sum(axis=0), 1)
    out: FloatArray = values - mean
    return out
