"""Thresholds in panels with fixed effects."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pandas as pd

from migdev.covariance import Clustered, CovarianceOption
from migdev.errors import DroppedRowsWarning, IdentificationError, SpecificationError
from migdev.estimators.assembly import Equation, finish, solve
from migdev.estimators.specification import Effects, of_panel, settle
from migdev.estimators.static.linear import drop_singletons, refuse_endogenous
from migdev.kernels.absorb.absorber import absorb
from migdev.kernels.arrays.draws import finite_draws
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.threshold.search import candidates, demean, pieces
from migdev.kernels.threshold.sequential import (
    NoCandidate,
    Sample,
    Stages,
    bootstrap,
    f_statistic,
    stages,
)
from migdev.notes import warn
from migdev.options import held, renamed
from migdev.panel.design import Design
from migdev.panel.terms import evaluate_terms
from migdev.progress import Progress
from migdev.protocols import Data
from migdev.results.facts import Facts
from migdev.results.sizes import with_size
from migdev.results.statistic import TestStatistic
from migdev.results.threshold import ThresholdEstimate

_NUMBERS = {1: "one threshold", 2: "two thresholds", 3: "three thresholds"}


@renamed(replications="draws")
@dataclass(frozen=True, slots=True)
class PanelThreshold:
    r"""Fixed effects with coefficients that change at unknown thresholds (Hansen 1999).

    .. math::
        y_{it} &= \alpha_i + \sum_{r=0}^{g}\beta_r'x_{it}\,1(\gamma_r < q_{it} \le \gamma_{r+1})
            + \theta'z_{it} + e_{it}, \quad \gamma_0 = -\infty,\ \gamma_{g+1} = \infty \quad (1) \\
        \hat\gamma &= \arg\min_\gamma S(\gamma) \quad (2) \\
        F_g &= \frac{S_{g-1} - S_g}{S_g/(n - N)} \quad (3)

    Thresholds are found one after the other, the first anew once the second is known
    (Bai 1997). The search is exact: every observed value of q that leaves enough rows in each
    regime is tried, in one pass over the sorted data. p-values of (3) come from a bootstrap of
    the errors under one threshold fewer.

    Parameters
    ----------
    formula : str
        ``y ~ x + z``; the effects take the intercept.
    threshold : str
        The variable q, a column or a term such as ``"L(debt)"``.
    regime : str
        Terms whose coefficients change, such as ``"x"``; those that the formula lacks are added.
    thresholds : {1, 2, 3}
    regime_intercept : bool
        Let the level change at each threshold too: an indicator of every regime but the last,
        which the effects do not absorb (Bick 2010). Without it (Hansen, xthreg) a shift of the
        level that comes with the regime is read as a change of the slopes.
    effects : tuple of str
        ``("entity",)`` or ``("entity", "time")``.
    trim : float
        Least share of rows in a regime.
    grid : int, optional
        Try so many quantiles of q between ``trim`` and ``1 - trim`` instead of every value
        (Hansen used 393 between 1% and 99%).
    draws : int
        Bootstrap samples behind each p-value; 0 for none.
    bootstrap : {"auto", "entity", "wild"}
        Errors of whole entities drawn with replacement (Hansen; needs a balanced panel), or their
        signs redrawn by entity. "auto" takes the first where the panel is balanced.
    seed : int
    labels : {"values", "symbols"}
        Write the thresholds in the names of coefficients as numbers, ``x[q<=1.5]``, or as
        symbols, ``x[q<=c]`` and ``x[q>c]`` (``c1``, ``c2``, ... for several), which are known
        before the fit and can so be named in a hypothesis.
    cov : Covariance
        Of the coefficients, as if the thresholds were known: their estimates converge faster.
        Default: clustered by entity.

    Raises
    ------
    IdentificationError
        No value of the threshold variable leaves enough rows in every regime.

    Notes
    -----
    The panel may be unbalanced; deviations from entity means are taken over the rows at hand. The
    asymptotics are those of balanced panels with small shifts.

    References
    ----------
    Hansen (1999), Journal of Econometrics 93, 345-368. Bai (1997), Econometric Theory 13, 315-352.
    Bick (2010), Economics Letters 108, 126-129, for regime intercepts.
    Wang (2015), Stata Journal 15, 121-134.
    """

    formula: str
    _: KW_ONLY
    threshold: str
    regime: str
    thresholds: Literal[1, 2, 3] = 1
    regime_intercept: bool = False
    effects: Effects = held(("entity",))
    trim: float = 0.01
    grid: int | None = None
    draws: int = 300
    bootstrap: Literal["auto", "entity", "wild"] = "auto"
    seed: int = 0
    labels: Literal["values", "symbols"] = "values"
    cov: CovarianceOption = held(Clustered("entity"))

    def __post_init__(self) -> None:
        settle(self)
        if self.effects not in (("entity",), ("entity", "time")):
            raise SpecificationError(
                f"effects={self.effects!r}; use ('entity',) or ('entity', 'time')."
            )
        if not 0 < self.trim < 0.5:
            raise SpecificationError(f"trim={self.trim!r} is a share of the rows in (0, 0.5).")
        if self.grid is not None and self.grid < 2:
            raise SpecificationError(f"grid={self.grid!r}; give the number of quantiles, or None.")
        if isinstance(self.draws, bool) or self.draws < 0:
            raise SpecificationError(f"draws={self.draws!r}; give 0 or more.")

    @of_panel
    def fit(self, panel: Data) -> ThresholdEstimate:
        """Estimate on a panel."""
        design, x, x_names, q, q_name = self._data(panel)
        common = [j for j, name in enumerate(design.names) if name not in x_names]
        z, z_names = design.X[:, common], tuple(design.names[j] for j in common)
        sample = self._sample(design, x, z, q)
        if not sample.y.any():
            raise IdentificationError(
                f"{self.formula!r}: {design.dependent!r} does not vary over time within entities."
            )
        try:
            found = stages(sample, self.thresholds)
        except NoCandidate:
            raise IdentificationError(
                f"{self.formula!r}: no value of {q_name!r} leaves {sample.least} rows in each of "
                f"{self.thresholds + 1} regimes. Lower trim, or use fewer thresholds."
            ) from None
        df = design.nobs - int(design.entity.max()) - 1
        if "time" in self.effects:
            df -= len(np.unique(design.time)) - 1
        tests = self._tests(sample, found, design, df)
        order = np.argsort(found.thresholds)
        cuts = np.array(found.thresholds)[order]
        X = np.concatenate([z, pieces(q, x, cuts)], axis=1)
        names = (*z_names, *_labels(x_names, q_name, self._cut_texts(cuts)))
        if self.regime_intercept:
            ones = np.ones((design.nobs, 1))
            X = np.concatenate([X, pieces(q, ones, cuts)[:, :-1]], axis=1)
            names += _labels(("Intercept",), q_name, self._cut_texts(cuts))[:-1]
        factors = tuple(design.codes(name) for name in self.effects)
        within = absorb(np.column_stack([design.y, X]), factors)
        equation = Equation(
            y=within.values[:, 0], X=within.values[:, 1:], names=names,
            norms=np.sqrt(np.einsum("ij,ij->j", X, X)), factors=factors,
            factor_names=self.effects, df_absorbed=within.rank,
            why_absorbed=f"absorbed by the effects {', '.join(self.effects)}",
        )  # fmt: skip
        moments, params, dropped, kept = solve(equation, design)
        rss = float(moments.resid @ moments.resid)
        tss = float(equation.y @ equation.y)
        stats: dict[str, Any] = {
            **tests,
            "r2_within": 1 - rss / tss if tss > 0 else float("nan"),
            "sigma": float(np.sqrt(rss / moments.df_resid)),
            "rss": rss,
        }
        sigma2 = found.least_rss[-1] / df
        paths = tuple((found.paths[j] - found.least_rss[j]) / sigma2 for j in order)
        return finish(
            ThresholdEstimate, spec=self, cov=self.cov, design=design, scores=moments,
            names=kept, params=params, stats=stats,
            method=f"Panel threshold, {_NUMBERS[self.thresholds]}",
            dropped_columns=dropped, residual=moments.resid,
            stated=Facts(
                link="identity", linear=False, principle="least squares", absorbed=self.effects
            ),
            threshold_variable=q_name, thresholds=tuple(float(c) for c in cuts),
            regimes=regime_table(q, cuts, design), candidates=sample.values, lr_paths=paths,
        )  # fmt: skip

    def _data(self, panel: Data) -> tuple[Design, FloatArray, tuple[str, ...], FloatArray, str]:
        design = Design.build(
            self.formula, panel, intercept=False, requires=(*self.effects, *self.cov.requires())
        )
        refuse_endogenous(design, "PanelThreshold")
        x, x_names = evaluate_terms(self.regime, panel)
        q, q_names = evaluate_terms(self.threshold, panel)
        if len(q_names) != 1:
            raise SpecificationError(
                f"threshold={self.threshold!r} names {len(q_names)} variables; give one."
            )
        missing = np.isnan(np.column_stack([x, q])[design.rows])
        complete = np.asarray(~missing.any(axis=1))
        if not complete.all():
            warn(
                f"{self.formula!r}: {int((~complete).sum())} rows are not used: missing in "
                f"{self.threshold!r} or {self.regime!r}.",
                DroppedRowsWarning,
                stacklevel=3,
            )
            design = design.keep(complete, f"missing in {self.threshold!r} or {self.regime!r}")
        design = drop_singletons(design, ("entity",))
        return design, x[design.rows], x_names, q[design.rows, 0], q_names[0]

    def _cut_texts(self, cuts: FloatArray) -> list[str]:
        if self.labels == "values":
            return [f"{c:.6g}" for c in cuts]
        return ["c"] if len(cuts) == 1 else [f"c{g}" for g in range(1, len(cuts) + 1)]

    def _sample(self, design: Design, x: FloatArray, z: FloatArray, q: FloatArray) -> Sample:
        columns = [z, x]
        if "time" in self.effects:
            codes = design.codes("time")
            columns.append(np.eye(int(codes.max()) + 1)[codes][:, 1:])
        W = demean(np.concatenate(columns, axis=1), design.entity)
        if self.regime_intercept:  # the effects absorb it where it does not change
            x = np.column_stack([x, np.ones(len(x))])
        least = max(int(np.ceil(self.trim * design.nobs)), x.shape[1] + 1)
        return Sample(
            y=demean(design.y, design.entity), W=W, x=x, q=q, entity=design.entity,
            values=candidates(q, self.grid, self.trim), least=least,
        )  # fmt: skip

    def _tests(
        self, sample: Sample, found: Stages, design: Design, df: int
    ) -> dict[str, TestStatistic]:
        counts = np.bincount(design.entity)
        balanced = bool((counts == counts[0]).all())
        kind = self.bootstrap
        if kind == "auto":
            kind = "entity" if balanced else "wild"
        if kind == "entity" and not balanced:
            raise IdentificationError(
                "bootstrap='entity' draws residuals of whole entities and needs as many rows from "
                f"each, but they have {counts.min()} to {counts.max()}. Use bootstrap='wild'."
            )
        streams = np.random.SeedSequence(self.seed).spawn(self.thresholds)
        tests = {}
        for g in range(1, self.thresholds + 1):
            value = float(f_statistic(found.rss[g - 1 : g], found.rss[g : g + 1], df)[0])
            p, critical = float("nan"), {}
            if self.draws:
                rng = np.random.default_rng(streams[g - 1])
                with Progress("bootstrap samples", self.draws) as done:
                    draws = bootstrap(sample, found, g, df, self.draws, rng, kind, done)
                draws, _ = finite_draws(draws, f"The test of {_NUMBERS[g]}")
                p = float(np.mean(draws >= value))
                critical = {
                    f"{level:.0%}": float(np.quantile(draws, 1 - level))
                    for level in (0.10, 0.05, 0.01)
                }
            fewer = "no threshold" if g == 1 else _NUMBERS[g - 1]
            test = TestStatistic(
                name=f"F for {_NUMBERS[g]}", null=fewer, alternative=_NUMBERS[g], statistic=value,
                distribution="bootstrap", pvalue=p, critical_values=critical,
                sample=f"{design.nobs} rows, {len(counts)} entities",
                note=f"{self.draws} bootstrap samples ({kind})" if self.draws
                else "no bootstrap",
            )  # fmt: skip
            if self.draws:
                N = len(counts)
                test = with_size(test, N, design.nobs / N, f"{kind} bootstrap")
            tests[f"threshold_{g}"] = test
        return tests


def _labels(x_names: tuple[str, ...], q: str, text: list[str]) -> tuple[str, ...]:
    """``x[q<=1]``, ``x[1<q<=2]``, ``x[q>2]``."""
    spans = [f"{q}<={text[0]}"]
    spans += [f"{a}<{q}<={b}" for a, b in pairwise(text)]
    spans.append(f"{q}>{text[-1]}")
    return tuple(f"{x}[{span}]" for span in spans for x in x_names)


def regime_table(q: FloatArray, cuts: FloatArray, design: Design) -> pd.DataFrame:
    """Bounds, rows and entities of each regime."""
    regime = np.searchsorted(cuts, q, side="left")
    edges = np.concatenate([[-np.inf], cuts, [np.inf]])
    rows = []
    for r in range(len(cuts) + 1):
        mine = regime == r
        entities = len(np.unique(design.entity[mine]))
        rows.append((edges[r], edges[r + 1], int(mine.sum()), entities))
    return pd.DataFrame(rows, columns=["above", "up_to", "rows", "entities"])
