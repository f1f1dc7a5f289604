"""What the package maketables reads of a result; it asks for attributes of these names."""

from __future__ import annotations

from typing import Any

import pandas as pd

_STATS = {"N": "nobs", "adj_r2": "r2_adjusted", "r2_within": "r2_within", "se_type": "covariance"}


def coef_table(estimate: Any) -> pd.DataFrame:
    """Coefficients under its headings: ``b, se, t, p, ci95l, ci95u``."""
    tidy: pd.DataFrame = estimate.tidy().set_index("term").rename_axis("Coefficient")
    heads = {
        "estimate": "b", "std_error": "se", "statistic": "t", "p_value": "p",
        "conf_low": "ci95l", "conf_high": "ci95u",
    }  # fmt: skip
    return tidy[list(heads)].rename(columns=heads)


def stat(estimate: Any, key: str) -> Any:
    """A statistic by its name there, or by ours; None where there is none."""
    name = _STATS.get(key, key)
    if name == "covariance":
        return None if estimate.covariance is None else estimate.covariance.description
    value = estimate.nobs if name == "nobs" else estimate.stats.get(name)
    return value if isinstance(value, int | float) else getattr(value, "statistic", None)


def fixef_string(estimate: Any) -> str | None:
    """Absorbed effects, joined by plus signs."""
    return " + ".join(estimate.facts.effects()) or None


def stat_labels(estimate: Any) -> dict[str, str]:
    """Labels of statistics, under its names too."""
    labels: dict[str, str] = dict(estimate.facts.labels)
    return labels | {key: labels[name] for key, name in _STATS.items() if name in labels}
