"""Estimate: the one result record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from migdev.covariance import CovarianceLike, as_covariance
from migdev.errors import ResultError
from migdev.kernels.arrays.distributions import t_two_sided
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.sandwich.moments import Moments
from migdev.lazy import late
from migdev.protocols import Covariance, CovEstimate, Scores
from migdev.results import inference, maketables
from migdev.results.facts import UNSTATED, Facts, completed
from migdev.results.inference import Combination
from migdev.results.sample import Sample as Sample
from migdev.results.statistic import TestStatistic, f_test

if TYPE_CHECKING:
    from migdev.results.effects import Effects
    from migdev.results.marginal.averages import Averages
    from migdev.results.marginal.margins import Margins
    from migdev.results.prediction import Coefficients, Predictor


@lru_cache(maxsize=64)
def _labels(names: tuple[str, ...]) -> pd.Index:
    return pd.Index(list(names))


@late("params", "cov", "moments")
@dataclass(frozen=True, kw_only=True, eq=False)
class Estimate:
    """Coefficients with their covariance, and everything a reader may ask of them.

    Attributes
    ----------
    params : Series
    cov : DataFrame
    dependent, method : str
    nobs : int
    df_resid : float
        Observations less all estimated parameters, absorbed effects among them.
    df_inference : float, (k,) array or None
        Degrees of freedom of the t distribution behind tests and intervals; None for the normal.
    stats : mapping
        Numbers (``r2``) and :class:`TestStatistic` s by name.
    spec : object
        The specification that was fitted.
    cov_spec : Covariance, optional
        The covariance that was asked for.
    covariance : CovEstimate, optional
        How the covariance was computed: description, convention, numbers of clusters.
    moments : Scores, optional
        Rows of a linear fit (:class:`~migdev.kernels.sandwich.moments.Moments`) or the influence
        of units (:class:`~migdev.kernels.sandwich.moments.UnitScores`), so that :meth:`with_cov`
        needs no refit.
    sample : Sample, optional
    stated : Facts
        What the estimator says of the fit; read :attr:`facts`, which adds what the record holds.
    """

    params: pd.Series
    cov: pd.DataFrame
    dependent: str
    method: str
    nobs: int
    df_resid: float
    df_inference: float | FloatArray | None = None
    stats: Mapping[str, Any] = field(default_factory=dict)
    spec: Any = None
    cov_spec: Covariance | None = None
    covariance: CovEstimate | None = None
    moments: Scores | None = field(default=None, repr=False)
    sample: Sample | None = field(default=None, repr=False)
    residual: FloatArray | None = field(default=None, repr=False)
    observed: FloatArray | None = field(default=None, repr=False)
    stated: Facts = field(default=UNSTATED, repr=False)

    @classmethod
    def from_arrays(
        cls,
        *,
        names: Sequence[str],
        params: FloatArray,
        cov: FloatArray,
        **fields: Any,
    ) -> Self:
        """Build an estimate from plain arrays, which are put into pandas when they are read;
        ``df_inference`` defaults to ``df_resid``."""
        fields.setdefault("df_inference", fields.get("df_resid"))
        k, params, cov = len(names), np.array(params), np.array(cov)
        if params.shape != (k,) or cov.shape != (k, k):
            raise ResultError(
                f"There are {k} names for coefficients of shape {params.shape} and a covariance of "
                f"shape {cov.shape}; they should be ({k},) and ({k}, {k})."
            )
        index = _labels(tuple(names)).view()  # an index of text takes longer than a small fit
        late: dict[str, Any] = {
            "params": partial(pd.Series, params, index=index, name="params", copy=False),
            "cov": partial(pd.DataFrame, cov, index=index, columns=index, copy=False),
        }
        return cls(**late, **fields)

    @cached_property
    def facts(self) -> Facts:
        """What readers may rely on: effects, link, scores, observations, printable statistics."""
        m = self.moments
        rows = m if isinstance(m, Moments) else None
        return completed(
            self.stated, stats=self.stats, nobs=self.nobs,
            scores="none" if m is None else "rows" if m.by_row else "units",
            weighted=rows is not None and rows.weights is not None,
            constant=rows is None or rows.constant,
        )  # fmt: skip

    # ------------------------------------------------------------------ inference

    @property
    def names(self) -> list[str]:
        return [str(n) for n in self.params.index]

    @cached_property
    def std_errors(self) -> pd.Series:
        return self._series(np.sqrt(np.diagonal(self.cov.to_numpy())), "std_errors")

    @property
    def tstats(self) -> pd.Series:
        return self._series(self._ratios, "tstats")

    @property
    def pvalues(self) -> pd.Series:
        return self._series(t_two_sided(self._ratios, self.df_inference), "pvalues")

    def pvalue(self, name: str, null: float = 0.0) -> float:
        """Two-sided p-value of ``name = null``."""
        c = self.lincom(name)
        return float(t_two_sided((c.estimate - null) / c.std_error, c.df))

    def conf_int(self, level: float = 0.95) -> pd.DataFrame:
        """Confidence intervals, columns ``lower`` and ``upper``."""
        return inference.conf_int(self.params, self.std_errors, self.df_inference, level)

    def wald(self, restrictions: Any) -> TestStatistic:
        """Wald test of linear restrictions.

        Parameters
        ----------
        restrictions : str, list of str or (q, k) array
            ``"L(x) = 0"``, ``["a = b", "c + 2*d = 1"]``, ``["a", "b"]`` (jointly zero), or a
            matrix with one column per coefficient.

        Notes
        -----
        F(q, df) where the coefficients are compared with a t distribution, chi2(q) otherwise.
        A covariance with its own degrees of freedom for contrasts (CR2) uses them.
        """
        R, r, labels = inference.restriction_matrix(restrictions, self.names)
        special = self._contrast_wald(R, R @ self.params.to_numpy() - r, "; ".join(labels))
        if special is not None:
            return special
        df = self.df_inference
        df = None if df is None else float(np.min(df))
        return inference.wald_test(
            self.params.to_numpy(), self.cov.to_numpy(), R, r, df, "; ".join(labels)
        )

    def lincom(self, combination: str) -> Combination:
        """A linear combination such as ``"L(x) + 2*z"``, with its standard error."""
        R, r, _ = inference.restriction_matrix([combination], self.names)
        row = R[0]
        return Combination(
            name=combination,
            estimate=float(row @ self.params.to_numpy() - r[0]),
            std_error=inference.standard_error(self.cov.to_numpy(), row),
            df=self.contrast_df(row),
        )

    def delta(self, function: str | Callable[[pd.Series], Any], name: str = "") -> Combination:
        r"""A non-linear combination by the delta method.

        .. math:: \widehat{se}\{g(\hat\beta)\} = \sqrt{\nabla g' \hat V \nabla g}

        Parameters
        ----------
        function : str or callable
            ``"x / (1 - L(y))"``, or a function of the Series of coefficients.
        """
        f, label = inference.delta_function(function, self.names)
        b = self.params.to_numpy(dtype=float)
        slope = inference.gradient(f, b)
        return Combination(
            name=name or label,
            estimate=float(f(b)),
            std_error=inference.standard_error(self.cov.to_numpy(), slope),
            df=self.contrast_df(slope),
        )

    def margins(self, variable: str, **options: Any) -> Margins:
        """Marginal effects of a variable in interactions and polynomials; see
        :func:`migdev.results.marginal.margins.margins`."""
        from migdev.results.marginal.margins import margins

        return margins(self, variable, **options)

    def average_margins(self, *variables: str, **options: Any) -> Averages:
        """Average marginal effects and elasticities on the scale of the response; see
        :func:`migdev.results.marginal.averages.average_margins`."""
        from migdev.results.marginal.averages import average_margins

        return average_margins(self, *variables, **options)

    def average_predictions(self, **options: Any) -> Averages:
        """Average predictions with delta-method errors; see
        :func:`migdev.results.marginal.averages.average_predictions`."""
        from migdev.results.marginal.averages import average_predictions

        return average_predictions(self, **options)

    def with_cov(self, cov: CovarianceLike) -> Self:
        """The same estimate with another covariance, without refitting.

        Parameters
        ----------
        cov : covariance, word or mapping
            ``Clustered("region")``, ``"HC1"``, ``{"CRV1": "iso3 + year"}``; see
            :func:`migdev.covariance.as_covariance`.
        """
        cov = as_covariance(cov)
        if self.moments is None:
            again = " Fit again with cov=..." if hasattr(self.spec, "cov") else ""
            raise ResultError(
                f"{self.method} keeps no scores, so its covariance cannot be replaced.{again}"
            )
        outcome = cov.estimate(self.moments)
        names = self.names
        return replace(
            self,
            cov=pd.DataFrame(outcome.cov, index=names, columns=names),
            df_inference=outcome.df,
            cov_spec=cov,
            covariance=outcome,
        )

    # ------------------------------------------------------------------ the sample

    @property
    def entities(self) -> int | None:
        """Number of entities in the sample."""
        return None if self.sample is None else int(self.sample.entity.max(initial=-1)) + 1

    @property
    def periods(self) -> int | None:
        """Number of periods in the sample."""
        return None if self.sample is None else len(np.unique(self.sample.time))

    @property
    def dropped(self) -> Mapping[str, int]:
        """Rows of the panel that were not used, by reason."""
        return {} if self.sample is None else self.sample.dropped

    @property
    def dropped_columns(self) -> Mapping[str, str]:
        """Columns that were left out, and why."""
        return {} if self.sample is None else self.sample.dropped_columns

    @property
    def resids(self) -> pd.Series:
        """Residuals by (entity, time): observed less fitted values, effects included."""
        return self._by_row(self.residual, "resids")

    @property
    def fitted(self) -> pd.Series:
        """Fitted values by (entity, time), effects included."""
        if self.observed is None or self.residual is None:
            raise ResultError(f"{self.method} keeps no fitted values.")
        return self._by_row(self.observed - self.residual, "fitted")

    def predict(
        self, data: Any = None, *, effects: str = "estimated", scale: str = "response"
    ) -> pd.Series:
        """Predictions of the sample, or of other data under the same keys; see
        :func:`migdev.results.prediction.predict`."""
        from migdev.results.prediction import predict

        return predict(self, data, effects=effects, scale=scale)

    @cached_property
    def effects(self) -> Effects:
        """Estimated fixed effects by factor and level; ``effects.identification`` says what can
        be compared."""
        from migdev.results.prediction import fixed_effects

        return fixed_effects(self)

    @cached_property
    def predictor(self) -> Predictor:
        """Coefficients and effects that reproduce the fitted values."""
        from migdev.results.prediction import Predictor

        return Predictor.build(self)

    def coefficient_sets(self) -> list[Coefficients]:
        """What may stand behind the fitted values: here the coefficients, common to all rows."""
        from migdev.results.prediction import Coefficients

        return [Coefficients(names=tuple(self.names), values=self.params.to_numpy(dtype=float))]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the panel that was used."""
        return "" if self.sample is None else self.sample.panel.fingerprint

    @property
    def versions(self) -> dict[str, str]:
        """Versions of the packages behind the numbers, with the engine that computed them."""
        from importlib.metadata import version

        return {p: version(p) for p in ("migdev", "numpy", "scipy", "pandas", *self.facts.engines)}

    # ------------------------------------------------------------------ presentation

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """One row per coefficient, with broom's column names."""
        columns = inference.tidy_columns(
            self.params.to_numpy(), self.std_errors.to_numpy(), self.df_inference, level
        )
        return pd.DataFrame({"term": self.names, **columns})

    def glance(self) -> pd.DataFrame:
        """One row: method, sample and the numbers among :attr:`stats`."""
        from migdev.results.summary import glance

        return glance(self)

    def summary(self, level: float = 0.95) -> str:
        """The estimate as plain text."""
        from migdev.results.summary import summary

        return summary(self, level)

    def __str__(self) -> str:
        return self.summary()

    __maketables_coef_table__ = property(maketables.coef_table)
    __maketables_depvar__ = property(lambda self: self.dependent)
    __maketables_fixef_string__ = property(maketables.fixef_string)
    __maketables_stat__ = maketables.stat
    __maketables_stat_labels__ = property(maketables.stat_labels)

    # ------------------------------------------------------------------ private

    @property
    def _ratios(self) -> FloatArray:
        """(k,) coefficients over their standard errors."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.params.to_numpy(float) / self.std_errors.to_numpy())

    def _series(self, values: Any, name: str) -> pd.Series:
        return pd.Series(np.asarray(values, dtype=float), index=self.params.index, name=name)

    def _by_row(self, values: FloatArray | None, name: str) -> pd.Series:
        if values is None or self.sample is None:
            raise ResultError(f"{self.method} keeps no {name}.")
        index = self.sample.panel.index(self.sample.rows)
        return pd.Series(values, index=index, name=name)

    def contrast_df(self, row: FloatArray) -> float | None:
        df = self.df_inference
        if df is None or np.ndim(df) == 0:
            return None if df is None else float(df)
        compute = getattr(self.cov_spec, "contrast_df", None)
        if compute is not None and self.moments is not None:
            return float(compute(self.moments, row))
        used = np.flatnonzero(row)
        return float(np.min(np.asarray(df)[used])) if len(used) else None

    def _contrast_wald(self, R: FloatArray, gap: FloatArray, null: str) -> TestStatistic | None:
        """The test of a covariance that has its own (CR2): F, numerator and denominator df."""
        compute = getattr(self.cov_spec, "contrast_wald", None)
        if compute is None or self.moments is None:
            return None
        outcome = compute(self.moments, R, gap)
        return None if outcome is None else f_test("Wald", null, *outcome)
