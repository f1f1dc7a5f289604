"""Do slopes differ by entity?"""

from __future__ import annotations

import numpy as np

from migdev.diagnostics.subjects import SLOPES
from migdev.errors import IdentificationError, SpecificationError, listing
from migdev.estimators.heterogeneous.cross_section_averages import averaged_variables
from migdev.estimators.heterogeneous.entity_regressions import (
    build,
    entity_labels,
    exactly_fitted,
    identified,
    keep_entities,
    long_enough,
    refuse_two,
)
from migdev.kernels.arrays.distributions import t_two_sided
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.heterogeneous.cce import averages_at
from migdev.kernels.heterogeneous.slope_homogeneity import dispersion
from migdev.kernels.heterogeneous.slopes import entity_slopes, partial_out
from migdev.options import Short
from migdev.panel.design import Design
from migdev.panel.panel import Panel
from migdev.results.panel_test import PanelTest


def slope_homogeneity(
    panel: Panel,
    formula: str,
    *,
    partial: tuple[str, ...] = (),
    hac: bool = False,
    bandwidth: int | None = None,
    averages: bool = False,
    adjusted: bool = True,
    short: Short = "raise",
) -> PanelTest:
    r"""Pesaran and Yamagata's delta test of equal slopes.

    .. math::
        \tilde S &= \textstyle\sum_i(\hat\beta_i-\tilde\beta)'\frac{X_i'M_iX_i}{\tilde\sigma_i^2}
            (\hat\beta_i-\tilde\beta) \quad (1) \\
        \tilde\Delta &= \sqrt N\,\frac{N^{-1}\tilde S - k}{\sqrt{2k}}, \qquad
        \tilde\Delta_{adj} = \frac{1}{\sqrt N}\sum_i\frac{d_i - k}{\sqrt{v_i}}, \quad
            v_i = \frac{2k(T_i-k-k_1)}{T_i-k_1+2} \quad (2)

    :math:`d_i` is the i-th term of (1) and :math:`k_1` counts what is taken out first, the
    intercept among them (then :math:`v = 2k(T-k-1)/(T+1)`, the paper's). :math:`\tilde\beta` weighs
    entities by their precision.

    Parameters
    ----------
    formula : str
    partial : tuple of str
        Regressors of the formula that are not tested: each entity keeps its own coefficient.
    hac : bool
        Blomquist and Westerlund's version, for errors that are serially correlated or
        heteroskedastic.
    bandwidth : int, optional
        Bartlett lags for ``hac``; default floor(4 (T/100)^(2/9)).
    averages : bool
        Take cross-section averages of all variables out first, against common factors.
    adjusted : bool
        Report the adjusted statistic; both are in ``detail``.
    short : {"raise", "drop"}
        Entities with no more periods than coefficients.

    References
    ----------
    Pesaran and Yamagata (2008), Journal of Econometrics 142, 50-93. Blomquist and Westerlund
    (2013), Economics Letters 121, 374-378. Bersvendsen and Ditzen (2021), Stata Journal 21, 51-80.
    """
    if bandwidth is not None and (not hac or bandwidth < 0):
        raise SpecificationError("bandwidth counts Bartlett lags (zero or more) of hac=True.")
    d = build(formula, panel, "slope_homogeneity")
    names = d.names[int(d.intercept) :]
    missing = [name for name in partial if name not in names]
    if missing or len(partial) == len(names):
        raise SpecificationError(
            f"partial={partial!r} must name some, not all, of the regressors {list(names)}."
        )
    terms = averaged_variables(d, 0, None)
    d = long_enough(d, len(d.names) + (len(terms) if averages else 0), short, "slope_homogeneity")
    tested = [name not in partial for name in names]
    X = d.X[:, int(d.intercept) :]
    H = [np.ones((d.nobs, int(d.intercept))), X[:, np.logical_not(tested)]]
    if averages:
        H.append(averages_at(np.column_stack([d.y, X]), d.time, d.time, 0)[0])
    taken = np.column_stack(H)
    fit_all = entity_slopes(d.y, np.column_stack([taken, X[:, tested]]), d.entity)
    columns = [*(["Intercept"] if d.intercept else []), *partial]
    columns += [f"average {j + 1}" for j in range(taken.shape[1] - len(columns))]
    columns += [n for n, t in zip(names, tested, strict=True) if t]
    kept = identified(d, fit_all, columns, short, "slope_homogeneity")
    kept = _with_errors(kept, fit_all.rss[~fit_all.dependent.any(axis=1)], short)
    if kept is not d:
        at = np.isin(d.rows, kept.rows)
        d, X, taken = kept, X[at], taken[at]
    if averages and d.entity[-1] == 1:
        refuse_two(d, "Averages over entities (averages=True)")
    V = np.column_stack([d.y, X[:, tested]])
    if taken.shape[1]:
        V = partial_out(V, taken, d.entity)[0]
    lags = None if not hac else (-1 if bandwidth is None else bandwidth)
    fit = dispersion(V[:, 0], V[:, 1:], d.entity, taken.shape[1], lags)
    value = fit.adjusted if adjusted else fit.delta
    counts = np.bincount(d.entity)
    return PanelTest(
        subject=SLOPES,
        name="Delta" + (" adjusted" if adjusted else "") + (" (HAC)" if hac else ""),
        null="slopes are the same in all entities", alternative="slopes differ by entity",
        statistic=value, distribution="normal", pvalue=float(t_two_sided(value)),
        sample=f"{len(counts)} entities, {counts.min()} to {counts.max()} periods",
        note=f"slopes of {', '.join(n for n, t in zip(names, tested, strict=True) if t)}"
        + ("; cross-section averages taken out" if averages else ""),
        detail={"delta": fit.delta, "delta_adjusted": fit.adjusted, "swamy": fit.swamy},
    )  # fmt: skip


def _with_errors(d: Design, rss: FloatArray, short: Short) -> Design:
    """The design without entities that the formula fits exactly, or an error that names them."""
    keep = ~exactly_fitted(d, rss)
    if keep.all():
        return d
    gone = entity_labels(d)[~keep].tolist()
    if short == "raise" or keep.sum() < 2:
        raise IdentificationError(
            f"{d.formula!r} fits {len(gone)} of {len(keep)} entities without error: "
            f"{listing(gone, 20)}. Their slopes have no sampling error to be compared with; leave "
            "these entities out" + ("." if short == "drop" else " with short='drop'.")
        )
    return keep_entities(d, keep, "fitted without error")
