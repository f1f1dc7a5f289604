"""Covariance estimators: frozen specifications that work on the moments of any linear fit."""

from migdev.covariance.basic import Robust, Unadjusted
from migdev.covariance.clustered import Clustered
from migdev.covariance.serial import BeckKatz, DriscollKraay, NeweyWest
from migdev.covariance.spatial import Conley

__all__ = [
    "BeckKatz",
    "Clustered",
    "Conley",
    "DriscollKraay",
    "NeweyWest",
    "Robust",
    "Unadjusted",
]
