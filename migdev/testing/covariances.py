"""Checks of covariances."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from migdev.covariance import Unadjusted
from migdev.errors import CovarianceError
from migdev.estimators.static.linear import PooledOLS
from migdev.kernels.sandwich.moments import Moments, UnitScores
from migdev.notes import quiet
from migdev.panel.panel import Panel
from migdev.protocols import Covariance, CovEstimate
from migdev.testing.specifications import check_specification

N, T = 60, 24


def check_covariance(
    cov: Any, *, panel: Panel | None = None, formula: str = "y ~ x + z", factor: float = 2.0
) -> CovEstimate:
    """A covariance is a frozen specification that turns the scores of a fit into a covariance: the
    same every time, that of the same errors whatever the units and the parametrisation of the
    regressors, and near the classical one where errors are independent and of one variance.

    Parameters
    ----------
    cov : Covariance
    panel : Panel, optional
        By default one of 60 entities and 24 periods with independent errors, where every column
        that ``cov.requires()`` names goes by entity.
    formula : str
        A linear equation on the panel.
    factor : float
        How far its standard errors may be from the classical ones on that panel.

    Returns
    -------
    The covariance of the fit.

    Raises
    ------
    AssertionError
    """
    kind = type(cov).__name__
    assert isinstance(cov, Covariance), f"{kind} lacks requires() or estimate(scores)"
    check_specification(cov)
    names = cov.requires()
    assert isinstance(names, tuple), f"{kind}.requires() is not a tuple of columns"
    own = panel is None
    panel = _world(names) if panel is None else panel
    with quiet():
        fit = PooledOLS(formula=formula, cov=Unadjusted()).fit(panel)
        m = fit.moments
        assert isinstance(m, Moments)
        outcome = _outcome(cov, m)
        assert np.array_equal(outcome.cov, _outcome(cov, m).cov), "estimate() is not repeatable"
        _check_units(cov, m, outcome)
        if own:
            ratio = np.sqrt(np.diagonal(outcome.cov) / np.diagonal(fit.cov.to_numpy()))
            assert ((ratio > 1 / factor) & (ratio < factor)).all(), (
                f"errors are {ratio.round(3).tolist()} times the classical ones where these hold"
            )
        asked = PooledOLS(formula=formula, cov=cov).fit(panel)
        assert np.array_equal(asked.cov.to_numpy(), fit.with_cov(cov).cov.to_numpy()), (
            "cov=... and with_cov(...) differ"
        )
        _check_unit_scores(cov, m)
    return outcome


def _outcome(cov: Covariance, m: Moments | UnitScores) -> CovEstimate:
    """What the covariance makes of scores, checked for shape."""
    out = cov.estimate(m)
    assert isinstance(out, CovEstimate), "estimate() does not give a CovEstimate"
    V, k = np.asarray(out.cov), m.k
    assert V.shape == (k, k), f"cov has the shape {V.shape} for {k} coefficients"
    assert np.isfinite(V).all(), "cov is not finite"
    assert np.allclose(V, V.T, rtol=1e-8, atol=0), "cov is not symmetric"
    size = np.sqrt(np.diagonal(V))
    assert (size > 0).all(), "cov has a variance that is not positive"
    assert np.linalg.eigvalsh(V / np.outer(size, size))[0] > -1e-8, "cov is not a covariance"
    if out.df is not None:
        df = np.asarray(out.df)
        assert df.shape in ((), (k,)), "df is neither a number nor one for each coefficient"
        assert (df > 0).all(), "df is not positive"
    assert out.description, "description is empty"
    return out


def _check_units(cov: Covariance, m: Moments, outcome: CovEstimate) -> None:
    """Regressors in other units and other combinations have the covariance that follows."""
    A = np.eye(m.k) + np.triu(np.full((m.k, m.k), 0.5), 1)
    A[:, -1] *= 1e3
    inverse = np.linalg.inv(A)
    other = _outcome(cov, replace(m, X=m.X @ A, bread=inverse @ m.bread @ inverse.T)).cov
    wanted = inverse @ outcome.cov @ inverse.T
    size = np.sqrt(np.diagonal(wanted))
    assert np.allclose(other / np.outer(size, size), wanted / np.outer(size, size), atol=1e-6), (
        "the covariance does not follow the regressors to other units and combinations"
    )


def _check_unit_scores(cov: Covariance, m: Moments) -> None:
    """Scores by entity get a covariance, or a CovarianceError, not another failure."""
    units = UnitScores(
        values=m.influence("entity"), entity=np.arange(N), nobs=m.nobs, df_resid=N - 1.0,
        columns={name: np.arange(N) % 12 - 6.0 for name in cov.requires()},
    )  # fmt: skip
    try:
        _outcome(cov, units)
    except CovarianceError:
        return


def _world(names: tuple[str, ...]) -> Panel:
    rng = np.random.default_rng(20240101)
    i, t = np.repeat(np.arange(N), T), np.tile(np.arange(2000, 2000 + T), N)
    x, z, u = rng.standard_normal((3, N * T))
    frame = pd.DataFrame({"entity": i, "year": t, "x": x, "z": z, "y": 1 + x - z + u})
    for name in names:
        if name not in frame:
            frame[name] = i % 12 - 6.0
    return Panel.from_frame(frame, entity="entity", time="year")
