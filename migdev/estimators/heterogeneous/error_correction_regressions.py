"""Entities' own error-correction regressions: who can be fitted, orders, long-run slopes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from migdev.estimators.heterogeneous.entity_regressions import (
    entity_labels,
    identified,
    long_enough,
)
from migdev.estimators.heterogeneous.error_correction import (
    ErrorCorrection,
    error_correction,
    restrict,
)
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.kernels.heterogeneous.ardl import Compressed, Reduced, choose_orders, term_mask
from migdev.kernels.heterogeneous.slopes import Slopes
from migdev.protocols import Data
from migdev.results.error_correction import SPEED
from migdev.results.facts import Facts


def unrestricted(
    spec: Any, panel: Data, what: str
) -> tuple[ErrorCorrection, IntArray | None, BoolArray, Reduced]:
    """Each entity's own regression: arrays, lag orders, terms kept, and what its fit needs."""
    form = error_correction(spec.formula, panel, spec.lags, spec.max_lags, spec.trend, what)
    width = 1 + form.x.shape[1] + form.W.shape[1]
    form = restrict(form, long_enough(form.design, width, spec.short, what))
    form, data, reduced = identified_form(form, spec.short, what)
    if not isinstance(spec.lags, str):
        return form, None, _all_terms(form, data), reduced
    owner, order = np.array(form.owner), np.array(form.order)
    orders = choose_orders(data, owner, order, spec.max_lags, spec.lags)
    mask = term_mask(orders, owner, order)
    return form, orders, mask, data.reduce(mask)


def identified_form(
    form: ErrorCorrection, short: str, what: str
) -> tuple[ErrorCorrection, Compressed, Reduced]:
    """The form without entities whose regressors are collinear, its data in triangular form, and
    without the short-run terms, all of them kept."""
    data = _compressed(form)
    reduced = data.reduce(_all_terms(form, data))
    names = ("lagged level", *form.long_run, *form.short_run)
    kept = identified(form.design, reduced, names, short, what)
    if kept is not form.design:
        form = restrict(form, kept)
        data = _compressed(form)
        reduced = data.reduce(_all_terms(form, data))
    return form, data, reduced


def _all_terms(form: ErrorCorrection, data: Compressed) -> BoolArray:
    return np.ones((len(data.counts), form.W.shape[1]), dtype=bool)


def _compressed(form: ErrorCorrection) -> Compressed:
    d = form.design
    return Compressed.of(d.y, [form.lagged, form.x], form.W, d.entity)


def with_residuals(fit: Slopes, form: ErrorCorrection, *columns: FloatArray) -> Slopes:
    """The fit with the residuals of the data; ``columns`` stand before the short-run terms."""
    entity, resid = form.design.entity, form.design.y.copy()
    parts = [c for part in (*columns, form.W) for c in (part.T if part.ndim == 2 else part[None])]
    for j, column in enumerate(parts):
        resid -= column * fit.params[entity, j]
    return replace(fit, resid=resid)


def long_run_slopes(fit: Slopes, k: int) -> Slopes:
    """(theta_i, phi_i, short run) by entity with delta-method covariance."""
    phi = fit.params[:, 0]
    theta = -fit.params[:, 1 : 1 + k] / phi[:, None]
    size = fit.params.shape[1]
    A = np.zeros((len(phi), size, size))
    A[:, :k, 0] = -theta / phi[:, None]
    A[:, np.arange(k), 1 + np.arange(k)] = -1 / phi[:, None]
    A[:, k, 0] = 1.0
    A[:, np.arange(1 + k, size), np.arange(1 + k, size)] = 1.0
    return replace(
        fit,
        params=np.column_stack([theta, phi, fit.params[:, 1 + k :]]),
        bread=A @ fit.bread @ A.transpose(0, 2, 1),
    )


def labels_of(form: ErrorCorrection) -> list[Any]:
    """Labels of the entities."""
    return list(entity_labels(form.design))


def error_correction_fields(
    form: ErrorCorrection, own: Slopes, mask: BoolArray, df_lost: int = 0,
    shown: int | None = None, caution: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Fields of the record of an error-correction fit; ``df_lost`` counts parameters that are
    pooled (then entities' regressions are not linear), and ``shown`` of the coefficients (the
    first) are reported."""
    names = (*form.long_run, SPEED, *form.short_run)
    used = own.params.shape[1] - form.W.shape[1] + mask.sum(axis=1) - df_lost
    df = own.counts - used
    return {
        "design": form.design, "names": names[:shown], "fit": own, "slope_names": names,
        "long_run": form.long_run, "df_resid": float(df.sum() - df_lost), "slope_df": df,
        "regressors": () if df_lost else (form.lagged[:, None], form.x, form.W),
        "stated": Facts(link="identity", linear=False, principle="averages", caution=caution),
    }  # fmt: skip
