"""The tests behind each verdict, so that verdicts can be corrected for multiplicity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migdev.kernels.arrays.distributions import t_lower
from migdev.study.decision_rule import Focal, check_prediction

#: In the order in which the rule looks for them.
OUTCOMES = ("no effect", "supported", "contradicted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisive:
    """A one-sided test whose rejection gives a verdict.

    Attributes
    ----------
    statistic : float
        Large where the null that the verdict is wrong does not hold.
    side : float
        +1 or -1: the statistic rises or falls with the estimate.
    factor : int
        p-values are this many tails: 2 where either side bears the statement out, else 1.
    df : float or None
    """

    statistic: float
    side: float
    factor: int
    df: float | None

    @property
    def pvalue(self) -> float:
        return min(1.0, self.factor * float(t_lower(-self.statistic, self.df)))


def decisive_tests(prediction: str, focal: Focal, bound: float) -> dict[str, Decisive]:
    r"""The test behind each verdict that a claim can get.

    The verdict of :func:`migdev.study.decision_rule.verdict` at level :math:`\alpha` is the first
    of :data:`OUTCOMES` whose p-value is below :math:`\alpha`. With estimate
    :math:`\hat\theta`, error s and smallest effect :math:`\delta` the statistics are

    .. math::
        \text{above: } (\hat\theta - \delta)/s, \quad
        \text{below: } (-\delta - \hat\theta)/s, \quad
        \text{inside: } (\delta - |\hat\theta|)/s \quad (1)
    """
    check_prediction(prediction)
    estimate, error = focal.estimate, focal.std_error
    nearest = 1.0 if estimate >= 0 else -1.0

    def test(statistic: float, side: float, factor: int) -> Decisive:
        return Decisive(statistic=statistic / error, side=side, factor=factor, df=focal.df)

    above, below = test(estimate - bound, 1.0, 1), test(-bound - estimate, -1.0, 1)
    beyond = test(abs(estimate) - bound, nearest, 2)
    found = {
        "+": {"supported": above, "contradicted": below},
        "-": {"supported": below, "contradicted": above},
        "0": {"contradicted": beyond},
        "!=0": {"supported": beyond},
        "<=0": {"supported": test(bound - estimate, -1.0, 1), "contradicted": above},
        ">=0": {"supported": test(estimate + bound, 1.0, 1), "contradicted": below},
        "any": {},
    }[prediction]
    if bound > 0:
        found = {"no effect": test(bound - abs(estimate), -nearest, 1), **found}
    return found


def decide(pvalues: dict[str, float], level: float) -> str:
    """The first outcome whose p-value is below the level."""
    known = (o for o in OUTCOMES if pvalues.get(o, np.nan) < level)
    return next(known, "undecided")
