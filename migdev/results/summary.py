"""An estimate as one row, and as plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from migdev.results.statistic import TestStatistic

if TYPE_CHECKING:
    from migdev.results.estimate import Estimate


def glance(fit: Estimate) -> pd.DataFrame:
    """One row: method, sample and the numbers among :attr:`stats`."""
    numbers = {k: v for k, v in fit.stats.items() if isinstance(v, int | float)}
    return pd.DataFrame(
        [
            {
                "method": fit.method,
                "dependent": fit.dependent,
                "nobs": fit.nobs,
                "entities": fit.entities,
                "periods": fit.periods,
                "df_resid": fit.df_resid,
                **numbers,
            }
        ]
    )


def summary(fit: Estimate, level: float = 0.95) -> str:
    """The estimate as plain text."""
    head = f"{fit.method}: {fit.dependent}, {fit.nobs:,} observations"
    if fit.entities is not None:
        head += f", {fit.entities:,} entities, {fit.periods:,} periods"
    body = fit.tidy(level).set_index("term").rename_axis(None)
    lines = [head, body.to_string(float_format=lambda v: f"{v:.5g}")]
    if fit.covariance is not None:
        lines.append(f"Standard errors: {fit.covariance.description}")
    lines += [fit.facts.caution] if fit.facts.caution else []
    lines += [f"{k}: {v:.5g}" for k, v in fit.stats.items() if isinstance(v, int | float)]
    lines += [str(v) for v in fit.stats.values() if isinstance(v, TestStatistic)]
    lines += [f"Not used: {count} rows, {why}" for why, count in fit.dropped.items()]
    lines += [f"Left out: {name}, {why}" for name, why in fit.dropped_columns.items()]
    return "\n".join(lines)
