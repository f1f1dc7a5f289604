"""Bias-corrected method of moments for dynamic panels with fixed effects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migdev.errors import ConvergenceError, IdentificationError, SpecificationError
from migdev.estimators.linear import drop_singletons, refuse_endogenous
from migdev.kernels.bias_corrected import solve_moments
from migdev.kernels.gmm.stack import scatter
from migdev.kernels.least_squares import independent_columns
from migdev.kernels.lsdvc import batches, within
from migdev.kernels.threshold import demean
from migdev.panel.design import Design
from migdev.panel.panel import Panel
from migdev.protocols import CovEstimate
from migdev.results.dynamics import lag_structure
from migdev.results.estimate import Estimate, Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class BiasCorrectedMM:
    r"""Fixed effects with lags of y, the bias of the moment conditions removed exactly
    (Breitung, Kripfganz and Hayakawa 2022, fixed-effects version).

    .. math::
        \sum_i\Big[W_i'A_ie_i - \frac{e_i'A_ie_i}{T_i-1}\,b_i(\rho)\Big] = 0 \quad (1)

    with the terms of :mod:`migdev.kernels.bias_corrected`. Strictly exogenous regressors, any
    lags of y, errors without serial correlation and of constant variance over time, which may
    differ between entities. It needs no instruments and, unlike a two-step correction, no first
    estimate.

    Parameters
    ----------
    formula : str
        ``y ~ L(y, [1, 2]) + x``.
    effects : tuple of str
        ``()`` or ``("time",)``; the effects of entities are always there.

    Notes
    -----
    The covariance is the sandwich of (1), clustered by entity. Among several roots the one whose
    Jacobian has only eigenvalues with negative real parts is taken, as the authors advise.

    Raises
    ------
    SpecificationError
        No lag of the dependent variable.
    ConvergenceError
        No such root.

    References
    ----------
    Breitung, Kripfganz and Hayakawa (2022), Econometrics and Statistics 24, 116-132.
    """

    formula: str
    effects: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        effects = (self.effects,) if isinstance(self.effects, str) else tuple(self.effects)
        object.__setattr__(self, "effects", effects)
        if effects not in ((), ("time",)):
            raise SpecificationError(f"effects={self.effects!r}; use () or ('time',).")

    def fit(self, panel: Panel) -> Estimate:
        """Estimate on a panel."""
        design = Design.build(self.formula, panel, intercept=False)
        refuse_endogenous(design, "BiasCorrectedMM")
        design = drop_singletons(design, ("entity",))
        own = lag_structure(design.names, design.dependent).own
        if not own or min(own) < 1:
            raise SpecificationError(
                f"{self.formula!r} has no lag of {design.dependent} among its regressors."
            )
        lags = tuple(sorted(own))
        order = [own[lag] for lag in lags]
        order += [j for j in range(len(design.names)) if j not in order]
        period = design.time - int(design.time.min())
        columns, names = [design.X[:, order]], tuple(design.names[j] for j in order)
        if self.effects:
            present = np.unique(period)[1:]
            columns.append((period[:, None] == present[None, :]).astype(float))
            labels = panel.calendar.labels(present + int(design.time.min()))
            names = (*names, *(f"time[{label}]" for label in labels))
        X = np.concatenate(columns, axis=1)
        norms = np.sqrt(np.einsum("ij,ij->j", X, X))
        keep = independent_columns(demean(X, design.entity), norms)
        if not keep.all():
            lost = [n for n, k in zip(names, keep, strict=True) if not k]
            raise IdentificationError(
                f"{self.formula!r}: {', '.join(lost)} do not vary within entities, or repeat other "
                "columns. Leave them out."
            )
        shape = (int(period.max()) + 1, int(design.entity.max()) + 1)
        complete = scatter(np.ones(design.nobs), design.entity, period, shape) > 0
        groups = batches(
            scatter(X, design.entity, period, shape),
            scatter(design.y, design.entity, period, shape), complete,
        )  # fmt: skip
        root = solve_moments(groups, lags)
        if not root.converged:
            raise ConvergenceError(
                f"{self.formula!r}: the corrected moments have no root of the right kind near "
                "plausible persistence. The series may have a unit root, or too few periods."
            )
        meat = sum(m.T @ m for m in root.contributions)
        inverse = np.linalg.inv(root.jacobian)
        cov = np.asarray(inverse @ meat @ inverse.T, dtype=np.float64)
        gap = design.y - X @ root.params
        resid = demean(gap, design.entity)
        df = design.nobs - shape[1] - len(names)
        return Estimate.from_arrays(
            names=names, params=root.params, cov=cov, dependent=design.dependent,
            method="Bias-corrected method of moments", nobs=design.nobs, df_resid=float(df),
            df_inference=None, spec=self,
            covariance=CovEstimate(
                cov=cov, df=None, description=f"clustered by entity ({shape[1]} clusters)",
                clusters={"entity": shape[1]},
            ),
            stats={
                "sigma": float(np.sqrt(resid @ resid / df)),
                "lsdv": float(within(groups).params[0]),
            },
            sample=Sample(
                panel=panel, rows=design.rows, entity=design.entity, time=design.time,
                dropped=design.dropped,
            ),
            residual=resid, observed=design.y,
        )  # fmt: skip
