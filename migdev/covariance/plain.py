"""A covariance reduced to sums of scores, for weighting matrices and score tests."""

from __future__ import annotations

from dataclasses import replace

from migdev.covariance.basic import Robust, Unadjusted
from migdev.covariance.clustered import Clustered
from migdev.covariance.serial import BeckKatz, DriscollKraay, NeweyWest
from migdev.covariance.spatial import Conley
from migdev.errors import CovarianceWarning, FewClustersWarning
from migdev.kernels.sandwich.moments import Moments
from migdev.notes import quiet
from migdev.protocols import Covariance, CovEstimate


def plain(cov: Covariance) -> Covariance:
    """The same dependence without small-sample factors and leverage: HC0, CR0, and so on.

    A covariance that is not of this package comes back as it is.
    """
    if isinstance(cov, Unadjusted):
        return replace(cov, convention="none")
    if isinstance(cov, Robust | DriscollKraay | NeweyWest | BeckKatz):
        return replace(cov, kind="HC0", convention="none")
    if isinstance(cov, Clustered):
        return Clustered(*cov.groups, kind="CR0", convention="none", df="groups")
    if isinstance(cov, Conley):
        return replace(cov, convention="none")
    return cov


def quietly(cov: Covariance, moments: Moments) -> CovEstimate:
    """A covariance behind a test; what there is to warn of was said when the model was fitted."""
    with quiet(CovarianceWarning, FewClustersWarning):
        return cov.estimate(moments)
