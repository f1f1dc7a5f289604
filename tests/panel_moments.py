"""Moments of linear panel models by dense algebra, and the samples behind the golden numbers.

Written without the package's own estimators, so that tests of covariances stand on their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from migdev.kernels.sandwich.moments import Moments
from tests.data import benchmark

Array = NDArray[Any]


def gaps(n: int, T: int) -> Array:
    """Rows kept in the gappy samples: the rule of make_plm.R."""
    e, t = np.divmod(np.arange(n), T)
    drop = ((3 * e + 5 * t) % 11 == 0) | ((e % 4 == 2) & (t < 3)) | ((e % 5 == 3) & (t >= T - 2))
    return ~((e > 0) & drop)


def golden_frame(tag: str) -> pd.DataFrame:
    """The sample of ``plm_<tag>.toml``: id, time, y and regressors in the order of its formula."""
    name, gappy = tag.removesuffix("_gaps"), tag.endswith("_gaps")
    file = {"produc": "munnell_produc", "wages": "wages_psid"}.get(name, name)
    raw = benchmark(file)
    if name == "grunfeld":
        T, out = 20, raw.rename(columns={"firm": "id", "year": "time"})
        out = out[["id", "time", "inv", "value", "capital"]]
    elif name == "gasoline":
        T, out = 19, raw.rename(columns={"country": "id", "year": "time"})
        out = out[["id", "time", "lgaspcar", "lincomep", "lrpmg", "lcarpcap"]]
    elif name == "produc":
        T, out = 17, raw[["state", "year"]].set_axis(["id", "time"], axis=1)
        for column in ("gsp", "pcap", "pc", "emp"):
            out[f"l{column}"] = np.log(raw[column])
        out["unemp"] = raw["unemp"]
    else:
        T, out = 7, raw[["lwage", "wks"]].copy()
        out.insert(0, "time", np.tile(np.arange(1, 8), 595))
        out.insert(0, "id", np.repeat(np.arange(1, 596), 7))
        out["union"] = (raw["union"] == "yes").astype(float)
        out["smsa"] = (raw["smsa"] == "yes").astype(float)
    if gappy:
        out = out[gaps(len(out), T)]
    out = out.reset_index(drop=True)
    out["id"] = pd.factorize(out["id"])[0]
    return out


def golden_weights(n: int) -> Array:
    """The weights of the ``wls`` models of make_plm.R."""
    i = np.arange(n)
    return 0.5 + ((3 * i + i // 7) % 5) / 2


def ols_moments(
    y: Array,
    X: Array,
    entity: Array,
    time: Array,
    *,
    factors: Mapping[str, Array] | None = None,
    weights: Array | None = None,
    columns: Mapping[str, Any] | None = None,
) -> tuple[Array, Moments]:
    """Coefficients and moments of (weighted) least squares with absorbed factors."""
    factors = dict(factors or {})
    root = np.ones(len(y)) if weights is None else np.sqrt(weights)
    y, X = y * root, X * root[:, None]
    rank = 0
    if factors:
        codes = list(factors.values())
        size = [int(f.max()) + 1 for f in codes]
        D = [np.eye(s)[f] * root[:, None] for f, s in zip(codes, size, strict=True)]
        table = np.column_stack([y, X, *D[1:]])
        mass = np.bincount(codes[0], root**2)
        sums = np.column_stack([np.bincount(codes[0], root * c) for c in table.T])
        table = table - root[:, None] * (sums / mass[:, None])[codes[0]]
        y, X, rest = table[:, 0], table[:, 1 : 1 + X.shape[1]], table[:, 1 + X.shape[1] :]
        rank = size[0]
        if rest.shape[1]:
            U, s, _ = np.linalg.svd(rest, full_matrices=False)
            Q = U[:, s > 1e-9 * s[0]]
            rank += Q.shape[1]
            y, X = y - Q @ (Q.T @ y), X - Q @ (Q.T @ X)
    Q, R = np.linalg.qr(X)
    inverse = np.linalg.inv(R)
    beta = inverse @ (Q.T @ y)
    return beta, Moments(
        X=X, resid=y - X @ beta, bread=inverse @ inverse.T, entity=entity, time=time,
        factors=tuple(factors.values()), factor_names=tuple(factors), df_absorbed=rank,
        weights=weights, columns=columns or {},
    )  # fmt: skip


def model_moments(
    frame: pd.DataFrame, model: str, sigma2: list[float] | None = None
) -> tuple[Array, Moments]:
    """Coefficients and moments of the models named in make_plm.R."""
    entity, time = frame["id"].to_numpy(), frame["time"].to_numpy()
    y = frame.iloc[:, 2].to_numpy(dtype=float)
    X = frame.iloc[:, 3:].to_numpy(dtype=float)
    ones = np.column_stack([np.ones(len(y)), X])
    period = np.unique(time, return_inverse=True)[1]
    kind, _, effect = model.partition(".")
    if kind == "lm" and effect == "first_entity":
        one = entity == 0
        return ols_moments(y[one], ones[one], entity[one], time[one])
    weights = golden_weights(len(y)) if kind == "wls" else None
    chosen = {
        "individual": {"entity": entity}, "time": {"time": period},
        "twoways": {"entity": entity, "time": period},
    }.get(effect)  # fmt: skip
    if kind in ("lm", "wls", "within") and chosen:
        return ols_moments(y, X, entity, time, factors=chosen, weights=weights)
    if kind in ("lm", "wls", "pooling"):
        return ols_moments(y, ones, entity, time, weights=weights)
    if kind == "fd":  # plm takes differences of neighbouring rows, across gaps
        same = np.diff(entity) == 0
        dX = np.column_stack([np.ones(same.sum()), np.diff(X, axis=0)[same]])
        return ols_moments(np.diff(y)[same], dX, entity[1:][same], time[1:][same])
    assert model == "random.individual"
    assert sigma2 is not None
    counts = np.bincount(entity)
    theta = (1 - np.sqrt(sigma2[0] / (sigma2[0] + counts * sigma2[1])))[entity][:, None]
    data = np.column_stack([y, ones])
    mean = np.column_stack([np.bincount(entity, c) / counts for c in data.T])[entity]
    data = data - theta * mean
    beta, moments = ols_moments(data[:, 0], data[:, 1:], entity, time)
    return beta, replace(moments, error_components=("entity", sigma2[1] / sigma2[0]))


def square(lower: list[float]) -> Array:
    """The symmetric matrix whose lower triangle, by rows, is given."""
    k = round((np.sqrt(8 * len(lower) + 1) - 1) / 2)
    out = np.zeros((k, k))
    out[np.tril_indices(k)] = lower
    return out + np.tril(out, -1).T


def assert_cov_close(found: Array, wanted: Array, rtol: float) -> None:
    """Entries differ by no more than ``rtol`` of the standard errors' product."""
    size = np.sqrt(np.abs(np.diagonal(wanted)))
    error = np.abs(found - wanted) / np.outer(size, size)
    assert error.max() < rtol, f"relative error {error.max():.2e}"
