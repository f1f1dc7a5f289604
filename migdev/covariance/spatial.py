"""Covariance robust to spatial correlation."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Literal

import numpy as np

from migdev.covariance import small_sample
from migdev.covariance.common import column, mended, periods
from migdev.covariance.small_sample import Convention
from migdev.errors import CovarianceError, SpecificationError
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.sandwich.hac import kernel_weights, summed_by_cell, within_meat
from migdev.kernels.sandwich.spatial import EARTH, spatial_meat
from migdev.options import check_options
from migdev.protocols import CovEstimate, Scores


@dataclass(frozen=True, slots=True)
class Conley:
    r"""Covariance robust to correlation between places within a distance of one another.

    .. math::
        \hat V = B\Bigl\{\sum_t\sum_{i,j} K(d_{ij})\, s_{it}s_{jt}' +
            \sum_i\sum_{t\ne r} k(|t-r|)\, s_{it}s_{ir}'\Bigr\}B, \qquad
        s_{it} = x_{it}\hat u_{it} \quad (1)

    with great-circle distances :math:`d_{ij}`, :math:`K(d) = 1` (uniform) or
    :math:`1 - d/\mathrm{cutoff}` (Bartlett) up to the cutoff, and
    :math:`k(l) = 1 - l/(\mathrm{lags}+1)` up to ``lags``, within entities.

    Parameters
    ----------
    cutoff : float
        In kilometres; pairs at the cutoff are in.
    latitude, longitude : str
        Columns of the panel, in degrees.
    kernel : {"uniform", "bartlett"}
        Over distance.
    lags : int
        Largest serial lag within an entity, by the value of time; 0 for none.
    across_time : bool
        Pair places in all periods, not only in the same one: ``fixest::vcov_conley``, which knows
        no time. Excludes ``lags``.
    radius : float
        Of the Earth, km. fixest uses 6376, older scripts 6371.
    convention : str
        "stata" (ols_spatial_HAC, acreg): no factor, normal distribution. "fixest":
        :math:`(n-1)/(n-K)`, t(n - K). "linearmodels", "sandwich", "clubsandwich":
        :math:`n/(n-K)`, t(n - K). "plm": 1, t(n - K). "none": 1, normal.

    Raises
    ------
    CovarianceError
        Missing or impossible coordinates.

    Notes
    -----
    The convention of eq. (1) - space within periods, time within entities, Bartlett weights over
    time - is Hsiang's (2010), also of acreg and conleyreg. He measures distance on a plane,
    degrees times 111 km; here it is the great circle. With the uniform kernel the sum need not be
    positive semi-definite; it is then mended, with a CovarianceWarning. Two rows at one place
    are at distance zero.

    References
    ----------
    Conley (1999), Journal of Econometrics 92, 1-45. Hsiang (2010), Proceedings of the National
    Academy of Sciences 107, 15367-15372. Colella, Lalive, Sakalli and Thoenig (2023), Stata
    Journal 23, acreg.
    """

    cutoff: float
    _: KW_ONLY
    latitude: str = "latitude"
    longitude: str = "longitude"
    kernel: Literal["uniform", "bartlett"] = "uniform"
    lags: int = 0
    across_time: bool = False
    radius: float = EARTH
    convention: Convention = "stata"

    def __post_init__(self) -> None:
        check_options(self)
        if not (np.isfinite(self.cutoff) and self.cutoff > 0):
            raise SpecificationError(
                f"cutoff={self.cutoff!r}; it is a distance in km, above zero. Without spatial "
                "correlation use NeweyWest() or Robust()."
            )
        if not (isinstance(self.lags, int) and self.lags >= 0):
            raise SpecificationError(f"lags={self.lags!r}; it is a number of periods, 0 for none.")
        if self.across_time and self.lags:
            raise SpecificationError(
                "across_time=True already pairs all periods of a place; leave lags at 0."
            )

    def requires(self) -> tuple[str, ...]:
        return (self.latitude, self.longitude)

    def estimate(self, moments: Scores) -> CovEstimate:
        m = moments
        lat = self._coordinate(m, self.latitude, -90.0, 90.0)
        lon = self._coordinate(m, self.longitude, -180.0, 360.0)
        psi = m.influence()
        together = self.across_time or m.time is None  # units that span periods meet all others
        period = np.zeros(len(psi), dtype=np.int64) if together else periods(m, "Conley()")[1]
        cov = spatial_meat(
            psi, lat, lon, period, float(self.cutoff),
            bartlett=self.kernel == "bartlett", radius=self.radius,
        )  # fmt: skip
        if self.lags:
            periods(m, f"Conley(lags={self.lags})")
            assert m.time is not None
            cells, entity, time = summed_by_cell(psi, m.entity, m.time)
            weights = kernel_weights("bartlett", self.lags, self.lags)
            # lag 0 stands in the spatial part
            cov = cov + within_meat(cells, entity, time, weights) - cells.T @ cells
        correction = small_sample.conley(m, self.convention)
        serial = f", {self.lags} lags" if self.lags else ""
        return CovEstimate(
            cov=mended(m, cov, correction.factor, self),
            df=correction.df,
            description=f"spatial, Conley ({self.kernel}, {self.cutoff:g} km{serial})",
            convention=self.convention,
            clusters={},
        )

    def _coordinate(self, m: Scores, name: str, low: float, high: float) -> FloatArray:
        values = np.asarray(column(m, name, "reads coordinates from"))
        try:
            degrees = values.astype(float)
        except (TypeError, ValueError):
            raise CovarianceError(
                f"The coordinate {name!r} is not numeric; give degrees as numbers."
            ) from None
        missing = int(np.count_nonzero(np.isnan(degrees)))
        if missing:
            raise CovarianceError(
                f"{missing} of {m.nobs} rows have no {name!r}. Fill it, or fit again with this "
                "covariance as cov=..., which leaves such rows out and reports them."
            )
        if degrees.min() < low or degrees.max() > high:
            raise CovarianceError(
                f"{name!r} runs from {degrees.min():g} to {degrees.max():g}; degrees lie between "
                f"{low:g} and {high:g}. Are latitude and longitude exchanged, or in radians?"
            )
        return degrees
