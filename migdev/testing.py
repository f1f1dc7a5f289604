"""Checks for parts that others write: an estimator, a result, a source of data."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from dataclasses import FrozenInstanceError, fields, is_dataclass
from typing import Any

import numpy as np

from migdev.panel.panel import Panel
from migdev.protocols import Covariance, Estimator, Result, Source
from migdev.provenance import Extract


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


def check_estimator(spec: Any, panel: Panel, *, covariances: Sequence[Covariance] = ()) -> Any:
    """An estimator is a frozen, hashable, printable specification whose fit is repeatable, leaves
    the panel as it was, and gives a result.

    Parameters
    ----------
    spec : Estimator
    panel : Panel
    covariances : sequence of Covariance, optional
        Each must give other errors to the same coefficients through ``with_cov``.

    Returns
    -------
    The result of the fit.

    Raises
    ------
    AssertionError
    """
    assert isinstance(spec, Estimator), f"{type(spec).__name__} has no fit(panel)"
    assert is_dataclass(spec), f"{type(spec).__name__} is not a dataclass"
    assert hash(spec) == hash(copy.copy(spec)), "equal specifications have different hashes"
    assert spec == copy.copy(spec), "a copy of the specification is not equal to it"
    assert type(spec).__name__ in repr(spec), "repr() does not name the class"
    first = fields(spec)[0].name
    try:
        setattr(spec, first, getattr(spec, first))
    except (FrozenInstanceError, AttributeError):
        pass
    else:
        raise AssertionError("the specification is not frozen")
    before = panel.fingerprint
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result, again = spec.fit(panel), spec.fit(panel)
        assert panel.select(*panel.columns).fingerprint == before, "fit() changed the panel"
        check_result(result)
        assert np.array_equal(result.params, again.params, equal_nan=True), (
            "fit() is not repeatable"
        )
        for cov in covariances:
            other = result.with_cov(cov)
            check_result(other)
            assert np.array_equal(other.params, result.params), "with_cov() moved a coefficient"
    return result


def check_source(source: Any, series: Sequence[str], *, unknown: str = "NO.SUCH.SERIES") -> Extract:
    """A source gives a tidy extract with its provenance, and a bad series never loses the batch.

    Parameters
    ----------
    source : Source
    series : sequence of str
        Series that it has.
    unknown : str
        A series that it has not.

    Raises
    ------
    AssertionError
    """
    assert isinstance(source, Source), f"{type(source).__name__} has no fetch(...)"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        extract = source.fetch([*series, unknown])
    assert isinstance(extract, Extract), "fetch() does not give an Extract"
    assert set(series) <= set(map(str, extract.frame.columns)), "a series is not among the columns"
    assert unknown in extract.provenance.missing, "the missing series is not reported"
    origin = extract.provenance
    assert origin.publisher, "provenance names no publisher"
    assert origin.dataset, "provenance names no data set"
    assert len(origin.sha256) == 64, "provenance has no SHA-256 of what was received"
    keys = [key for key in (*extract.keys, extract.time) if key]
    assert keys, "the extract has no key"
    assert not extract.frame.duplicated(keys).any(), "a key occurs twice"
    return extract
