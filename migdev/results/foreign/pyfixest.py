"""Fitted models of pyfixest as estimates; the library is not imported."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from migdev.results.facts import Facts, Link, linear_facts
from migdev.results.foreign.record import (
    covariance_words,
    estimate,
    numbers,
    unfitted,
)
from migdev.results.foreign.spec import ForeignSpec, Rows


def read_pyfixest(res: Any) -> Any:
    models = getattr(res, "all_fitted_models", None)
    if isinstance(models, Mapping):
        return [read_pyfixest(model) for model in models.values()]
    if not hasattr(res, "_beta_hat") or not hasattr(res, "_vcov"):
        raise unfitted(res, "pyfixest")
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
    quantile = str(res._method).startswith("quantreg")
    description = _QUANTILE.get(detail, detail) if quantile else covariance_words(detail)
    if clustered:
        sizes = f", {' x '.join(f'{g:,}' for g in counts)} clusters" if counts else ""
        description = f"clustered by {' and '.join(names_of)} ({detail}{sizes})"
    stats = numbers(
        res, r2="_r2", r2_adjusted="_adj_r2", r2_within="_r2_within",
        r2_pseudo="_pseudo_r2", log_likelihood="_loglik",
    )  # fmt: skip
    label = {"feols": "OLS", "fepois": "Poisson", "feiv": "IV"}
    method = "IV" if getattr(res, "_is_iv", False) else label.get(res._method, res._method)
    return estimate(
        params=params, cov=np.asarray(res._vcov, dtype=float), dependent=str(res._depvar),
        method=method, nobs=int(res._N), df_resid=float(res._N - len(names) - lost),
        df=None if normal else float(res._df_t), description=description,
        clusters=dict(zip(names_of, counts, strict=False)) if clustered else {},
        convention="fixest",
        spec=ForeignSpec(
            library="pyfixest", model=type(res).__name__, formula=str(getattr(res, "_fml", "")),
            rows=partial(_rows, res),
        ),
        stats=stats, facts=_facts(res, tuple(f.strip() for f in fixef)),
    )  # fmt: skip


def _rows(res: Any) -> Rows:
    mean = getattr(res, "_Y_hat_response", None)
    mean = res.predict() if mean is None else mean
    return res._data.reset_index(drop=True), None, np.asarray(mean, dtype=float)


_QUANTILE = {
    "iid": "iid errors, density at the quantile by its sparsity",
    "nid": "robust to heteroskedasticity (Hendricks-Koenker sandwich)",
    "ker": "robust to heteroskedasticity (Powell's kernel sandwich)",
}


def _facts(res: Any, absorbed: tuple[str, ...]) -> Facts:
    method = str(res._method)
    if method.startswith("quantreg"):
        return Facts(linear=True, principle="other")
    link: Link | None = _LINKS.get(method)
    if link is not None:
        return Facts(link=link, linear=False, principle="other", absorbed=absorbed)
    if method.startswith("fegl"):
        return Facts(absorbed=absorbed)
    instrumented = bool(getattr(res, "_is_iv", False))
    return linear_facts("instruments" if instrumented else "least squares", absorbed)


_LINKS: dict[str, Link] = {
    "fepois": "log", "feglm-logit": "logit", "feglm-probit": "probit", "feglm-gaussian": "identity",
}  # fmt: skip
