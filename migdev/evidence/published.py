"""What has been published, in a unit in which a new estimate can stand beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migdev.errors import SpecificationError, listing


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """A summary of published estimates, as a partial correlation.

    Attributes
    ----------
    name : str
        How the published estimates were summarised.
    value : float
    low, high : float
        95% interval; ``nan`` where none is published.
    corrected : bool
        Whether publication bias was corrected.
    where : str
        Table of the source.
    """

    name: str
    value: float
    low: float = float("nan")
    high: float = float("nan")
    corrected: bool = False
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Literature:
    """Published estimates of one effect.

    Attributes
    ----------
    effect, source : str
    spread : float
        Standard deviation of the published estimates.
    benchmarks : tuple of Benchmark
    """

    effect: str
    source: str
    spread: float
    benchmarks: tuple[Benchmark, ...]

    @property
    def mean(self) -> Benchmark:
        """The first benchmark without correction."""
        return next(b for b in self.benchmarks if not b.corrected)


LITERATURE = {
    "growth": Literature(
        effect="the effect of remittances on growth",
        source="Cazachevici, Havranek and Horvath (2020), World Development 134, 105021, long-run "
        "estimates",
        spread=0.29,  # Table 4
        benchmarks=(
            Benchmark(name="simple mean", value=0.103, low=0.077, high=0.128, where="Table 1"),
            Benchmark(
                name="mean weighted by precision", value=0.053, low=0.048, high=0.058,
                where="Table 1",
            ),
            Benchmark(
                name="random-effects mean", value=0.095, low=0.077, high=0.112, where="Table 1"
            ),
            Benchmark(
                name="the tenth most precise (Top 10)", value=0.025, corrected=True, where="Table 3"
            ),
            Benchmark(
                name="adequately powered estimates (WAAP)", value=0.042, corrected=True,
                where="Table 3",
            ),
            Benchmark(name="Andrews and Kasy", value=0.121, corrected=True, where="Table 3"),
            Benchmark(name="stem-based", value=0.036, corrected=True, where="Table 3"),
        ),
    )
}  # fmt: skip

#: Partial correlations that economists' estimates make small, moderate and large: Doucouliagos
#: (2011), How large is large?, Deakin University, School Working Paper SWP 2011/5.
GUIDELINES = {"small": 0.07, "moderate": 0.17, "large": 0.33}


def partial_correlation(statistic: float, df: float) -> tuple[float, float]:
    r"""Partial correlation of a coefficient, and its standard error.

    .. math::
        r = t / \sqrt{t^2 + df}, \qquad se(r) = r / t = 1 / \sqrt{t^2 + df} \quad (1)

    Parameters
    ----------
    statistic : float
        t statistic of the coefficient.
    df : float
        Residual degrees of freedom.

    Raises
    ------
    SpecificationError
        The degrees of freedom are not positive.

    References
    ----------
    Cazachevici, Havranek and Horvath (2020), World Development 134, 105021, eqs. (4) and (5).
    """
    if not df > 0:
        raise SpecificationError(f"df={df}: a partial correlation needs degrees of freedom.")
    scale = 1 / np.sqrt(statistic**2 + df)
    return float(statistic * scale), float(scale)


def compare(key: str, statistic: float, df: float) -> str:
    """Where an estimate falls among published ones, in a sentence or two.

    Parameters
    ----------
    key : str
        Of :data:`LITERATURE`.
    statistic, df : float
        t statistic and residual degrees of freedom of the estimate.
    """
    if key not in LITERATURE:
        raise SpecificationError(
            f"There is no published evidence under {key!r}; there is {listing(LITERATURE)}."
        )
    known = LITERATURE[key]
    r, error = partial_correlation(statistic, df)
    mean = known.mean
    distance = (r - mean.value) / known.spread
    low, high = r - 1.96 * error, r + 1.96 * error
    held = [b for b in known.benchmarks if low <= b.value <= high]
    corrected = [b.value for b in known.benchmarks if b.corrected]
    reach = (
        "all of these"
        if len(held) == len(known.benchmarks)
        else "none of these"
        if not held
        else f"{len(held)} of these {len(known.benchmarks)} summaries"
    )
    return (
        f"As a partial correlation the estimate is {r:.3f} [{low:.3f}, {high:.3f}]. It lies "
        f"{abs(distance):.1f} standard deviations of published estimates "
        f"{'below' if distance < 0 else 'above'} their mean of {mean.value:.3f} [{mean.low:.3f}, "
        f"{mean.high:.3f}]; corrected for publication bias, published estimates of {known.effect} "
        f"centre on {min(corrected):.3f} to {max(corrected):.3f}, by method. The interval holds "
        f"{reach} ({known.source}, {', '.join(sorted({b.where for b in known.benchmarks}))}, "
        "spread in Table 4)."
    )
