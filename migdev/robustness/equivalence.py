"""Two one-sided tests: the only road to "no effect"."""

from __future__ import annotations

from migdev.errors import SpecificationError
from migdev.kernels.arrays.distributions import t_lower
from migdev.results.statistic import TestStatistic


def tost(estimate: float, std_error: float, bound: float, df: float | None = None) -> TestStatistic:
    r"""Test that an effect lies inside ``(-bound, bound)``.

    .. math::
        t_L &= (\hat\theta + \delta) / \widehat{se}, \qquad
        t_U = (\hat\theta - \delta) / \widehat{se} \quad (1) \\
        p &= \max\{P(t > t_L),\; P(t < t_U)\} \quad (2)

    Rejecting at level :math:`\alpha` is the same as a :math:`1 - 2\alpha` interval inside the
    bounds.

    Parameters
    ----------
    estimate, std_error : float
    bound : float
        The smallest effect of interest, in the units of the estimate.
    df : float, optional
        Degrees of freedom; None for the normal.

    Raises
    ------
    SpecificationError
        ``bound``, ``std_error`` or ``df`` is not positive.

    References
    ----------
    Schuirmann (1987), Journal of Pharmacokinetics and Biopharmaceutics 15, 657-680.
    """
    if not bound > 0:
        raise SpecificationError(f"bound={bound}: the smallest effect of interest is positive.")
    if not std_error > 0:
        raise SpecificationError(f"std_error={std_error}: a standard error is positive.")
    if df is not None and not df > 0:
        raise SpecificationError(f"df={df}: degrees of freedom are positive.")
    above = float(t_lower(-(estimate + bound) / std_error, df))
    below = float(t_lower((estimate - bound) / std_error, df))
    nearer = (estimate + bound if above > below else estimate - bound) / std_error
    return TestStatistic(
        name="Two one-sided tests",
        null=f"the effect is at least {bound:g} in absolute value",
        alternative=f"the effect lies inside (-{bound:g}, {bound:g})",
        statistic=nearer,
        distribution="t" if df is not None else "normal",
        df=df,
        pvalue=max(above, below),
    )
