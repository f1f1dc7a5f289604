"""Long-run coefficients and responses of equations with lags of the dependent variable."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from migdev.errors import ResultError, listing, suggestion
from migdev.kernels.arrays.distributions import t_quantile, t_two_sided
from migdev.kernels.arrays.types import FloatArray
from migdev.results.inference import check_level

if TYPE_CHECKING:
    from migdev.results.estimate import Estimate

_LAG = re.compile(r"L\((?P<name>.+?)(?:, ?(?P<k>\d+))?\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lags:
    """How coefficients enter the lag polynomials.

    Attributes
    ----------
    own : mapping from lag to position
        Lags of the dependent variable.
    others : mapping from variable to {lag: position}
    """

    own: Mapping[int, int]
    others: Mapping[str, Mapping[int, int]]


def lag_structure(names: Sequence[str], dependent: str) -> Lags:
    """Read the lags from coefficient names: ``x``, ``L(x)``, ``L(x, 2)``.

    The constant and the time effects are left out.
    """
    own: dict[int, int] = {}
    others: dict[str, dict[int, int]] = {}
    for at, name in enumerate(names):
        if name == "Intercept" or name.startswith("time["):
            continue
        match = _LAG.fullmatch(name)
        variable, lag = (match["name"], int(match["k"] or 1)) if match else (name, 0)
        if variable == dependent:
            own[lag] = at
        else:
            others.setdefault(variable, {})[lag] = at
    return Lags(own=own, others=others)


def nearest_persistence(names: Sequence[str], dependent: str, params: FloatArray) -> float | None:
    """0.5 or 0.8, what simulations were made with, nearest to the sum of the lags of the dependent
    variable; None without lags."""
    lags = [*lag_structure(names, dependent).own.values()]
    if not lags:
        return None
    return 0.8 if params[lags].sum() > 0.65 else 0.5


def long_run(
    estimate: Estimate, variables: Sequence[str] | None, level: float, draws: FloatArray | None
) -> pd.DataFrame:
    r"""Long-run coefficients

    .. math:: \theta_x = \frac{\sum_l \beta_{x,l}}{1 - \sum_j \rho_j}

    Standard errors by the delta method, :math:`\partial\theta/\partial\beta = 1/(1-\rho)` and
    :math:`\partial\theta/\partial\rho = \theta/(1-\rho)`; intervals from it, or the percentiles of
    ``draws`` (B, k) of the coefficients.
    """
    lags = _structure(estimate)
    chosen = _chosen(lags, variables)
    b, V = estimate.params.to_numpy(dtype=float), estimate.cov.to_numpy(dtype=float)
    own = list(lags.own.values())
    gap = 1.0 - b[own].sum()
    if abs(gap) < 1e-8:
        raise ResultError(
            f"The lags of {estimate.dependent!r} sum to {b[own].sum():.6g}: with a unit root there "
            "is no long-run coefficient."
        )
    df = estimate.df_inference
    df = None if df is None else float(np.min(df))
    tail = (1 - check_level(level)) / 2
    rows = []
    for name in chosen:
        at = list(lags.others[name].values())
        theta = b[at].sum() / gap
        slope = np.zeros(len(b))
        slope[at] = 1.0 / gap
        slope[own] = theta / gap
        se = float(np.sqrt(slope @ V @ slope))
        half = float(t_quantile(1 - tail, df)) * se
        low, high = theta - half, theta + half
        if draws is not None:
            many = draws[:, at].sum(axis=1) / (1.0 - draws[:, own].sum(axis=1))
            low, high = np.quantile(many, [tail, 1 - tail])
        rows.append((name, theta, se, theta / se, float(t_two_sided(theta / se, df)), low, high))
    columns = ["variable", "estimate", "std_error", "statistic", "p_value", "lower", "upper"]
    return pd.DataFrame(rows, columns=columns).set_index("variable")


def response(
    estimate: Estimate, variable: str, horizons: int, permanent: bool, level: float,
    draws: FloatArray | None,
) -> pd.DataFrame:  # fmt: skip
    r"""Response of y after 0..``horizons`` periods to a unit change of a variable.

    .. math:: \psi_h = \beta_h + \sum_j \rho_j\psi_{h-j}

    is the response to a change for one period; a permanent change has the sum
    :math:`\sum_{s\le h}\psi_s`, which tends to the long-run coefficient.
    """
    lags = _structure(estimate, need_own=False)
    (name,) = _chosen(lags, [variable])
    if isinstance(horizons, bool) or not isinstance(horizons, int) or horizons < 0:
        raise ResultError(f"horizons={horizons!r}; give the number of periods, such as 10.")
    b = estimate.params.to_numpy(dtype=float)
    psi = _multipliers(b[None, :], lags, name, horizons, permanent)[0]
    eps = 1e-200  # complex steps: exact derivatives
    stepped = _multipliers(b[None, :] + 1j * eps * np.eye(len(b)), lags, name, horizons, permanent)
    slopes = np.imag(stepped) / eps  # (k, H+1)
    V = estimate.cov.to_numpy(dtype=float)
    se = np.sqrt(np.maximum(np.einsum("kh,kl,lh->h", slopes, V, slopes), 0.0))
    df = estimate.df_inference
    tail = (1 - check_level(level)) / 2
    half = float(t_quantile(1 - tail, None if df is None else float(np.min(df)))) * se
    low, high = psi.real - half, psi.real + half
    if draws is not None:
        many = np.real(_multipliers(draws, lags, name, horizons, permanent))
        low, high = np.quantile(many, [tail, 1 - tail], axis=0)
    frame = {"response": psi.real, "std_error": se, "lower": low, "upper": high}
    return pd.DataFrame(frame, index=pd.RangeIndex(horizons + 1, name="horizon"))


def _multipliers(
    b: FloatArray, lags: Lags, name: str, horizons: int, permanent: bool
) -> FloatArray:
    """(B, H+1) responses for rows of coefficients (B, k)."""
    psi = np.zeros((len(b), horizons + 1), dtype=b.dtype)
    for h in range(horizons + 1):
        at = lags.others[name].get(h)
        if at is not None:
            psi[:, h] += b[:, at]
        for j, position in lags.own.items():
            if h - j >= 0:
                psi[:, h] += b[:, position] * psi[:, h - j]
    return np.cumsum(psi, axis=1) if permanent else psi


def _structure(estimate: Estimate, need_own: bool = True) -> Lags:
    lags = lag_structure(estimate.names, estimate.dependent)
    if 0 in lags.own or (need_own and not lags.own):
        raise ResultError(
            f"{estimate.method} has no lag of {estimate.dependent!r} among its regressors "
            f"({listing(estimate.names)}), so short and long run are the same."
        )
    return lags


def _chosen(lags: Lags, variables: Sequence[str] | None) -> list[str]:
    if variables is None:
        return list(lags.others)
    for name in variables:
        if name not in lags.others:
            raise ResultError(
                f"{name!r} is not a regressor.{suggestion(name, lags.others)} "
                f"Variables: {listing(lags.others)}."
            )
    return list(variables)
