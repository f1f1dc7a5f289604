"""ThresholdEstimate: coefficients by regime, thresholds, their intervals and tests."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from migdev.errors import ResultError
from migdev.kernels.arrays.types import FloatArray
from migdev.results.estimate import Estimate
from migdev.results.inference import check_level


@dataclass(frozen=True, kw_only=True, eq=False)
class ThresholdEstimate(Estimate):
    """A panel threshold regression.

    Attributes
    ----------
    threshold_variable : str
    thresholds : tuple of float
        Rising.
    regimes : DataFrame
        Lower and upper bound, rows and entities of each regime.
    candidates : (G,)
    lr_paths : tuple of (G,)
        Likelihood ratios of every candidate, by threshold, the other thresholds held fixed.
    """

    threshold_variable: str
    thresholds: tuple[float, ...]
    regimes: pd.DataFrame = field(repr=False)
    candidates: FloatArray = field(repr=False)
    lr_paths: tuple[FloatArray, ...] = field(repr=False)

    def threshold_conf_int(self, level: float = 0.95) -> pd.DataFrame:
        r"""Intervals of the thresholds by inverting the likelihood ratio (Hansen 1999, eq. 18).

        .. math::
            LR(\gamma) = \frac{S(\gamma) - S(\hat\gamma)}{\hat\sigma^2} \le
            -2\ln(1 - \sqrt{level})

        The bounds are the least and the greatest candidate that is not rejected.
        """
        critical = -2.0 * np.log(1.0 - np.sqrt(check_level(level)))
        rows = []
        for value, path in zip(self.thresholds, self.lr_paths, strict=True):
            inside = self.candidates[path <= critical]
            rows.append((value, inside.min(), inside.max()))
        index = pd.RangeIndex(1, len(rows) + 1, name="threshold")
        return pd.DataFrame(rows, columns=["estimate", "lower", "upper"], index=index)

    def lr_path(self, threshold: int = 1) -> pd.DataFrame:
        """Candidates and their likelihood ratio, for the figure of Hansen (1999)."""
        if not 1 <= threshold <= len(self.thresholds):
            raise ResultError(
                f"threshold={threshold}; the model has thresholds 1 to {len(self.thresholds)}."
            )
        path = self.lr_paths[threshold - 1]
        tried = np.isfinite(path)
        return pd.DataFrame({"value": self.candidates[tried], "lr": path[tried]})

    def summary(self, level: float = 0.95) -> str:
        """The estimate as plain text, with thresholds and regimes."""
        intervals = self.threshold_conf_int(level)
        lines = [
            super().summary(level),
            f"Thresholds of {self.threshold_variable}:",
            intervals.to_string(float_format=lambda v: f"{v:.6g}"),
            self.regimes.to_string(float_format=lambda v: f"{v:.6g}"),
        ]
        return "\n".join(lines)
