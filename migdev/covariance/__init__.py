"""Covariance estimators: frozen specifications that work on the moments of any linear fit."""

from migdev.covariance.basic import Robust, Unadjusted
from migdev.covariance.clustered import Clustered
from migdev.covariance.serial import BeckKatz, DriscollKraay, NeweyWest
from migdev.covariance.spatial import Conley
from migdev.covariance.words import (
    CovarianceLike,
    CovarianceOption,
    OptionalCovariance,
    as_covariance,
)

__all__ = [
    "BeckKatz",
    "Clustered",
    "Conley",
    "CovarianceLike",
    "CovarianceOption",
    "DriscollKraay",
    "NeweyWest",
    "OptionalCovariance",
    "Robust",
    "Unadjusted",
    "as_covariance",
]
