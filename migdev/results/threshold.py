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

        The bounds are the least and the greatest candidate that is not rejected. Where ``parts`` is
        more than one, candidates between them are rejected: :meth:`threshold_conf_set` gives the
        parts.
        """
        found = self.threshold_conf_set(level).groupby(level="threshold")
        columns = {
            "estimate": list(self.thresholds), "lower": found["lower"].min(),
            "upper": found["upper"].max(), "parts": found.size(),
        }  # fmt: skip
        return pd.DataFrame(columns)

    def threshold_conf_set(self, level: float = 0.95) -> pd.DataFrame:
        """The set of candidates that the likelihood ratio of :meth:`threshold_conf_int` does not
        reject, as intervals: one row for each run of neighbouring candidates, by threshold."""
        critical = -2.0 * np.log(1.0 - np.sqrt(check_level(level)))
        rows = []
        for at, path in enumerate(self.lr_paths, start=1):
            tried = np.isfinite(path)
            candidates, inside = self.candidates[tried], path[tried] <= critical
            first = np.flatnonzero(inside & ~np.append(False, inside[:-1]))
            last = np.flatnonzero(inside & ~np.append(inside[1:], False))
            rows += [(at, candidates[a], candidates[b]) for a, b in zip(first, last, strict=True)]
        frame = pd.DataFrame(rows, columns=["threshold", "lower", "upper"])
        return frame.set_index("threshold")

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
        parts = self.threshold_conf_set(level)
        broken = []
        for at in intervals.index[intervals["parts"] > 1]:
            spans = parts.loc[[at]].itertuples(index=False)
            said = " and ".join(f"[{s.lower:.6g}, {s.upper:.6g}]" for s in spans)
            broken.append(f"Threshold {at} lies in {said}; candidates between are rejected.")
        lines = [
            super().summary(level),
            f"Thresholds of {self.threshold_variable}:",
            intervals.to_string(float_format=lambda v: f"{v:.6g}"),
            *broken,
            self.regimes.to_string(float_format=lambda v: f"{v:.6g}"),
        ]
        return "\n".join(lines)
