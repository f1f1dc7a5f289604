"""Tests for the presence of entity and time effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from migdev.diagnostics.fit.levels import (
    describe,
    levels,
    moments_of,
    pooled,
    refuse_exact,
    refuse_weights,
    require_least_squares,
    sample_of,
)
from migdev.diagnostics.subjects import EFFECTS
from migdev.errors import ResultError
from migdev.kernels.arrays.distributions import chi2_tail
from migdev.kernels.arrays.groups import group_sums
from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.options import check_choice
from migdev.results.estimate import Estimate
from migdev.results.statistic import TestStatistic, f_test, normal_test

Kind = Literal["breusch-pagan", "honda", "king-wu", "ghm"]


def f_effects(fe: Estimate, restricted: Estimate | None = None) -> TestStatistic:
    r"""F test that the fixed effects are zero.

    .. math::
        F = \frac{(RSS_R - RSS_U)/(df_R - df_U)}{RSS_U/df_U} \sim F(df_R - df_U, df_U) \quad (1)

    Parameters
    ----------
    fe : Estimate
        A fit of FixedEffects.
    restricted : Estimate, optional
        The fit under the null: pooled OLS (the default, fitted here on the same rows), or fixed
        effects with fewer factors, as in testing time effects given entity effects. Rows that
        ``fe`` left out as singletons may be in it.

    Notes
    -----
    Assumes homoskedastic, serially uncorrelated errors. plm's ``pFtest``.

    References
    ----------
    Baltagi (2021), Econometric Analysis of Panel Data, 6th ed., sections 2.2 and 3.2.
    """
    one = moments_of(fe, "f_effects")
    require_least_squares(fe, "f_effects")
    if not fe.facts.absorbed:
        raise ResultError(f"f_effects takes a fit with absorbed effects, not {fe.method}.")
    rss = float(one.resid @ one.resid)
    given: tuple[str, ...] = ()
    if restricted is None:
        d = levels(fe, "f_effects")
        if d.weights is not None:
            root = np.sqrt(d.weights)
            d = replace(d, X=d.X * root[:, None], y=d.y * root)
        fit = pooled(d)
        rss_null, df_null = float(fit.resid @ fit.resid), d.nobs - len(fit.params)
    else:
        two = moments_of(restricted, "f_effects")
        require_least_squares(restricted, "f_effects", form="levels")
        _check_nested(fe, restricted)
        given = two.factor_names
        rss_null, df_null = float(two.resid @ two.resid), two.df_resid
    df = one.df_resid
    if df_null <= df:
        raise ResultError(
            f"The fit under the null has {df_null} residual degrees of freedom, not more than the "
            f"{df} of the fit with effects: the models are not nested."
        )
    null = "no effects of " + ", ".join(n for n in one.factor_names if n not in given)
    null += f", given those of {', '.join(given)}" if given else ""
    statistic = max(rss_null - rss, 0.0) / (df_null - df) / (rss / df)
    return f_test(
        "F test of effects", null, statistic, df_null - df, df,
        alternative="effects differ from zero", sample=f"{fe.nobs:,} observations",
    )  # fmt: skip


def _check_nested(fe: Estimate, restricted: Estimate) -> None:
    rows, others = sample_of(fe, "f_effects").rows, sample_of(restricted, "f_effects").rows
    if not np.isin(rows, others).all() or fe.dependent != restricted.dependent:
        raise ResultError(
            "The fits stand on different rows or dependent variables; fit both on the same panel."
        )
    extra = len(others) - len(rows)
    single = fe.dropped.get(f"singletons of {', '.join(fe.facts.absorbed or ())}", 0)
    if extra > single:
        raise ResultError(
            f"The fit under the null has {extra} rows that the fit with effects has not; only "
            f"singletons ({single}) may differ."
        )


def breusch_pagan_lm(
    fit: Estimate,
    effects: str | Sequence[str] = ("entity",),
    *,
    kind: Kind = "breusch-pagan",
) -> TestStatistic:
    r"""Lagrange multiplier tests for random effects, from pooled OLS residuals.

    .. math::
        LM_\mu &= \frac{n}{\sqrt{2(\sum_i T_i^2 - n)}} \left[
            \frac{\sum_i (\sum_t \hat u_{it})^2}{\sum_i\sum_t \hat u_{it}^2} - 1\right] \quad (1)

    and likewise :math:`LM_\lambda` for periods; unbalanced panels are covered (Baltagi and Li
    1990).

    Parameters
    ----------
    fit : Estimate
        Any fit with a formula; pooled OLS is fitted on its rows.
    effects : tuple of str
        ``("entity",)``, ``("time",)`` or both.
    kind : {"breusch-pagan", "honda", "king-wu", "ghm"}
        :math:`LM^2 \sim \chi^2`, two-sided (sums over two effects); ``honda``: one-sided normal,
        :math:`(LM_\mu + LM_\lambda)/\sqrt 2` for two; ``king-wu``: weights by information;
        ``ghm``: Gourieroux, Holly and Monfort's :math:`\max(0, LM_\mu)^2 + \max(0,
        LM_\lambda)^2`, a mixture of chi2, for two effects. plm's ``plmtest``.

    Notes
    -----
    Variances cannot be negative, so the one-sided kinds have more power.

    References
    ----------
    Breusch and Pagan (1980), Review of Economic Studies 47, 239-253. Honda (1985), Review of
    Economic Studies 52, 681-690. King and Wu (1997), Journal of Statistical Planning and
    Inference 62, 25-41. Gourieroux, Holly and Monfort (1982), Econometrica 50, 63-80. Baltagi and
    Li (1990), Economics Letters 33, 139-141 [unbalanced].
    """
    check_choice("kind", kind, Kind)
    names = (effects,) if isinstance(effects, str) else tuple(dict.fromkeys(effects))
    if set(names) not in ({"entity"}, {"time"}, {"entity", "time"}):
        raise ResultError(f"effects={effects!r}: use 'entity', 'time' or both.")
    if kind == "ghm" and len(names) == 1:
        raise ResultError("kind='ghm' is for two effects; with one, kind='honda' is one-sided.")
    refuse_weights(fit, "breusch_pagan_lm")
    d = levels(fit, "breusch_pagan_lm")
    u = pooled(d).resid
    refuse_exact(u, d.y, "breusch_pagan_lm")
    pairs = [_lm(u, d.codes(name)) for name in names]
    lm = np.array([value for value, _ in pairs])
    weight = np.sqrt(np.array([information for _, information in pairs]))
    what = " and ".join(names)
    words: dict[str, Any] = {
        "null": f"no random effects of {what}", "alternative": f"effects of {what}",
        "sample": describe(d),
    }  # fmt: skip
    if kind == "honda":
        return normal_test("Honda", statistic=float(lm.sum() / np.sqrt(len(lm))), sided=1, **words)
    if kind == "king-wu":
        statistic = float(weight @ lm / np.sqrt(weight @ weight))
        return normal_test("King-Wu", statistic=statistic, sided=1, **words)
    if kind == "ghm":
        statistic = float(np.sum(np.maximum(lm, 0) ** 2))
        p = 0.5 * chi2_tail(statistic, 1) + 0.25 * chi2_tail(statistic, 2) if statistic > 0 else 1.0
        return TestStatistic(
            subject=EFFECTS,
            name="Gourieroux-Holly-Monfort", statistic=statistic, distribution="chibar2",
            df=(0.0, 1.0, 2.0), pvalue=p, note="mixture weights 1/4, 1/2, 1/4", **words,
        )  # fmt: skip
    statistic = float(lm @ lm)
    return TestStatistic(
        subject=EFFECTS,
        name="Breusch-Pagan", statistic=statistic, distribution="chi2", df=float(len(lm)),
        pvalue=chi2_tail(statistic, len(lm)), **words,
    )  # fmt: skip


def _lm(u: FloatArray, codes: IntArray) -> tuple[float, float]:
    """The signed statistic (1), and the information that weights it."""
    counts = np.bincount(codes)
    information = float(counts @ counts) - len(u)
    if information <= 0:
        raise ResultError("Every group has one observation; effects cannot be told from errors.")
    sums = group_sums(u, codes)
    A = float(sums @ sums) / float(u @ u) - 1
    return len(u) / np.sqrt(2 * information) * A, information
