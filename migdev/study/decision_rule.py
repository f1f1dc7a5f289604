"""The decision rule: from an estimate and its error to a verdict, and what each view may claim."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any

from migdev.errors import ResultError, SpecificationError, listing
from migdev.kernels.arrays.distributions import t_quantile
from migdev.robustness.equivalence import tost
from migdev.robustness.power import minimum_detectable_effect

PREDICTIONS = ("+", "-", "0", ">=0", "<=0", "!=0", "any")


@dataclass(frozen=True, slots=True, kw_only=True)
class Focal:
    """The focal parameter in one specification.

    Attributes
    ----------
    estimate, std_error : float
    df : float or None
    low, high : float
        Interval at the level of the hypothesis (95% for level 0.05).
    inner_low, inner_high : float
        Interval of twice the level (90%): the one that one-sided tests at the level read.
    pvalue : float
        Two-sided, of zero.
    equivalence : float
        p-value of the two one-sided tests; ``nan`` without a smallest effect of interest.
    detectable : float
        Minimum detectable effect at 80% power.
    """

    estimate: float
    std_error: float
    df: float | None
    low: float
    high: float
    inner_low: float
    inner_high: float
    pvalue: float
    equivalence: float
    detectable: float


def measure(
    estimate: float,
    std_error: float,
    df: float | None,
    *,
    pvalue: float,
    bound: float,
    level: float,
) -> Focal:
    """Intervals, equivalence and detectable effect of a focal parameter."""
    outer = float(t_quantile(1 - level / 2, df)) * std_error
    inner = float(t_quantile(1 - level, df)) * std_error
    equivalence = tost(estimate, std_error, bound, df).pvalue if bound > 0 else float("nan")
    return Focal(
        estimate=estimate, std_error=std_error, df=df, low=estimate - outer,
        high=estimate + outer, inner_low=estimate - inner, inner_high=estimate + inner,
        pvalue=pvalue, equivalence=equivalence,
        detectable=float(minimum_detectable_effect(std_error, df, level=level)),
    )  # fmt: skip


def focal_of(found: Any, *, bound: float, level: float) -> Focal:
    """The focal parameter of a function of coefficients (``delta`` or ``lincom``).

    Raises
    ------
    ResultError
        It has no finite value, no error, or no degrees of freedom.
    """
    value, error, df = found.estimate, found.std_error, found.df
    if not (isfinite(value) and isfinite(error) and error > 0):
        raise ResultError(
            f"The focal parameter {found.name!r} is {value:g} with standard error {error:g}, "
            "which no verdict can rest on."
        )
    if df is not None and not df > 0:
        raise ResultError(
            f"The focal parameter {found.name!r} has {df:g} degrees of freedom, and no verdict "
            "can rest on that. Use more entities, or fewer regressors."
        )
    return measure(value, error, df, pvalue=found.pvalue, bound=bound, level=level)


def check_prediction(prediction: str) -> str:
    if prediction not in PREDICTIONS:
        raise SpecificationError(
            f"A prediction is one of {listing(PREDICTIONS)}, not {prediction!r}."
        )
    return prediction


def verdict(prediction: str, focal: Focal, bound: float) -> str:
    r"""Verdict on a claim.

    With :math:`\delta` the smallest effect of interest:

    ============== ==========================================================================
    no effect      the inner interval lies inside :math:`(-\delta, \delta)`
    supported      it lies beyond :math:`\delta` on the predicted side; for a claim of at most
                   (at least) zero, below :math:`\delta` (above :math:`-\delta`)
    contradicted   it lies beyond :math:`\delta` on the other side
    undecided      otherwise
    ============== ==========================================================================

    Each is a one-sided test at the level, hence the inner interval. A statement that either side
    would bear out (a claim of some effect supported, one of none contradicted) reads the outer one.
    """
    check_prediction(prediction)
    if bound > 0 and -bound < focal.inner_low and focal.inner_high < bound:
        return "no effect"
    above, below = focal.inner_low > bound, focal.inner_high < -bound
    if (prediction in ("+", ">=0") and above) or (prediction in ("-", "<=0") and below):
        return "supported"
    if (prediction in ("+", ">=0") and below) or (prediction in ("-", "<=0") and above):
        return "contradicted"
    if focal.low > bound or focal.high < -bound:
        if prediction == "0":
            return "contradicted"
        if prediction == "!=0":
            return "supported"
    if prediction == "<=0" and focal.inner_high < bound:
        return "supported"
    if prediction == ">=0" and focal.inner_low > -bound:
        return "supported"
    return "undecided"


def standing(prediction: str, focal: Focal, bound: float) -> str:
    """How a view fares: its predicted region is established (supported) or refused
    (contradicted) at the level, or neither (undecided).

    The regions are ``+`` above the smallest effect, ``-`` below its negative, ``0`` between the
    two, ``!=0`` outside them, ``<=0`` below the smallest effect, ``>=0`` above its negative. The
    same tests make the intersection-union test of a pattern
    (:func:`migdev.study.cones.region_pvalue`): one-sided, so the inner interval is read, save
    where two sides bear a statement out.
    """
    low, high = focal.inner_low, focal.inner_high
    beyond = focal.low > bound or focal.high < -bound
    within = -bound < low and high < bound
    inside, outside = {
        "+": (low > bound, high < bound),
        "-": (high < -bound, low > -bound),
        "0": (within, beyond),
        "!=0": (beyond, within),
        "<=0": (high < bound, low > bound),
        ">=0": (low > -bound, high < -bound),
        "any": (False, False),
    }[check_prediction(prediction)]
    return "supported" if inside else "contradicted" if outside else "undecided"
