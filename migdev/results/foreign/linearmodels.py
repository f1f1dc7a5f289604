"""Fitted models of linearmodels as estimates; the library is not imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from migdev.results.facts import Facts, linear_facts
from migdev.results.foreign.record import covariance_words, estimate, numbers, unfitted
from migdev.results.foreign.spec import ForeignSpec
from migdev.results.statistic import TestStatistic


def read_linearmodels(res: Any) -> Any:
    if not hasattr(res, "params") or not hasattr(res, "cov"):
        raise unfitted(res, "linearmodels")
    model = getattr(res, "model", None)
    debiased = bool(getattr(res, "debiased", getattr(res, "_debiased", False)))
    df_resid = float(res.df_resid)
    kind = str(getattr(res, "cov_estimator", getattr(res, "_cov_type", "")))
    name = type(model).__name__
    stats = numbers(res, **_NUMBERS, **_R2.get(name, {"r2": "rsquared"}))
    for key, attribute in (("entities", "entity_info"), ("periods", "time_info")):
        info = getattr(res, attribute, None)
        if info is not None:
            stats[key] = int(info["total"])
    stats |= _tests(res)
    return estimate(
        params=res.params, cov=np.asarray(res.cov, dtype=float),
        dependent=_dependent(res, model), method=_method(res),
        nobs=int(res.nobs), df_resid=df_resid, df=df_resid if debiased else None,
        description=covariance_words(kind), clusters=_clusters(res),
        convention="linearmodels, debiased" if debiased else "linearmodels",
        spec=ForeignSpec(
            library="linearmodels", model=name if model is not None else "",
            formula=_formula(model),
        ),
        stats=stats, facts=_facts(res, model, name),
    )  # fmt: skip


_NUMBERS = {
    "r2_adjusted": "rsquared_adj", "r2_within_entities": "rsquared_within",
    "r2_between": "rsquared_between", "r2_overall": "rsquared_overall", "log_likelihood": "loglik",
}  # fmt: skip
#: ``rsquared`` of models that absorb effects is that of the absorbed data.
_R2 = {
    "PanelOLS": {"r2": "rsquared_inclusive", "r2_within": "rsquared"},
    "AbsorbingLS": {"r2": "rsquared", "r2_within": "absorbed_rsquared"},
}


def _facts(res: Any, model: Any, name: str) -> Facts:
    effects = tuple(str(e).lower() for e in getattr(res, "included_effects", ()) or ())
    if name not in _LINEAR:
        return Facts()
    constant = bool(effects or getattr(model, "has_constant", True))
    absorbed = {"absorbed": effects} if name == "PanelOLS" else {}
    return linear_facts(**{"constant": constant, **absorbed, **_LINEAR[name]})


_LINEAR: dict[str, dict[str, Any]] = {
    "PanelOLS": {"principle": "least squares"},
    "PooledOLS": {"principle": "least squares", "absorbed": ()},
    "RandomEffects": {
        "principle": "least squares", "absorbed": (), "random": ("entity",),
        "form": "quasi-demeaned",
    },
    "BetweenOLS": {"principle": "least squares", "form": "means"},
    "FirstDifferenceOLS": {
        "principle": "least squares", "form": "differences", "removed": ("entity",),
    },
    "FamaMacBeth": {"principle": "averages"},
    "AbsorbingLS": {"principle": "least squares", "constant": True},
    "OLS": {"principle": "least squares"},
    "IV2SLS": {"principle": "instruments"},
    "IVLIML": {"principle": "instruments"},
    "IVGMM": {"principle": "instruments"},
    "IVGMMCUE": {"principle": "instruments"},
}  # fmt: skip


def _formula(model: Any) -> str:
    formula = getattr(model, "formula", "")
    return formula if isinstance(formula, str) else ""


def _method(res: Any) -> str:
    # IV results call their method _method; panel results are named after the model.
    for attribute in ("name", "_method", "method"):
        value = getattr(res, attribute, None)
        if isinstance(value, str):
            return value
    return type(res).__name__


def _dependent(res: Any, model: Any) -> str:
    label = getattr(res, "dependent", None)
    if isinstance(label, str):
        return label
    data = getattr(model, "dependent", None)
    names = getattr(data, "cols", None) or getattr(data, "vars", None) or []
    if len(names):
        return str(names[0])
    return ", ".join(getattr(res, "equation_labels", [])) or "dependent"


def _clusters(res: Any) -> dict[str, int]:
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


def _tests(res: Any) -> dict[str, Any]:
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
