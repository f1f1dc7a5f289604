"""Links of a conditional mean to the linear index, with the derivatives of their inverses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit, ndtr, ndtri

from migdev.kernels.arrays.types import FloatArray

Function = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class LinkFunction:
    r"""A link :math:`\eta = g(\mu)`.

    Attributes
    ----------
    link, inverse : callable
        :math:`g` and :math:`\mu(\eta)`.
    slope, bend : callable
        :math:`\mu'(\eta)` and :math:`\mu''(\eta)`.
    """

    link: Function
    inverse: Function
    slope: Function
    bend: Function


def _normal(x: Any) -> FloatArray:
    density: FloatArray = np.exp(-0.5 * np.square(x)) / np.sqrt(2 * np.pi)
    return density


def _logistic(x: Any) -> Any:
    return expit(x) * expit(-x)


def _gompertz(x: Any) -> Any:
    """Density of the complementary log-log link, exp(x - exp(x))."""
    return np.exp(x - np.exp(x))


LINKS: Mapping[str, LinkFunction] = {
    "identity": LinkFunction(
        lambda m: m, lambda x: x, lambda x: np.ones_like(x), lambda x: np.zeros_like(x)
    ),
    "log": LinkFunction(np.log, np.exp, np.exp, np.exp),
    "logit": LinkFunction(
        logit, expit, _logistic, lambda x: _logistic(x) * (expit(-x) - expit(x))
    ),
    "probit": LinkFunction(ndtri, ndtr, _normal, lambda x: -x * _normal(x)),
    "cloglog": LinkFunction(
        lambda m: np.log(-np.log1p(-m)), lambda x: -np.expm1(-np.exp(x)), _gompertz,
        lambda x: _gompertz(x) * -np.expm1(x),
    ),
}  # fmt: skip
