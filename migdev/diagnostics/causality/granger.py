"""Granger causality in heterogeneous panels."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from scipy import special

from migdev.diagnostics.series import Series, require_entities
from migdev.diagnostics.subjects import CAUSALITY
from migdev.errors import IdentificationError, SpecificationError, listing
from migdev.kernels.arrays.draws import finite_draws
from migdev.kernels.arrays.least_squares import independent_columns
from migdev.kernels.causality.granger import bootstrap_wald, granger_wald, standardised_wald
from migdev.kernels.causality.pooled import jackknife_causality, lagged_rows
from migdev.kernels.heterogeneous.slopes import partial_out
from migdev.options import Short, check_choice, renamed
from migdev.panel.design import Design
from migdev.panel.panel import Panel
from migdev.progress import Progress
from migdev.results.panel_test import PanelTest
from migdev.results.sizes import with_size

_EXACT = "are constant or collinear, or predict without error"


Statistic = Literal["Z-tilde", "Z-bar", "W-bar"]


@renamed(bootstrap="draws")
def dumitrescu_hurlin(
    panel: Panel,
    formula: str,
    *,
    lags: int = 1,
    statistic: Statistic = "Z-tilde",
    draws: int = 0,
    seed: int = 0,
    short: Short = "raise",
) -> PanelTest:
    r"""Dumitrescu and Hurlin's test: x Granger-causes y in no entity.

    .. math::
        y_{it} &= a_i + \textstyle\sum_{k=1}^K\gamma_{ik}y_{i,t-k}
            + \sum_{k=1}^K\beta_{ik}x_{i,t-k} + e_{it} \quad (1) \\
        \bar W &= N^{-1}\textstyle\sum_iW_i, \qquad
        \bar Z = \sqrt{N/2K}(\bar W - K), \qquad
        \tilde Z = \sqrt N\,\frac{\bar W - N^{-1}\sum_iE(W_i)}{\sqrt{N^{-1}\sum_iV(W_i)}} \quad (2)

    with :math:`W_i` the Wald statistic of :math:`\beta_i = 0` and its moments for the periods of
    each regression.

    Parameters
    ----------
    formula : str
        ``"y ~ x"``: does x cause y? One variable on each side.
    lags : int
        K.
    statistic : {"Z-tilde", "Z-bar", "W-bar"}
        Z-tilde for few periods, Z-bar as T grows first; W-bar has no distribution of its own and
        gets a p-value from the bootstrap only.
    draws : int
        Of a bootstrap that is robust to dependence between entities (balanced panels
        without gaps); 0 for the normal distribution.
    seed : int
    short : {"raise", "drop"}
        Entities with too few periods (Z-tilde needs more than 5 + 3K) or a constant series.

    References
    ----------
    Dumitrescu and Hurlin (2012), Economic Modelling 29, 1450-1460. Lopez and Weber (2017), Stata
    Journal 17, 972-984.
    """
    if isinstance(lags, bool) or not isinstance(lags, int) or lags < 1:
        raise SpecificationError(f"lags={lags!r}; give a whole number of at least 1.")
    check_choice("statistic", statistic, Statistic)
    if draws < 0:
        raise SpecificationError(f"draws={draws}; a number of bootstrap samples, or 0.")
    d = Design.build(formula, panel, intercept=False)
    if d.X.shape[1] != 1 or d.endog_names:
        raise SpecificationError(
            f"{formula!r} has {d.X.shape[1]} regressors; dumitrescu_hurlin() reads 'y ~ x'."
        )
    first = np.unique(d.entity, return_index=True)[1]
    s = Series(
        name=formula, values=np.column_stack([d.y, d.X[:, 0]]), entity=d.entity, time=d.time,
        labels=panel.entities[panel.entity_codes[d.rows[first]]],
    )  # fmt: skip
    W, periods, collinear = granger_wald(s.y, s.values[:, 1], s.entity, s.time, lags)
    fewest = 2 * lags + 5 if statistic == "Z-tilde" else 2 * lags + 1
    long = periods > fewest
    for keep, reason, remedy in (
        (long, f"have no more than {fewest} periods with all lags", "Use fewer lags"),
        (~collinear[long], _EXACT, "Leave them out"),
    ):
        if not keep.all():
            s = require_entities(s, keep, short, reason, remedy)
    W, periods, _ = granger_wald(s.y, s.values[:, 1], s.entity, s.time, lags)
    average = float(W.mean())
    z_bar = standardised_wald(W, periods, lags, False)
    detail = {
        "W-bar": average, "Z-bar": z_bar,
        "by_entity": pd.DataFrame(
            {
                "entity": np.asarray(s.labels), "wald": W, "nobs": periods,
                "p_value": special.chdtrc(lags, W),
            }
        ),
    }  # fmt: skip
    value = {"W-bar": average, "Z-bar": z_bar}.get(statistic, np.nan)
    if statistic == "Z-tilde":
        value = standardised_wald(W, periods, lags, True)
    detail[statistic] = value
    distribution, p, note = "normal", float(2 * special.ndtr(-abs(value))), f"{lags} lags"
    if draws:
        M = s.matrix("The bootstrap of dumitrescu_hurlin()")
        with Progress("bootstrap samples", draws) as done:
            drawn = bootstrap_wald(
                np.ascontiguousarray(M[:, :, 0]), np.ascontiguousarray(M[:, :, 1]), lags, draws,
                np.random.default_rng(seed), done,
            )  # fmt: skip
        drawn, lost = finite_draws(drawn, "dumitrescu_hurlin()")
        # All three statistics rise with W-bar; the null is refused for large and small ones.
        centre = drawn.mean()
        extreme = int(np.sum(np.abs(drawn - centre) >= abs(average - centre)))
        p = (1 + extreme) / (1 + len(drawn))
        distribution, note = "tabulated", f"{note}; bootstrap of {draws}, seed {seed}"
        note += f", {lost}" if lost else ""
        detail["upper_tail_pvalue"] = (1 + int(np.sum(drawn >= average))) / (1 + len(drawn))
    elif statistic == "W-bar":
        distribution, p = "tabulated", float("nan")
    test = PanelTest(
        subject=CAUSALITY, name=f"Dumitrescu-Hurlin {statistic}",
        null=f"{d.names[0]} Granger-causes {d.dependent} in no entity",
        alternative="it does in some entities", statistic=float(value), distribution=distribution,
        pvalue=p, sample=s.sample, note=note, detail=detail,
    )  # fmt: skip
    return test if draws else with_size(test, s.N, s.periods)


def toda_yamamoto(
    panel: Panel,
    formula: str,
    *,
    lags: int = 1,
    extra: int = 1,
    short: Short = "raise",
) -> PanelTest:
    r"""Granger causality in entities' levels whatever their order of integration, combined.

    Each entity's equation has ``lags + extra`` lags of both variables; the Wald test of the first
    ``lags`` of x is chi-squared although the series may be integrated of order up to ``extra`` or
    cointegrated. P-values are combined as :math:`\lambda = -2\sum_i\ln p_i \sim \chi^2(2N)`.

    Parameters
    ----------
    formula : str
        ``"y ~ x"``: does x cause y?
    lags, extra : int
        Lags that are tested, and the largest order of integration.
    short : {"raise", "drop"}
        Entities with too few periods or a constant series.

    Notes
    -----
    The combination assumes that entities are independent. Chi-squared p-values reject too often in
    short panels, and combining them adds this up: keep T well above ten times the lags.

    References
    ----------
    Toda and Yamamoto (1995), Journal of Econometrics 66, 225-250. Emirmahmutoglu and Kose (2011),
    Economic Modelling 28, 870-876.
    """
    _whole("lags", lags, 1)
    _whole("extra", extra, 0)
    s, names = _pair(panel, formula, 1)
    W, periods, _ = granger_wald(s.y, s.values[:, 1], s.entity, s.time, lags, extra)
    long = periods > 1 + 2 * (lags + extra)
    s = require_entities(
        s, long, short, f"have no more than {1 + 2 * (lags + extra)} periods with all lags",
        "Use fewer lags",
    )  # fmt: skip
    W, periods, bad = granger_wald(s.y, s.values[:, 1], s.entity, s.time, lags, extra)
    if bad.any():
        s = require_entities(s, ~bad, short, _EXACT, "Leave them out")
        W, periods = W[~bad], periods[~bad]
    p = special.chdtrc(lags, W)
    value = float(-2 * np.log(np.clip(p, 1e-300, 1)).sum())
    frame = pd.DataFrame({"entity": np.asarray(s.labels), "wald": W, "p_value": p, "nobs": periods})
    test = PanelTest(
        subject=CAUSALITY,
        name="Panel Toda-Yamamoto", null=f"{names[1]} Granger-causes {names[0]} in no entity",
        alternative="it does in some entities", statistic=value, distribution="chi2",
        df=2.0 * s.N, pvalue=float(special.chdtrc(2 * s.N, value)), sample=s.sample,
        note=f"{lags} lags and {extra} extra", detail={"by_entity": frame},
    )  # fmt: skip
    return with_size(test, s.N, s.periods)


def juodis_karavias_sarafidis(
    panel: Panel,
    formula: str,
    *,
    lags: int = 1,
    heteroskedastic: bool = True,
    short: Short = "raise",
) -> PanelTest:
    r"""Juodis, Karavias and Sarafidis's test: pooled effects, jackknifed.

    .. math::
        y_{it} &= a_i + \textstyle\sum_{p=1}^P\phi_{ip}y_{i,t-p}
            + \sum_{p=1}^Px_{i,t-p}'\beta_p + e_{it} \quad (1) \\
        \hat\beta &= (\textstyle\sum_iX_i'M_iX_i)^{-1}\sum_iX_i'M_iy_i, \qquad
        \tilde\beta = 2\hat\beta - \tfrac12(\hat\beta_{1} + \hat\beta_{2}) \quad (2) \\
        \hat V &= J^{-1}\Big(\frac{n}{df}\textstyle\sum_{it}\tilde x_{it}\tilde x_{it}'
            \tilde e_{it}^2\Big)J^{-1}, \quad J = \sum_i X_i'M_iX_i, \qquad
        W = \tilde\beta'\hat V^{-1}\tilde\beta \sim \chi^2(kP) \quad (3)

    :math:`M_i` takes out the entity's intercept and lags of y, which keep their own coefficients;
    under the null the pooled effects are zero, so pooling them loses nothing and gains power over
    averages of entities' tests. The half-panel jackknife removes Nickell's bias, so T may be
    moderate.

    Parameters
    ----------
    formula : str
        ``"y ~ x + z"``: several variables are tested jointly.
    lags : int
        P.
    heteroskedastic : bool
        (3), or :math:`\hat V = \hat\sigma^2J^{-1}`.
    short : {"raise", "drop"}
        Entities with too few periods: each half needs more than P + 1.

    References
    ----------
    Juodis, Karavias and Sarafidis (2021), Empirical Economics 60, 93-112. Xiao, Karavias, Juodis,
    Sarafidis and Ditzen (2023), Stata Journal 23, 230-242.
    """
    _whole("lags", lags, 1)
    s, names = _pair(panel, formula, 20)
    while True:
        rows = lagged_rows(s.y, s.values[:, 1:], s.entity, s.time, lags)
        counts = np.bincount(rows.entity, minlength=s.N)
        fewest = 2 * (lags + 2)
        if (counts >= fewest).all():
            own = partial_out(rows.y[:, None], rows.Z, rows.entity)[0][:, 0]
            moves = np.bincount(rows.entity, own**2) > np.bincount(rows.entity, 1e-24 * rows.y**2)
            if moves.all():
                break
            s = require_entities(
                s, moves, short, "are constant or predict themselves without error",
                "Leave them out",
            )  # fmt: skip
            continue
        s = require_entities(
            s, counts >= fewest, short, f"have fewer than {fewest} periods with all lags",
            "Use fewer lags",
        )  # fmt: skip
    X = partial_out(rows.X, rows.Z, rows.entity)[0]
    before = np.sqrt(np.einsum("ij,ij->j", rows.X, rows.X))
    terms = [f"L({x}, {j})" for x in names[1:] for j in range(1, lags + 1)]
    keep = independent_columns(X, before)
    if not keep.all():
        gone = [term for term, kept in zip(terms, keep, strict=True) if not kept]
        raise IdentificationError(
            f"{formula!r}: {listing(gone)} are collinear with the other lags or constant within "
            "entities. Leave the variable out, or use fewer lags."
        )
    fit = jackknife_causality(rows, heteroskedastic)
    m, one = len(fit.params), len(names) == 2
    they, verb = ("it does", "Granger-causes") if one else ("they do", "Granger-cause")
    frame = pd.DataFrame(
        {
            "term": terms, "estimate": fit.params, "std_error": np.sqrt(np.diagonal(fit.cov)),
            "pooled": fit.plain,
        }
    )  # fmt: skip
    test = PanelTest(
        subject=CAUSALITY, name="Juodis-Karavias-Sarafidis W",
        null=f"{', '.join(names[1:])} {verb} {names[0]} in no entity",
        alternative=f"{they} in some entities", statistic=fit.wald, distribution="chi2",
        df=float(m), pvalue=float(special.chdtrc(m, fit.wald)), sample=s.sample,
        note=f"{lags} lags; half-panel jackknife; "
        + ("heteroskedastic" if heteroskedastic else "homoskedastic") + " errors",
        detail={"coefficients": frame, "cov": fit.cov},
    )  # fmt: skip
    return with_size(test, s.N, s.periods)


def _pair(panel: Panel, formula: str, most: int) -> tuple[Series, tuple[str, ...]]:
    d = Design.build(formula, panel, intercept=False)
    k = d.X.shape[1]
    if not 1 <= k <= most or d.endog_names:
        raise SpecificationError(
            f"{formula!r} has {k} regressors; write 'y ~ x'" + (" + z." if most > 1 else ".")
        )
    first = np.unique(d.entity, return_index=True)[1]
    s = Series(
        name=formula, values=np.column_stack([d.y, d.X]), entity=d.entity, time=d.time,
        labels=panel.entities[panel.entity_codes[d.rows[first]]],
    )  # fmt: skip
    return s, (d.dependent, *d.names)


def _whole(name: str, value: object, fewest: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < fewest:
        raise SpecificationError(f"{name}={value!r}; give a whole number of at least {fewest}.")
