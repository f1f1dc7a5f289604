"""Averages of entities' coefficients, and what each entity adds to them."""

from __future__ import annotations

from dataclasses import dataclass

from migdev.kernels.arrays.robust_mean import robust_influence, robust_location
from migdev.kernels.arrays.types import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Average:
    r"""Mean group estimate, plain or robust.

    .. math::
        \hat V = \frac{N}{N-1}\sum_i\psi_i\psi_i', \qquad
        \psi_i = (\hat\beta_i-\hat\beta)/N \text{ for the plain mean} \quad (1)

    Attributes
    ----------
    params : (k,)
    influence : (N, k)
        :math:`\psi_i`.
    robust : False, "huber" or "biweight"
    """

    params: FloatArray
    influence: FloatArray
    robust: bool | str

    @property
    def cov(self) -> FloatArray:
        """(k, k), eq. (1)."""
        N = len(self.influence)
        return self.influence.T @ self.influence * (N / (N - 1))


def average(slopes: FloatArray, robust: bool | str = False) -> Average:
    """Mean, or M-estimate of the mean, of slopes (N, k)."""
    if robust is False:
        mean = slopes.mean(axis=0)
        return Average(mean, (slopes - mean) / len(slopes), False)
    location = robust_location(slopes, str(robust))
    return Average(location, robust_influence(slopes, location, str(robust)), robust)
