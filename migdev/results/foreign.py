"""Readers of fitted models of statsmodels, linearmodels and pyfixest, none of them imported."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from migdev.errors import ResultError
from migdev.kernels.arrays.types import FloatArray
from migdev.protocols import CovEstimate
from migdev.results.estimate import Estimate
from migdev.results.statistic import TestStatistic


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignSpec:
    """What is known of a model that another library fitted.

    Attributes
    ----------
    library, model : str
    formula : str
        ``""`` where the library does not keep one.
    effects : tuple of str
        Absorbed effects.
    """

    library: str
    model: str
    formula: str = ""
    effects: tuple[str, ...] = ()


# ---------------------------------------------------------------------- statsmodels


def _statsmodels(res: Any) -> Estimate:
    raw = getattr(res, "params", None)
    if raw is None or not callable(getattr(res, "cov_params", None)):
        raise _unfitted(res, "statsmodels")
    model = res.model
    params, cov = _statsmodels_arrays(res, raw, model)
    use_t = bool(getattr(res, "use_t", False))
    df_resid = float(getattr(res, "df_resid", np.nan))
    df = float(getattr(res, "df_resid_inference", None) or df_resid) if use_t else None
    kind = str(getattr(res, "cov_type", "nonrobust"))
    keywords = getattr(res, "cov_kwds", None) or {}
    clusters = _statsmodels_clusters(res, kind, keywords)
    description = _kind(kind)
    maxlags = keywords.get("maxlags")
    if maxlags is not None:
        description += f" ({maxlags} lags)"
    return _estimate(
        params=params, cov=cov, dependent=_endog(model), method=_statsmodels_method(model, res),
        nobs=round(float(res.nobs)), df_resid=df_resid, df=df, description=description,
        clusters=clusters, convention="statsmodels",
        spec=ForeignSpec(
            library="statsmodels", model=type(model).__name__,
            formula=str(getattr(model, "formula", "") or ""),
        ),
        stats=_numbers(
            res, r2="rsquared", r2_adjusted="rsquared_adj", r2_pseudo="prsquared",
            log_likelihood="llf", aic="aic", bic="bic", f_statistic="fvalue",
        ),
    )  # fmt: skip


def _statsmodels_arrays(res: Any, raw: Any, model: Any) -> tuple[pd.Series[float], FloatArray]:
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


def _statsmodels_method(model: Any, res: Any) -> str:
    name = type(model).__name__
    family = getattr(model, "family", None)
    return f"GLM, {type(family).__name__}" if name == "GLM" and family is not None else name


def _statsmodels_clusters(res: Any, kind: str, keywords: Mapping[str, Any]) -> dict[str, int]:
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


# ---------------------------------------------------------------------- linearmodels


def _linearmodels(res: Any) -> Any:
    if not hasattr(res, "params") or not hasattr(res, "cov"):
        raise _unfitted(res, "linearmodels")
    model = getattr(res, "model", None)
    debiased = bool(getattr(res, "debiased", getattr(res, "_debiased", False)))
    df_resid = float(res.df_resid)
    kind = str(getattr(res, "cov_estimator", getattr(res, "_cov_type", "")))
    effects = tuple(str(e).lower() for e in getattr(res, "included_effects", ()) or ())
    stats = _numbers(
        res, r2="rsquared", r2_adjusted="rsquared_adj", r2_within="rsquared_within",
        r2_between="rsquared_between", r2_overall="rsquared_overall", log_likelihood="loglik",
    )  # fmt: skip
    for name, attribute in (("entities", "entity_info"), ("periods", "time_info")):
        info = getattr(res, attribute, None)
        if info is not None:
            stats[name] = int(info["total"])
    stats |= _linearmodels_tests(res)
    params = res.params.squeeze() if isinstance(res.params, pd.DataFrame) else res.params
    return _estimate(
        params=params, cov=np.asarray(res.cov, dtype=float),
        dependent=_linearmodels_dependent(res, model), method=_linearmodels_method(res),
        nobs=int(res.nobs), df_resid=df_resid, df=df_resid if debiased else None,
        description=_kind(kind), clusters=_linearmodels_clusters(res),
        convention="linearmodels, debiased" if debiased else "linearmodels",
        spec=ForeignSpec(
            library="linearmodels", model=type(model).__name__ if model is not None else "",
            formula=_linearmodels_formula(model), effects=effects,
        ),
        stats=stats,
    )  # fmt: skip


def _linearmodels_formula(model: Any) -> str:
    formula = getattr(model, "formula", "")
    return formula if isinstance(formula, str) else ""


def _linearmodels_method(res: Any) -> str:
    # IV results call their method _method; panel results are named after the model.
    for attribute in ("name", "_method", "method"):
        value = getattr(res, attribute, None)
        if isinstance(value, str):
            return value
    return type(res).__name__


def _linearmodels_dependent(res: Any, model: Any) -> str:
    label = getattr(res, "dependent", None)
    if isinstance(label, str):
        return label
    data = getattr(model, "dependent", None)
    names = getattr(data, "cols", None) or getattr(data, "vars", None) or []
    if len(names):
        return str(names[0])
    return ", ".join(getattr(res, "equation_labels", [])) or "dependent"


def _linearmodels_clusters(res: Any) -> dict[str, int]:
    """Numbers of clusters, from the covariance estimator that the result keeps."""
    holder = getattr(getattr(res, "_deferred_cov", None), "__self__", None)
    groups = getattr(holder, "_clusters", None)
    config = getattr(res, "cov_config", None)
    if groups is None and isinstance(config, Mapping):
        groups = config.get("clusters")
    if groups is None:
        return {}
    values = np.asarray(groups)
    columns = [values] if values.ndim == 1 else list(values.T)
    return {f"group {i + 1}": len(np.unique(c)) for i, c in enumerate(columns)}


def _linearmodels_tests(res: Any) -> dict[str, Any]:
    """Tests that are at hand without further computing: J of GMM, the pooled-effects F."""
    found: dict[str, Any] = {}
    for name, attribute, label in (
        ("hansen", "j_stat", "Hansen J"), ("sargan", "sargan", "Sargan"),
        ("f_effects", "f_pooled", "F test of the effects"),
    ):  # fmt: skip
        try:
            test = getattr(res, attribute, None)
            value = float(getattr(test, "stat", np.nan))
            p = float(getattr(test, "pval", np.nan))
        except (TypeError, ValueError, AttributeError):
            continue
        if np.isfinite(value) and np.isfinite(p):
            second = getattr(test, "df_denom", None)
            first = float(test.df)  # type: ignore[union-attr]
            found[name] = TestStatistic(
                name=label, null=str(getattr(test, "null", "")), statistic=value,
                distribution="F" if second else "chi2",
                df=(first, float(second)) if second else first, pvalue=p,
            )  # fmt: skip
    return found


# ---------------------------------------------------------------------- pyfixest


def _pyfixest(res: Any) -> Any:
    models = getattr(res, "all_fitted_models", None)
    if isinstance(models, Mapping):
        return [_pyfixest(model) for model in models.values()]
    if not hasattr(res, "_beta_hat") or not hasattr(res, "_vcov"):
        raise _unfitted(res, "pyfixest")
    names = [str(n) for n in res._coefnames]
    params = pd.Series(np.asarray(res._beta_hat, dtype=float).ravel(), index=names)
    # pyfixest compares generalised linear models with the normal, linear ones with t.
    normal = str(res._method).startswith(("fepois", "feglm"))
    absorbed = getattr(res, "_k_fe", None)
    fixef = [f for f in str(getattr(res, "_fixef", None) or "").split("+") if f and f != "0"]
    lost = 0 if absorbed is None else int(np.sum(np.asarray(absorbed) - 1)) + 1
    clustered = bool(getattr(res, "_is_clustered", False))
    names_of = [str(c) for c in getattr(res, "_clustervar", []) or []]
    # Its own counts are those of the small-sample correction: the smallest, for all groupings.
    groups = getattr(res, "_cluster_df", None)
    counts = [int(groups[c].nunique()) for c in names_of] if groups is not None else []
    detail = str(getattr(res, "_vcov_type_detail", ""))
    description = _kind(detail)
    if clustered:
        sizes = f", {' x '.join(f'{g:,}' for g in counts)} clusters" if counts else ""
        description = f"clustered by {' and '.join(names_of)} ({detail}{sizes})"
    stats = _numbers(
        res, r2="_r2", r2_adjusted="_adj_r2", r2_within="_r2_within",
        r2_pseudo="_pseudo_r2", log_likelihood="_loglik",
    )  # fmt: skip
    label = {"feols": "OLS", "fepois": "Poisson", "feiv": "IV"}
    method = "IV" if getattr(res, "_is_iv", False) else label.get(res._method, res._method)
    return _estimate(
        params=params, cov=np.asarray(res._vcov, dtype=float), dependent=str(res._depvar),
        method=method, nobs=int(res._N), df_resid=float(res._N - len(names) - lost),
        df=None if normal else float(res._df_t), description=description,
        clusters=dict(zip(names_of, counts, strict=False)) if clustered else {},
        convention="fixest",
        spec=ForeignSpec(
            library="pyfixest", model=type(res).__name__, formula=str(getattr(res, "_fml", "")),
            effects=tuple(f.strip() for f in fixef),
        ),
        stats=stats,
    )  # fmt: skip


# ---------------------------------------------------------------------- shared


def _estimate(
    *,
    params: pd.Series[float],
    cov: FloatArray,
    dependent: str,
    method: str,
    nobs: int,
    df_resid: float,
    df: float | None,
    description: str,
    clusters: Mapping[str, int],
    convention: str,
    spec: ForeignSpec,
    stats: Mapping[str, Any],
) -> Estimate:
    if cov.shape != (len(params), len(params)):
        raise ResultError(
            f"{spec.library} {spec.model} has {len(params)} coefficients but a covariance of "
            f"shape {cov.shape}; it cannot be read."
        )
    if clusters and "cluster" in description and "(" not in description:
        counts = " and ".join(
            f"{n} clusters" if name.startswith("group") else f"{n} clusters of {name}"
            for name, n in clusters.items()
        )
        description = f"{description} ({counts})"
    return Estimate.from_arrays(
        names=[str(n) for n in params.index], params=params.to_numpy(dtype=float), cov=cov,
        dependent=dependent, method=method, nobs=nobs, df_resid=df_resid, df_inference=df,
        covariance=CovEstimate(
            cov=cov, df=df, description=description, convention=convention, clusters=clusters
        ),
        spec=spec, stats=stats,
    )  # fmt: skip


def _kind(name: str) -> str:
    """What a library calls its covariance, in one set of words."""
    if re.fullmatch(r"HC[0-5]", name):
        return f"robust to heteroskedasticity ({name})"
    return _KINDS.get(name.lower(), name)


def _numbers(res: Any, **names: str) -> dict[str, Any]:
    """Finite numbers among the attributes of a foreign result, under our names."""
    found: dict[str, Any] = {}
    for ours, theirs in names.items():
        try:
            value = float(getattr(res, theirs))
        except Exception:  # a property of a foreign class may raise anything
            continue
        if np.isfinite(value):
            found[ours] = value
    return found


def _unfitted(obj: Any, library: str) -> ResultError:
    hint = " Call its fit() first." if hasattr(obj, "fit") else ""
    return ResultError(f"{library}'s {type(obj).__qualname__} is not a fitted model.{hint}")


_KINDS = {
    "nonrobust": "classical (homoskedastic)",
    "unadjusted": "classical (homoskedastic)",
    "homoskedastic": "classical (homoskedastic)",
    "iid": "classical (homoskedastic)",
    "robust": "robust to heteroskedasticity",
    "heteroskedastic": "robust to heteroskedasticity",
    "hetero": "robust to heteroskedasticity (HC1)",
    "cluster": "clustered",
    "clustered": "clustered",
}
READERS: dict[str, Callable[[Any], Any]] = {
    "statsmodels": _statsmodels,
    "linearmodels": _linearmodels,
    "pyfixest": _pyfixest,
}


def library(obj: Any) -> str | None:
    for kind in type(obj).__mro__:
        root = kind.__module__.split(".")[0]
        if root in READERS:
            return root
    return None
