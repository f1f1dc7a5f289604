"""Thresholds in dynamic panels with endogenous regressors."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from migdev.errors import IdentificationError, ManyInstrumentsWarning, SpecificationError
from migdev.estimators.assembly import finish
from migdev.estimators.dynamic.gmm.difference_system import DifferenceGMM
from migdev.estimators.dynamic.gmm.difference_system import Weight as InitialWeight
from migdev.estimators.dynamic.gmm.fit import chosen_instruments
from migdev.estimators.dynamic.gmm.styles import GMMStyles, IVStyles
from migdev.estimators.specification import Effects, of_panel, settle
from migdev.estimators.threshold.kremer_bick_nautz import Shifting, fit_deviations
from migdev.kernels.arrays.draws import finite_draws
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.dynamic.instruments import cross, outer
from migdev.kernels.dynamic.solve import Weight, invert
from migdev.kernels.threshold.seo_shin import Model, between_trims, covariance, linearity, profile
from migdev.notes import warn
from migdev.options import held, renamed
from migdev.panel.terms import evaluate_terms
from migdev.progress import Progress
from migdev.protocols import CovEstimate, Data
from migdev.results.estimate import Estimate
from migdev.results.facts import Facts
from migdev.results.sizes import with_size
from migdev.results.statistic import TestStatistic, chi2_test


@renamed(replications="draws")
@dataclass(frozen=True, slots=True)
class DynamicPanelThreshold:
    r"""Dynamic panel with one threshold: Seo and Shin (2016), or Kremer, Bick and Nautz (2013).

    ``method="seo-shin"``, first-differenced GMM:

    .. math::
        y_{it} &= x_{it}'\beta + (1, w_{it}')\delta\,1(q_{it} > \gamma) + \alpha_i +
            \varepsilon_{it} \quad (1) \\
        (\hat\theta, \hat\gamma) &= \arg\min\ g(\theta,\gamma)'\,W\,g(\theta,\gamma), \qquad
            g = Z'(\Delta y - \Delta x'\beta - \Delta[(1,w')1(q > \gamma)]\delta) \quad (2)

    Regressors and the threshold variable may be endogenous; lags instrument them as in
    :class:`~migdev.DifferenceGMM`. The criterion is minimised over a grid, in
    two steps. Slopes, shifts and threshold are jointly normal, with covariance
    :math:`(G'S^{-1}G)^{-1}`; the derivative with respect to the threshold is smoothed by a Gaussian
    kernel of bandwidth :math:`1.06\,b\,N^{-1/5}\hat\sigma_q`.

    ``method="kremer-bick-nautz"``, least squares on predicted regressors (Caner and Hansen 2004),
    in forward orthogonal deviations (marked by a star):

    .. math::
        \hat x^*_{it} &= z_{it}'(Z'Z)^{-1}Z'X^* \quad (3) \\
        \hat\gamma &= \arg\min_\gamma S(\gamma), \quad
            S(\gamma) = \min_{\beta,\delta}\sum_{it}\big(y^*_{it} - \hat x^{*\prime}_{it}\beta
            - [(1, w_{it}')1(q_{it} > \gamma)]^*\delta\big)^2 \quad (4) \\
        LR(\gamma) &= \frac{S(\gamma) - S(\hat\gamma)}{S(\hat\gamma)/n} \quad (5)

    with n rows of the transformed equation. Lags of y are predicted by the instruments of ``gmm``
    and ``iv``; regressors that ``gmm`` does not name, the threshold variable and what shifts are
    taken as strictly exogenous and instrument themselves. Given the threshold the coefficients are
    by two-step GMM with those instruments, with Windmeijer's errors; they do not reckon with the
    estimation of the threshold, which converges faster. Its interval inverts (5)
    (``fit.threshold_conf_int()``), and supposes errors of constant variance.

    Parameters
    ----------
    formula : str
        ``y ~ L(y) + x``.
    threshold : str
        The variable q.
    regime : str
        Terms w whose coefficients shift; added to the formula where it lacks them.
    shift : bool
        Let the constant shift too.
    gmm, iv, effects, weight
        As in DifferenceGMM.
    method : {"seo-shin", "kremer-bick-nautz"}
        The second needs an exogenous threshold variable and then finds the threshold more
        precisely; the first allows it, and what shifts, to be endogenous.
    trim : float
        Share of rows outside the grid at either end.
    grid : int, optional
        Quantiles of q to try; None for every observed value between the trims.
    bandwidth : float
        b; Seo and Shin only.
    draws : int
        Bootstrap samples of the test of linearity; 0 for none. Seo and Shin only.
    seed : int

    Raises
    ------
    SpecificationError
        Under ``"kremer-bick-nautz"`` the threshold variable or what shifts is named in ``gmm``, or
        is a lag of y.
    IdentificationError
        No threshold in the grid identifies the model, or q does not vary within entities.

    References
    ----------
    Seo and Shin (2016), Journal of Econometrics 195, 169-186. Seo, Kim and Kim (2019), Stata
    Journal 19, 685-697. Hansen (1996), Econometrica 64, 413-430. Kremer, Bick and Nautz (2013),
    Empirical Economics 44, 861-878. Caner and Hansen (2004), Econometric Theory 20, 813-843.
    """

    #: Class of design, for verdicts.
    design: ClassVar[str] = "internal instruments"

    formula: str
    _: KW_ONLY
    threshold: str
    regime: str
    shift: bool = True
    gmm: GMMStyles = held(())
    iv: IVStyles = held(())
    effects: Effects = held(())
    weight: InitialWeight = "h3"
    method: Literal["seo-shin", "kremer-bick-nautz"] = "seo-shin"
    trim: float = 0.15
    grid: int | None = 100
    bandwidth: float = 1.5
    draws: int = 300
    seed: int = 0

    def __post_init__(self) -> None:
        settle(self)
        plain = self._plain(self.formula)
        for name in ("gmm", "iv"):
            object.__setattr__(self, name, getattr(plain, name))
        if not 0 < self.trim < 0.5:
            raise SpecificationError(f"trim={self.trim!r} is a share of the rows in (0, 0.5).")
        if isinstance(self.grid, bool) or (self.grid is not None and self.grid < 2):
            raise SpecificationError(f"grid={self.grid!r}; give the number of quantiles, or None.")
        if not self.bandwidth > 0:
            raise SpecificationError(f"bandwidth={self.bandwidth!r} must be positive.")
        if isinstance(self.draws, bool) or self.draws < 0:
            raise SpecificationError(f"draws={self.draws!r}; give 0 or more.")

    def _plain(self, formula: str) -> DifferenceGMM:
        return DifferenceGMM(
            formula=formula, gmm=self.gmm, iv=self.iv, effects=self.effects, weight=self.weight,
            transform="fd" if self.method == "seo-shin" else "fod",
        )  # fmt: skip

    @of_panel
    def fit(self, panel: Data) -> Estimate:
        """Estimate on a panel."""
        q_names = evaluate_terms(self.threshold, panel)[1]
        w_names = evaluate_terms(self.regime, panel)[1]
        own = evaluate_terms(self.formula.split("~", 1)[1], panel)[1]
        if len(q_names) != 1:
            raise SpecificationError(
                f"threshold={self.threshold!r} names {len(q_names)} variables; give one."
            )
        extra = [t for t, n in ((self.threshold, q_names), (self.regime, w_names))
                 if not set(n) <= set(own)]  # fmt: skip
        spec = self._plain(" + ".join([self.formula, *extra]))
        problem = spec.problem(panel)
        names = problem.names
        lost = [n for n in (*q_names, *w_names) if n not in names]
        if lost:
            raise IdentificationError(
                f"{self.formula!r}: {', '.join(lost)} do not vary over time within entities, or "
                "repeat other regressors."
            )
        at = names.index(q_names[0])
        keep = [j for j, n in enumerate(names) if n != q_names[0] or n in (*own, *w_names)]
        levels, stack = problem.levels, problem.stack
        q, complete = levels.X[:, at], levels.complete
        w = levels.X[:, [names.index(n) for n in w_names]]
        if self.shift:
            w = np.concatenate([w, complete[:, None].astype(float)], axis=1)
        cut = f"[{q_names[0]}>c]"
        moved = (*(f"{n}{cut}" for n in w_names), *((f"Intercept{cut}",) if self.shift else ()))
        if self.method == "kremer-bick-nautz":
            model = replace(
                problem, names=tuple(names[j] for j in keep),
                stack=replace(stack, X=np.ascontiguousarray(stack.X[:, keep])),
                levels=replace(levels, X=np.ascontiguousarray(levels.X[:, keep])),
            )  # fmt: skip
            what = Shifting(
                problem=model, w=w, q=q, q_name=q_names[0], shifting=w_names, labels=moved
            )
            return fit_deviations(self, spec, what, panel)
        basis = chosen_instruments(spec, problem)
        z = basis.z
        stack = replace(stack, X=np.ascontiguousarray(stack.X[:, keep]))
        gmm = Model(
            z=z, stack=stack, w=w, q=q, complete=complete, ZX=cross(z, stack.X),
            Zy=cross(z, stack.y),
        )  # fmt: skip
        values = q[complete]
        grid = between_trims(values, self.grid, self.trim)
        first = basis.weight
        one = profile(gmm, grid, first)
        two = None
        if one is not None:
            weight = invert(outer(z, gmm.residuals(one.gamma, one.fit.params)))
            two = profile(gmm, grid, weight)
        if one is None or two is None:
            raise IdentificationError(
                f"{self.formula!r}: the {z.count} instruments identify the {len(keep)} slopes and "
                f"{w.shape[1]} shifts at no threshold. Name more lags in gmm= or iv=."
            )
        N = stack.y.shape[1]
        if first.rank > N:
            warn(
                f"{self.formula!r}: {first.rank} instruments for {N} entities; use collapse=True.",
                ManyInstrumentsWarning,
                stacklevel=2,
            )
        h = 1.06 * self.bandwidth * N ** (-0.2) * float(values.std(ddof=1))
        V, psi = covariance(gmm, two.gamma, two.fit.params, weight, h)
        u = gmm.residuals(two.gamma, two.fit.params)
        df = first.rank - len(two.fit.params) - 1
        stats: dict[str, object] = {"threshold": two.gamma, "n_instruments": first.rank}
        stats["above"] = float(np.mean(values > two.gamma))
        if df > 0:
            stats["hansen"] = chi2_test(
                "Hansen J", "all instruments are valid", two.fit.objective, df, alarm="reject"
            )
        if self.draws:
            stats["linearity"] = self._linearity(gmm, grid, first)
        rows = problem.row[stack.period][stack.used]
        order = np.argsort(rows, kind="stable")
        design = problem.design
        rows = rows[order]
        labels = [*(names[j] for j in keep), *moved]
        labels.append(f"threshold of {q_names[0]}")
        return finish(
            Estimate, spec=self, design=design, rows=rows, names=labels,
            params=np.append(two.fit.params, two.gamma), scores=psi[np.unique(design.entity[rows])],
            method="Dynamic panel threshold, first-differenced GMM",
            df_resid=float(len(rows) - len(labels)),
            cov=CovEstimate(cov=V, df=None, description="(G'S^-1 G)^-1, clusters: entity"),
            stats=stats, dropped_columns=problem.dropped,
            residual=u[stack.used][order], observed=stack.y[stack.used][order],
            stated=Facts(
                link="identity", linear=False, principle="other", form="differences",
                absorbed=self.effects, removed=("entity",),
            ),
        )  # fmt: skip

    def _linearity(self, model: Model, grid: FloatArray, first: Weight) -> TestStatistic:
        rng = np.random.default_rng(self.seed)
        with Progress("thresholds", len(grid)) as done:
            value, draws = linearity(model, grid, first, self.draws, rng, done)
        draws, lost = finite_draws(draws, "The linearity test")
        test = TestStatistic(
            name="sup Wald", null="no threshold: all shifts are zero",
            alternative="one threshold", statistic=value, distribution="bootstrap",
            pvalue=float(np.mean(draws >= value)),
            critical_values={
                f"{a:.0%}": float(np.quantile(draws, 1 - a)) for a in (0.10, 0.05, 0.01)
            },
            note=f"{self.draws} bootstrap samples" + (f", {lost}" if lost else ""),
        )  # fmt: skip
        return with_size(test, model.stack.y.shape[1], first.rank, "instruments")
