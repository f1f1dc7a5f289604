"""Estimates that keep the coefficients of every entity."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from migdev.errors import ResultError, listing, suggestion
from migdev.kernels.distributions import t_quantile, t_two_sided
from migdev.kernels.entity_draws import drawn, mean_draws
from migdev.kernels.types import FloatArray, IntArray
from migdev.results.estimate import Estimate
from migdev.results.inference import check_level


@dataclass(frozen=True, kw_only=True, eq=False)
class HeterogeneousEstimate(Estimate):
    """An average of entities' coefficients, with the coefficients themselves.

    Attributes
    ----------
    slopes : (N, p)
        Coefficients by entity; ``p`` counts also what :attr:`params` does not report (trends,
        cross-section averages).
    slope_cov : (N, p, p)
        Classical covariance of each entity's coefficients.
    slope_names : tuple of str
    entity_labels : Index
        The N entities of the sample.
    entity_nobs, entity_df : (N,)
        Periods used and residual degrees of freedom by entity.
    """

    slopes: FloatArray = field(default_factory=lambda: np.empty((0, 0)), repr=False)
    slope_cov: FloatArray = field(default_factory=lambda: np.empty((0, 0, 0)), repr=False)
    slope_names: tuple[str, ...] = ()
    entity_labels: pd.Index = field(default_factory=lambda: pd.Index([]), repr=False)
    entity_nobs: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64), repr=False)
    entity_df: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64), repr=False)

    def by_entity(
        self, terms: str | Sequence[str] | None = None, level: float = 0.95
    ) -> pd.DataFrame:
        """One row per entity and coefficient.

        Columns ``entity, term, estimate, std_error, statistic, p_value, conf_low, conf_high,
        nobs``; the inference is that of each entity's own regression (t, classical errors).
        """
        wanted = [terms] if isinstance(terms, str) else list(terms or self.slope_names)
        at = [self._slope(term) for term in wanted]
        estimate = self.slopes[:, at]
        error = np.sqrt(np.einsum("njj->nj", self.slope_cov)[:, at])
        df = np.broadcast_to(self.entity_df[:, None], estimate.shape).astype(float)
        half = t_quantile(0.5 + check_level(level) / 2, df) * error
        with np.errstate(invalid="ignore", divide="ignore"):
            statistic = estimate / error
        return pd.DataFrame(
            {
                "entity": np.repeat(np.asarray(self.entity_labels), len(at)),
                "term": np.tile(np.asarray(wanted, dtype=object), len(self.slopes)),
                "estimate": estimate.ravel(),
                "std_error": error.ravel(),
                "statistic": statistic.ravel(),
                "p_value": t_two_sided(statistic, df).ravel(),
                "conf_low": (estimate - half).ravel(),
                "conf_high": (estimate + half).ravel(),
                "nobs": np.repeat(self.entity_nobs, len(at)),
            }
        )

    def caterpillar(self, term: str, ax: Any = None, level: float = 0.95) -> Any:
        """Entities' coefficients in order of size, with intervals and the average; matplotlib
        axes."""
        import matplotlib.pyplot as plt

        frame = self.by_entity(term, level).sort_values("estimate")
        if ax is None:
            ax = plt.subplots(figsize=(5.0, max(2.5, 0.18 * len(frame))))[1]
        rows = np.arange(len(frame))
        ax.hlines(rows, frame["conf_low"], frame["conf_high"], color="0.6", linewidth=1)
        ax.plot(frame["estimate"], rows, "o", color="black", markersize=3)
        if term in self.params.index:
            low, high = self.conf_int(level).loc[term]
            ax.axvspan(low, high, color="C0", alpha=0.15, linewidth=0)
            ax.axvline(self.params[term], color="C0", linewidth=1)
        ax.set_yticks(rows, [str(e) for e in frame["entity"]], fontsize=7)
        ax.set_xlabel(f"{term} ({level:.0%} intervals; band: {self.method})")
        return ax

    def bootstrap(
        self,
        terms: str | Sequence[str] | None = None,
        *,
        level: float = 0.95,
        replications: int = 999,
        seed: int = 0,
    ) -> pd.DataFrame:
        """Percentile intervals from samples of whole entities, drawn with replacement.

        Each sample is averaged as the estimate was (by M-estimates where it was robust); a pooled
        long run is maximised anew. Cross-section averages and common processes stay as they are:
        the common shocks are given, entities are drawn. Where single long-run coefficients are
        wild, because speeds are near zero, these intervals are not symmetric and the delta
        method's are too regular.

        Parameters
        ----------
        terms : str or sequence of str, optional
            Coefficients; default all of :attr:`params`.

        Returns
        -------
        DataFrame, index ``term``
            ``estimate, std_error, lower, upper, draws``: the standard deviation and quantiles of
            the draws, and how many of them could be estimated.

        Raises
        ------
        ResultError
            The estimate is not an average of entities' coefficients (pooled, jackknifed).
        """
        tail = (1 - check_level(level)) / 2
        if isinstance(replications, bool) or not isinstance(replications, int) or replications < 2:
            raise ResultError(f"replications={replications!r}; a number of samples, such as 999.")
        wanted = [terms] if isinstance(terms, str) else list(terms or self.params.index)
        for term in wanted:
            if term not in self.params.index:
                raise ResultError(
                    f"{self.method} has no coefficient {term!r}."
                    f"{suggestion(term, self.names)} It has {listing(self.names, 12)}."
                )
        draws = self._draws(replications, seed)[:, [self.names.index(term) for term in wanted]]
        low, high = np.quantile(draws, [tail, 1 - tail], axis=0)
        return pd.DataFrame(
            {
                "estimate": self.params[wanted].to_numpy(), "std_error": draws.std(axis=0, ddof=1),
                "lower": low, "upper": high, "draws": len(draws),
            },
            index=pd.Index(wanted, name="term"),
        )  # fmt: skip

    def _draws(self, replications: int, seed: int) -> FloatArray:
        """(B, k) estimates on samples of entities."""
        own = getattr(self.spec, "bootstrap", None)
        params = self.params.to_numpy(dtype=float)
        if own is not None and self.sample is not None:
            with warnings.catch_warnings():  # the fit has reported them
                warnings.simplefilter("ignore")
                found: FloatArray = own(self.sample.panel, params, replications, seed)
            return found
        robust = getattr(self.spec, "robust", False)
        names = list(self.slope_names)
        if set(self.names) <= set(names) and len(self.slopes):
            slopes = self.slopes[:, [names.index(name) for name in self.names]]
            everyone = np.arange(len(slopes))[None, :]
            again = mean_draws(slopes, robust, everyone)[0]
            if np.allclose(again, params, rtol=1e-8, atol=1e-12):
                return mean_draws(slopes, robust, drawn(len(slopes), replications, seed))
        raise ResultError(
            f"{self.method} is not an average of coefficients by entity, so drawing entities does "
            "not give its distribution. Use its covariance: conf_int()."
        )

    def _slope(self, term: str) -> int:
        if term not in self.slope_names:
            raise ResultError(
                f"{self.method} has no coefficient {term!r} by entity."
                f"{suggestion(term, self.slope_names)} It has {listing(self.slope_names, 12)}."
            )
        return self.slope_names.index(term)
