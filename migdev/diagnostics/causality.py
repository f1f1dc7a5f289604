"""Granger causality in heterogeneous panels."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import special

from migdev.diagnostics.series import Series, require_entities
from migdev.errors import SpecificationError
from migdev.kernels.causality import granger_wald, standardised_wald
from migdev.kernels.causality_bootstrap import bootstrap_wald
from migdev.panel.design import Design
from migdev.panel.panel import Panel
from migdev.results.panel_test import PanelTest


def dumitrescu_hurlin(
    panel: Panel,
    formula: str,
    *,
    lags: int = 1,
    statistic: str = "Z-tilde",
    bootstrap: int = 0,
    seed: int = 0,
    short: str = "raise",
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
    bootstrap : int
        Replications of a bootstrap that is robust to dependence between entities (balanced panels
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
    if statistic not in ("Z-tilde", "Z-bar", "W-bar"):
        raise SpecificationError(f"statistic={statistic!r}; use 'Z-tilde', 'Z-bar' or 'W-bar'.")
    if bootstrap < 0:
        raise SpecificationError(f"bootstrap={bootstrap}; a number of replications, or 0.")
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
    for keep, reason in (
        (long, f"have no more than {fewest} periods with all lags"),
        (~collinear[long], "are constant or collinear"),
    ):
        if not keep.all():
            s = require_entities(s, keep, short, reason, "Use fewer lags")
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
    if bootstrap:
        M = s.matrix("The bootstrap of dumitrescu_hurlin()")
        draws = bootstrap_wald(
            np.ascontiguousarray(M[:, :, 0]), np.ascontiguousarray(M[:, :, 1]), lags, bootstrap,
            np.random.default_rng(seed),
        )  # fmt: skip
        # All three statistics rise with W-bar; the null is refused for large and small ones.
        centre = draws.mean()
        extreme = int(np.sum(np.abs(draws - centre) >= abs(average - centre)))
        p = (1 + extreme) / (1 + bootstrap)
        distribution, note = "tabulated", f"{note}; bootstrap of {bootstrap}, seed {seed}"
        detail["upper_tail_pvalue"] = (1 + int(np.sum(draws >= average))) / (1 + bootstrap)
    elif statistic == "W-bar":
        distribution, p = "tabulated", float("nan")
    return PanelTest(
        name=f"Dumitrescu-Hurlin {statistic}",
        null=f"{d.names[0]} Granger-causes {d.dependent} in no entity",
        alternative="it does in some entities", statistic=float(value), distribution=distribution,
        pvalue=p, sample=s.sample, note=note, detail=detail,
    )  # fmt: skip
