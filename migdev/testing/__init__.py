"""Checks for parts that others write: an estimator, a result, a covariance, a source of data."""

from migdev.testing.covariances import check_covariance
from migdev.testing.estimators import check_estimator, check_result
from migdev.testing.scores import check_scores
from migdev.testing.sources import check_source

__all__ = ["check_covariance", "check_estimator", "check_result", "check_scores", "check_source"]
