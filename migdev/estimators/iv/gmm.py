"""Generalised method of moments with instruments and absorbed effects."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Literal

import numpy as np

from migdev.covariance import (
    Clustered,
    DriscollKraay,
    NeweyWest,
    OptionalCovariance,
    Robust,
    Unadjusted,
)
from migdev.covariance.plain import plain
from migdev.errors import SpecificationError
from migdev.estimators.iv.equation import iv_equation
from migdev.estimators.iv.estimate import IVEstimate, iv_estimate
from migdev.estimators.iv.problem import moment_cov
from migdev.estimators.specification import Effects, of_panel, settle
from migdev.estimators.static.linear import Singletons
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.iv.gmm import continuously_updated, gmm, gmm_bread
from migdev.options import held
from migdev.protocols import Covariance, Data

Weight = Literal["robust", "clustered", "unadjusted", "kernel"]


@dataclass(frozen=True, slots=True)
class IVGMM:
    r"""Generalised method of moments with instruments, in one step to continuously updated.

    .. math::
        \hat\beta = \arg\min_\beta\; g(\beta)'\hat S^{-1}g(\beta), \qquad
        g(\beta) = \textstyle\sum_t w_t (y_t - x_t'\beta) \quad (1)

    with :math:`\hat S` the covariance of :math:`g` at the residuals of the step before (the first
    step is 2SLS), or at :math:`\beta` itself ("cue").

    Parameters
    ----------
    formula, effects, weights, singletons
        See :class:`IV2SLS`.
    weight : {"robust", "clustered", "unadjusted", "kernel"} or Covariance
        What :math:`\hat S` is robust to. "clustered" takes the groups of ``cov`` where that is
        Clustered, else the entities; "kernel" takes ``cov`` where it is NeweyWest or
        DriscollKraay, else NeweyWest() within entities. Small-sample factors play no part.
    steps : int or {"iterated", "cue"}
        1 (2SLS with the J of efficient weights), 2, more, or until convergence.
    center : bool
        Take the mean of the moments off before their covariance is formed ("unadjusted" weights
        are not of this form, and stay).
    cov : Covariance, optional
        Covariance of the coefficients, :math:`B\,C'\hat S^{-1}\hat M\hat S^{-1}C\,B` with
        :math:`C = W'X`; that of ``weight`` where not given.
    cov_at : {"final", "weights"}
        Residuals of :math:`\hat M`: the final ones (Stata's ivregress, linearmodels), or those
        behind the weights (ivreg2's gmm2s, where :math:`\hat M = \hat S` and the sandwich is
        :math:`(C'\hat S^{-1}C)^{-1}`). They differ in two steps, little in large samples.

    Raises
    ------
    IdentificationError
        As for :class:`IV2SLS`; also when :math:`\hat S` is singular (fewer clusters than moments).
    ConvergenceError
        Iterated or continuously updated GMM did not converge.

    Warns
    -----
    WeakInstrumentsWarning, CollinearityWarning
        As for :class:`IV2SLS`.

    References
    ----------
    Hansen (1982), Econometrica 50, 1029-1054. Hansen, Heaton and Yaron (1996), Journal of
    Business & Economic Statistics 14, 262-280. Hall (2000), Econometrica 68, 1517-1527 (centring).
    """

    formula: str
    _: KW_ONLY
    effects: Effects = held(())
    weights: str | None = None
    singletons: Singletons = "drop"
    weight: Weight | Covariance = "robust"
    steps: int | Literal["iterated", "cue"] = 2
    center: bool = False
    cov: OptionalCovariance = held(None)
    cov_at: Literal["final", "weights"] = "final"

    def __post_init__(self) -> None:
        settle(self)
        whole = isinstance(self.steps, int) and not isinstance(self.steps, bool)
        if not ((whole and int(self.steps) >= 1) or self.steps in ("iterated", "cue")):
            raise SpecificationError(
                f"steps={self.steps!r}; give a number of steps from 1 on, 'iterated' or 'cue'."
            )

    def weighting(self) -> Covariance:
        """The covariance that estimates :math:`S`, without small-sample factors."""
        if not isinstance(self.weight, str):
            return plain(self.weight)
        if self.weight == "unadjusted":
            return plain(Unadjusted())
        if self.weight == "clustered":
            return plain(self.cov if isinstance(self.cov, Clustered) else Clustered())
        if self.weight == "kernel":
            serial = isinstance(self.cov, NeweyWest | DriscollKraay)
            return plain(self.cov if serial and self.cov is not None else NeweyWest())
        return plain(Robust())

    def covariance(self) -> Covariance:
        """The covariance of the coefficients: ``cov``, or that of the weight."""
        if self.cov is not None:
            return self.cov
        if not isinstance(self.weight, str):
            return self.weight
        named: dict[str, Covariance] = {
            "unadjusted": Unadjusted(), "clustered": Clustered(), "kernel": NeweyWest(),
            "robust": Robust(),
        }  # fmt: skip
        return named[self.weight]

    @of_panel
    def fit(self, panel: Data) -> IVEstimate:
        cov, weight = self.covariance(), self.weighting()
        equation = iv_equation(self, panel, (*cov.requires(), *weight.requires()))
        basis = equation.basis
        rows = equation.moments(basis.Q, basis.v, np.eye(basis.Q.shape[1]))

        center = self.center and not isinstance(weight, Unadjusted)

        def meat(resid: FloatArray) -> FloatArray:
            return moment_cov(rows, weight, basis.Q, resid, center)

        if self.steps == "cue":
            fit = continuously_updated(basis, meat, gmm(basis, meat, 2).params)
        else:
            fit = gmm(basis, meat, 0 if self.steps == "iterated" else int(self.steps))
        bread = gmm_bread(basis, fit)
        X = basis.Q @ fit.loading
        moments = equation.moments(
            X, fit.resid if self.cov_at == "final" else fit.before, bread,
            homoskedastic=bread @ (fit.loading.T @ fit.loading) @ bread,
        )  # fmt: skip
        words = {"1": "one step", "2": "two-step", "cue": "continuously updated"}
        step = words.get(str(self.steps), str(self.steps))
        name = f"GMM ({step} steps)" if step.isdigit() else f"GMM ({step})"
        return iv_estimate(
            self, equation, fit, moments, name, "liml" if self.steps == "cue" else "tsls", cov,
            S=fit.S, j=fit.j, weight=weight, iterations=fit.iterations,
        )  # fmt: skip
