"""Checks of estimators and their results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from migdev.notes import quiet
from migdev.panel.panel import Panel
from migdev.protocols import Covariance, Estimator, Result
from migdev.testing.scores import check_scores
from migdev.testing.specifications import check_specification


def check_result(result: Any) -> None:
    """A result keeps the :class:`~migdev.protocols.Result` contract.

    Raises
    ------
    AssertionError
        Naming what is missing or does not fit together.
    """
    assert isinstance(result, Result), f"{type(result).__name__} lacks a member of Result"
    names = list(result.params.index)
    assert names, "params is empty"
    assert len(set(names)) == len(names), "a name of params occurs twice"
    assert list(result.cov.index) == names, "the rows of cov are not those of params"
    assert list(result.cov.columns) == names, "the columns of cov are not those of params"
    cov = result.cov.to_numpy(dtype=float)
    assert np.allclose(cov, cov.T, rtol=1e-8, atol=0), "cov is not symmetric"
    assert (np.diagonal(cov) >= 0).all(), "cov has a negative variance"
    assert result.nobs > 0, "nobs is not positive"
    assert result.dependent, "dependent is empty"
    assert result.method, "method is empty"


def check_estimator(
    spec: Any, panel: Panel, *, covariances: Sequence[Covariance] = (), jackknife: bool = True
) -> Any:
    """An estimator is a frozen, hashable, printable specification whose fit is repeatable, leaves
    the panel as it was, gives a result, and keeps scores that tell the truth about it.

    Parameters
    ----------
    spec : Estimator
    panel : Panel
    covariances : sequence of Covariance, optional
        Each must give other errors to the same coefficients through ``with_cov``.
    jackknife : bool
        Hold the scores to fits without one entity at a time; see
        :func:`~migdev.testing.scores.check_scores`.

    Returns
    -------
    The result of the fit.

    Raises
    ------
    AssertionError
    """
    assert isinstance(spec, Estimator), f"{type(spec).__name__} has no fit(panel)"
    check_specification(spec)
    before = panel.fingerprint
    with quiet():
        result, again = spec.fit(panel), spec.fit(panel)
        assert panel.select(*panel.columns).fingerprint == before, "fit() changed the panel"
        check_result(result)
        assert np.array_equal(result.params, again.params, equal_nan=True), (
            "fit() is not repeatable"
        )
        if getattr(result, "moments", None) is not None:
            check_scores(result, spec, panel, jackknife=jackknife)
        for cov in covariances:
            other = result.with_cov(cov)
            check_result(other)
            assert np.array_equal(other.params, result.params), "with_cov() moved a coefficient"
    return result
