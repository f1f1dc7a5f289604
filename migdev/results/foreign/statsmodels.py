"""Fitted models of statsmodels as estimates; the library is not imported."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from migdev.kernels.arrays.types import FloatArray
from migdev.results.estimate import Estimate
from migdev.results.facts import Facts, Link, linear_facts
from migdev.results.foreign.record import (
    covariance_words,
    estimate,
    numbers,
    unfitted,
)
from migdev.results.foreign.spec import ForeignSpec, Rows


def read_statsmodels(res: Any) -> Estimate:
    raw = getattr(res, "params", None)
    if raw is None or not callable(getattr(res, "cov_params", None)):
        raise unfitted(res, "statsmodels")
    model = res.model
    params, cov = _arrays(res, raw, model)
    use_t = bool(getattr(res, "use_t", False))
    df_resid = float(getattr(res, "df_resid", np.nan))
    df = float(getattr(res, "df_resid_inference", None) or df_resid) if use_t else None
    kind = str(getattr(res, "cov_type", "nonrobust"))
    keywords = getattr(res, "cov_kwds", None) or {}
    clusters = _clusters(res, kind, keywords)
    description = _covariance(res, model, kind)
    maxlags = keywords.get("maxlags")
    if maxlags is not None:
        description += f" ({maxlags} lags)"
    return estimate(
        params=params, cov=cov, dependent=_endog(model), method=_method(model, res),
        nobs=round(float(res.nobs)), df_resid=df_resid, df=df, description=description,
        clusters=clusters, convention="statsmodels",
        spec=ForeignSpec(
            library="statsmodels", model=type(model).__name__,
            formula=str(getattr(model, "formula", "") or ""), rows=partial(_rows, res, model),
        ),
        stats=numbers(
            res, r2="rsquared", r2_adjusted="rsquared_adj", r2_pseudo="prsquared",
            log_likelihood="llf", aic="aic", bic="bic", f_statistic="fvalue",
        ),
        facts=_facts(model),
    )  # fmt: skip


_LEAST_SQUARES = ("OLS", "WLS", "GLS", "GLSAR")
_LINKS: dict[str, Link] = {
    "Logit": "logit", "Probit": "probit", "Poisson": "log", "NegativeBinomial": "log",
    "NegativeBinomialP": "log", "GeneralizedPoisson": "log", "RLM": "identity",
    "MixedLM": "identity",
}  # fmt: skip
_GLM_LINKS: dict[str, Link] = {
    "Identity": "identity", "Log": "log", "Logit": "logit", "Probit": "probit",
    "CLogLog": "cloglog",
}  # fmt: skip


def _facts(model: Any) -> Facts:
    """Link and principle by the class of the model; effects are not a notion of statsmodels."""
    name = type(model).__name__
    constant = bool(getattr(model, "k_constant", True))
    if name in _LEAST_SQUARES:
        return linear_facts("least squares", constant=constant)
    if name == "IV2SLS":
        return linear_facts("instruments", constant=constant)
    if name == "QuantReg":  # the index is the quantile, so there is no link of the mean
        return Facts(linear=True, principle="other", labels={"r2_pseudo": _KOENKER_MACHADO})
    link: Link | None = _LINKS.get(name)
    if name in ("GLM", "GEE"):
        link = _GLM_LINKS.get(type(model.family.link).__name__)
    if link is None:
        return Facts()
    return Facts(link=link, linear=link == "identity", principle="other")


_KOENKER_MACHADO = "Pseudo R² (Koenker-Machado)"


def _covariance(res: Any, model: Any, kind: str) -> str:
    """What the covariance is. ``cov_type`` is "nonrobust" also where another formula was used."""
    name = type(model).__name__
    if name == "QuantReg" and kind == "nonrobust":
        return _quantile_covariance(res, model)
    if name in ("GEE", "OrdinalGEE", "NominalGEE"):
        return {"robust": "clustered by group (GEE sandwich)"}.get(kind, f"GEE, {kind}")
    if name == "RLM" and kind == "nonrobust":
        return f"M-estimator ({res.fit_options.get('cov', 'H1')})"
    if kind == "nonrobust" and name not in (*_LEAST_SQUARES, "IV2SLS"):
        return "model-based (inverse information)"
    return covariance_words(kind)


def _quantile_covariance(res: Any, model: Any) -> str:
    """The kernel sandwich or the one for iid errors; the result does not keep which."""
    X = np.asarray(model.exog, dtype=float)
    iid = res.sparsity**2 * res.q * (1 - res.q) * np.linalg.pinv(X.T @ X)
    is_iid = np.allclose(np.asarray(res.cov_params()), iid, rtol=1e-8, atol=0.0)
    how = "iid errors" if is_iid else "robust to heteroskedasticity"
    return f"{how} (density at the quantile by a kernel, bandwidth {res.bandwidth:.3g})"


def _rows(res: Any, model: Any) -> Rows:
    """The frame of a formula, or the columns themselves, on the rows that were used."""
    X = np.asarray(model.exog, dtype=float)
    frame = getattr(model.data, "frame", None)
    if frame is None:
        frame = pd.DataFrame(X, columns=list(model.exog_names))
    elif len(frame) != len(X):
        frame = frame.loc[model.data.row_labels]
    return frame.reset_index(drop=True), X, np.asarray(res.predict(), dtype=float)


def _arrays(res: Any, raw: Any, model: Any) -> tuple[pd.Series[float], FloatArray]:
    cov = np.asarray(res.cov_params(), dtype=float)
    if isinstance(raw, pd.DataFrame) or np.ndim(raw) == 2:  # one column for each outcome
        table = pd.DataFrame(raw)
        outcomes = getattr(model, "_ynames_map", None)
        names = [
            f"{_outcome(outcomes, j, label)}: {term}"
            for j, label in enumerate(table.columns)
            for term in (table.index if isinstance(raw, pd.DataFrame) else model.exog_names)
        ]
        values = table.to_numpy(dtype=float).ravel(order="F")
        return pd.Series(values, index=names), cov
    if isinstance(raw, pd.Series):
        return raw.astype(float), cov
    values = np.asarray(raw, dtype=float)
    names = [*getattr(model, "exog_names", [])]
    if len(names) < len(values):
        names = [*getattr(model, "param_names", names)]
    if len(names) < len(values):
        names += [f"param{i + 1}" for i in range(len(names), len(values))]
    return pd.Series(values, index=names[: len(values)]), cov


def _outcome(outcomes: Any, j: int, label: Any) -> str:
    # statsmodels numbers the columns from 0 for the second outcome on; the first is the base.
    return (
        str(outcomes[j + 1]) if isinstance(outcomes, Mapping) and j + 1 in outcomes else str(label)
    )


def _method(model: Any, res: Any) -> str:
    name = type(model).__name__
    family = getattr(model, "family", None)
    return f"GLM, {type(family).__name__}" if name == "GLM" and family is not None else name


def _clusters(res: Any, kind: str, keywords: Mapping[str, Any]) -> dict[str, int]:
    groups = keywords.get("groups")
    if "cluster" not in kind or groups is None:
        return {}
    values = np.asarray(groups)
    columns = [values] if values.ndim == 1 else list(values.T)
    names = [str(groups.name)] if getattr(groups, "name", None) else []
    names = [str(c) for c in groups.columns] if isinstance(groups, pd.DataFrame) else names
    names = names if len(names) == len(columns) else [f"group {i + 1}" for i in range(len(columns))]
    return {n: len(pd.unique(pd.Series(c))) for n, c in zip(names, columns, strict=True)}


def _endog(model: Any) -> str:
    names = model.endog_names
    return ", ".join(str(n) for n in names) if isinstance(names, list | tuple) else str(names)
