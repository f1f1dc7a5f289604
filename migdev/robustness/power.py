"""What the data could have detected."""

from __future__ import annotations

from typing import Any

from migdev.errors import SpecificationError
from migdev.kernels.arrays.distributions import t_quantile
from migdev.kernels.arrays.types import FloatArray


def minimum_detectable_effect(
    std_error: Any, df: Any = None, *, level: float = 0.05, power: float = 0.80, sided: int = 2
) -> FloatArray:
    r"""Smallest true effect that a test would have found with the given power.

    .. math:: MDE = (t_{1-\alpha/2,\,df} + t_{power,\,df})\;\widehat{se} \quad (1)

    Parameters
    ----------
    std_error : float or array
    df : float or array, optional
        Degrees of freedom of the t distribution; None for the normal.
    level : float
        Size of the test.
    power : float
    sided : {1, 2}

    References
    ----------
    Bloom (1995), Evaluation Review 19, 547-556.
    """
    for name, value in (("level", level), ("power", power)):
        if not 0 < value < 1:
            raise SpecificationError(f"{name}={value} is not between 0 and 1.")
    if sided not in (1, 2):
        raise SpecificationError(f"sided={sided!r}; use 2 or 1.")
    critical = t_quantile(1 - level / sided, df)
    out: FloatArray = (critical + t_quantile(power, df)) * std_error
    return out
