"""SystemEstimate: coefficients of several equations with one covariance."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from migdev.errors import ResultError, listing, suggestion
from migdev.kernels.arrays.types import FloatArray
from migdev.results.estimate import Estimate, Sample


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SystemPart:
    """One equation of a system.

    Attributes
    ----------
    name, dependent : str
    terms : tuple of str
        Names of its coefficients without that of the equation.
    first : int
        Place of its first coefficient among all.
    residual, observed : (n,)
    sample : Sample
    r2 : float
    """

    name: str
    dependent: str
    terms: tuple[str, ...]
    first: int
    residual: FloatArray
    observed: FloatArray
    sample: Sample
    r2: float


@dataclass(frozen=True, kw_only=True, eq=False)
class SystemEstimate(Estimate):
    """An estimate of several equations; coefficients are called ``equation_term``.

    Attributes
    ----------
    parts : tuple of SystemPart
    sigma : DataFrame
        Covariance of the errors between equations, as it weighted them.
    """

    parts: tuple[SystemPart, ...] = field(repr=False)
    sigma: pd.DataFrame

    @property
    def equations(self) -> dict[str, Estimate]:
        """Each equation as an estimate of its own, with its part of the covariance: ready for
        ``table(fit.equations)``."""
        return {part.name: self.equation(part.name) for part in self.parts}

    def equation(self, name: str) -> Estimate:
        """One equation, its coefficients by the names of its terms."""
        names = [part.name for part in self.parts]
        if name not in names:
            raise ResultError(
                f"The system has no equation {name!r}.{suggestion(name, names)} It has "
                f"{listing(names, 20)}."
            )
        part = self.parts[names.index(name)]
        at = slice(part.first, part.first + len(part.terms))
        cov, df, n = self.cov.to_numpy()[at, at], self.df_inference, len(part.observed)
        how = self.covariance and replace(self.covariance, cov=cov)
        return Estimate.from_arrays(
            names=part.terms, params=self.params.to_numpy()[at], cov=cov, covariance=how,
            cov_spec=self.cov_spec, dependent=part.dependent, method=self.method, nobs=n,
            df_resid=float(n - len(part.terms)), stats={"r2": part.r2}, spec=self.spec,
            df_inference=df[at] if isinstance(df, np.ndarray) else df, sample=part.sample,
            residual=part.residual, observed=part.observed,
            stated=replace(self.stated, link="identity", labels={}),
        )  # fmt: skip

    @property
    def correlation(self) -> pd.DataFrame:
        """Correlation of the errors between equations."""
        s = np.sqrt(np.diagonal(self.sigma))
        return self.sigma.div(np.outer(s, s))
