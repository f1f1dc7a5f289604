"""Stylised worlds: what the data would look like if a view were right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from migdev.errors import SpecificationError, listing
from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.panel.panel import Panel
from migdev.provenance import Provenance

REGIONS = (
    "East Asia & Pacific",
    "Europe & Central Asia",
    "Latin America & Caribbean",
    "Middle East & North Africa",
    "South Asia",
    "Sub-Saharan Africa",
)
INCOME_GROUPS = ("Low income", "Lower middle income", "Upper middle income")


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """Effects of one more percent of GDP of remittances in a simulated world.

    Attributes
    ----------
    growth : float
        Percentage points of annual growth of GDP per capita.
    volatility : float
        Percentage points of the standard deviation of growth within a window.
    poverty : float
        Percentage points of the poverty headcount.
    dependence : float
        Percent of GDP of the trade gap (imports less exports).
    investment, consumption, industry : float
        Percent of GDP.
    """

    growth: float
    volatility: float
    poverty: float
    dependence: float
    investment: float = 0.0
    consumption: float = 0.0
    industry: float = 0.0


WORLDS = {
    "development": Truth(
        growth=0.20, volatility=-0.15, poverty=-0.80, dependence=0.0, investment=0.40,
        consumption=0.50,
    ),
    "critical": Truth(
        growth=-0.05, volatility=-0.15, poverty=0.0, dependence=0.80, consumption=1.0,
        industry=-0.30,
    ),
    "null": Truth(growth=0.0, volatility=0.0, poverty=0.0, dependence=0.0),
}  # fmt: skip


def truth(view: str) -> Truth:
    """The effects that hold in a world."""
    if view not in WORLDS:
        raise SpecificationError(f"view={view!r} is not a simulated world; use {listing(WORLDS)}.")
    return WORLDS[view]


def stylised_world(
    view: str | Truth = "critical",
    *,
    seed: int,
    entities: int = 120,
    first: int = 1970,
    last: int = 2019,
    window: int = 5,
    missing: bool = True,
) -> Panel:
    r"""A yearly country panel in which a view of remittances is true.

    For country i, year t of window w, with :math:`R_{iw}` the window mean of remittances in
    percent of GDP,

    .. math::
        g_{it} &= \alpha_i + \theta_g R_{iw} - 1.5\,(\log y_{i,w-1} - \overline{\log y})
            + \lambda_i f_t + \sigma_{iw}\varepsilon_{it} \quad (1) \\
        \sigma_{iw} &= \max\{0.5,\; \sigma_i + \theta_v (R_{iw} - \bar R_i)\} \quad (2) \\
        P_{iw} &= \pi_i + \theta_p R_{iw} - 12\,(\log y_{iw} - \log y_{i0}) + u_{iw} \quad (3) \\
        G_{iw} &= \gamma_i + \theta_d R_{iw} + v_{iw} \quad (4)

    and investment, consumption and industry like (4). Manufacturing moves as industry does,
    vulnerable employment as the gap, and external debt by all years of a window of it.

    Remittances are persistent (yearly autocorrelation near 0.95 in logs), skewed (median near 2%,
    tenth decile above 10% of GDP) and share a world factor; reported flows rise by half when
    measurement improves in a year between 1995 and 2005, which is a break of measurement and has
    no effect on anything. Poverty is observed in two windows of three, remittances rarely before
    1980. The truth is in :data:`WORLDS`.

    Parameters
    ----------
    view : {"development", "critical", "null"} or Truth
        A world of :data:`WORLDS`, or effects of one's own.
    seed : int
    entities : int
        Number of countries, with made-up codes ``S001``, ``S002``, ...
    first, last : int
        Years.
    window : int
        Years over which the effects of remittances hold.
    missing : bool
        Whether cells are missing as they are in published data.

    Returns
    -------
    Panel
        Columns named by World Bank codes, with the region and income group of each country; every
        label says that the values are simulated.
    """
    effect = truth(view) if isinstance(view, str) else view
    rng = np.random.default_rng(seed)
    years = np.arange(first, last + 1)
    if len(years) < 2 * window:
        raise SpecificationError(
            f"{first} to {last} holds {len(years)} years; a world needs two windows of {window}."
        )
    n, periods = entities, len(years)
    block = (years - first) // window
    blocks = int(block[-1]) + 1
    world = _autoregression(rng, 1, periods, 0.5)[0]
    R = _remittances(rng, n, years, world)
    mean_R = _block_means(R, block, blocks)
    load = rng.uniform(0.5, 1.5, n)
    start = rng.normal(7.6, 0.8, n)
    trend, spread = rng.normal(2.0, 1.0, n), rng.uniform(2.5, 4.5, n)
    centred = mean_R - mean_R.mean(axis=1, keepdims=True)
    sigma = np.maximum(0.5, spread[:, None] + effect.volatility * centred)
    growth, log_y = np.empty((n, periods)), np.empty((n, periods))
    level = start.copy()
    for b in range(blocks):
        at = np.flatnonzero(block == b)
        shock = rng.standard_normal((n, len(at)))
        growth[:, at] = (
            (trend + effect.growth * centred[:, b] - 1.5 * (level - start))[:, None]
            + 0.8 * load[:, None] * world[at]
            + sigma[:, [b]] * shock
        )
        log_y[:, at] = level[:, None] + np.cumsum(growth[:, at] / 100, axis=1)
        level = log_y[:, at[-1]]
    income = _block_means(log_y, block, blocks) - start[:, None]
    poverty = (
        rng.uniform(15, 55, n)[:, None]
        + effect.poverty * centred
        - 12 * income
        + rng.normal(0, 3, (n, blocks))
    )
    gap = (
        rng.normal(6, 5, n)[:, None] + effect.dependence * centred + rng.normal(0, 2.5, (n, blocks))
    )
    trade = np.clip(
        rng.normal(70, 25, n)[:, None] + _autoregression(rng, n, periods, 0.9) * 3, 15, 200
    )

    def share(mean: float, spread: float, slope: float, low: float, high: float) -> FloatArray:
        """A share of GDP: country level, effect of remittances, persistent noise."""
        level = rng.normal(mean, spread, n)[:, None] + slope * centred[:, block]
        noisy = level + 2 * _autoregression(rng, n, periods, 0.7)
        return np.asarray(np.clip(noisy, low, high), dtype=float)

    gap_it = gap[:, block] + rng.normal(0, 2, (n, periods))
    columns = {
        "BX.TRF.PWKR.DT.GD.ZS": _reported(rng, R, years),
        "NY.GDP.PCAP.KD": np.exp(log_y),
        "NY.GDP.PCAP.KD.ZG": growth,
        "NE.TRD.GNFS.ZS": trade,
        "NE.EXP.GNFS.ZS": (trade - gap_it) / 2,
        "NE.IMP.GNFS.ZS": (trade + gap_it) / 2,
        "NE.GDI.TOTL.ZS": share(22, 4, effect.investment, 3, 60),
        "NE.CON.PRVT.ZS": share(65, 8, effect.consumption, 20, 120),
        "NV.IND.TOTL.ZS": share(26, 7, effect.industry, 4, 70),
        "FS.AST.PRVT.GD.ZS": share(30, 12, 0.0, 2, 150),
        "SI.POV.GINI": share(42, 6, 0.0, 22, 65),
        "FP.CPI.TOTL.ZG": np.expm1(0.06 + 0.05 * np.abs(_autoregression(rng, n, periods, 0.6)))
        * 100,
        "SP.POP.GROW": rng.normal(1.8, 0.9, n)[:, None]
        + 0.1 * _autoregression(rng, n, periods, 0.9),
        "NE.CON.GOVT.ZS": np.clip(
            rng.normal(14, 4, n)[:, None] + _autoregression(rng, n, periods, 0.8), 3, 40
        ),
        "SI.POV.DDAY": np.clip(poverty, 0, 95)[:, block] + rng.normal(0, 1, (n, periods)),
    }
    of_structure = np.random.default_rng([seed, 1])  # leaves the other draws as they were
    for code, mean, deviation, slope, high in (
        ("NV.IND.MANF.ZS", 14, 5, effect.industry, 50),
        ("SL.EMP.VULN.ZS", 50, 15, effect.dependence, 98),
        ("DT.DOD.DECT.GN.ZS", 50, 15, window * effect.dependence, 400),
    ):
        level_of = of_structure.normal(mean, deviation, n)[:, None]
        noisy = level_of + 2 * _autoregression(of_structure, n, periods, 0.7)
        columns[code] = np.clip(noisy + slope * centred[:, block], 1, high)
    if missing:
        _punch(rng, columns, years, block)
    columns["NE.CON.PRVT.PC.KD"] = columns["NY.GDP.PCAP.KD"] * columns["NE.CON.PRVT.ZS"] / 100
    name = view if isinstance(view, str) else "custom"
    return _as_panel(columns, years, rng, name, repr(view), seed)


def _autoregression(rng: np.random.Generator, n: int, periods: int, rho: float) -> FloatArray:
    """(n, periods) stationary AR(1) paths with unit variance."""
    shocks = rng.standard_normal((n, periods))
    paths = np.empty_like(shocks)
    paths[:, 0] = shocks[:, 0]
    for t in range(1, periods):
        paths[:, t] = rho * paths[:, t - 1] + np.sqrt(1 - rho**2) * shocks[:, t]
    return paths


def _remittances(
    rng: np.random.Generator, n: int, years: IntArray, world: FloatArray
) -> FloatArray:
    """(n, periods) true remittances, % of GDP: log-normal, persistent, with a world factor."""
    level = rng.normal(np.log(2.5), 1.0, n)[:, None]
    path = 0.6 * _autoregression(rng, n, len(years), 0.95)
    return np.minimum(np.exp(level + path + 0.1 * world), 45.0)


def _reported(rng: np.random.Generator, R: FloatArray, years: IntArray) -> FloatArray:
    """What statistics show: a third is missed until a country's measurement improves."""
    improved = rng.integers(1995, 2006, size=(len(R), 1)) <= years[None, :]
    return np.asarray(R * np.where(improved, 1.0, 2 / 3))


def _block_means(values: FloatArray, block: IntArray, blocks: int) -> FloatArray:
    counts = np.bincount(block, minlength=blocks)
    sums = np.add.reduceat(values, np.searchsorted(block, np.arange(blocks)), axis=1)
    return np.asarray(sums / counts)


def _punch(
    rng: np.random.Generator, columns: dict[str, FloatArray], years: IntArray, block: IntArray
) -> None:
    """Missing cells as in published data: late starters, and surveys now and then."""
    n, periods = columns["NY.GDP.PCAP.KD"].shape
    begins = rng.integers(1970, 1990, size=(n, 1))
    columns["BX.TRF.PWKR.DT.GD.ZS"][years[None, :] < begins] = np.nan
    for name, share in (
        ("FP.CPI.TOTL.ZG", 0.05),
        ("NE.GDI.TOTL.ZS", 0.05),
        ("NE.TRD.GNFS.ZS", 0.03),
    ):
        columns[name][rng.random((n, periods)) < share] = np.nan
    surveyed = rng.random((n, int(block[-1]) + 1)) < 2 / 3
    in_year = rng.random((n, periods)) < 0.5
    for name in ("SI.POV.DDAY", "SI.POV.GINI"):
        columns[name][~(surveyed[:, block] & in_year)] = np.nan


def _as_panel(
    columns: dict[str, FloatArray],
    years: IntArray,
    rng: np.random.Generator,
    name: str,
    view: str,
    seed: int,
) -> Panel:
    n, periods = next(iter(columns.values())).shape
    codes = np.array([f"S{i:03d}" for i in range(1, n + 1)])
    frame = pd.DataFrame(
        {
            "iso3": np.repeat(codes, periods),
            "year": np.tile(years, n),
            "region": np.repeat(np.array(REGIONS)[np.arange(n) % len(REGIONS)], periods),
            "income_group": np.repeat(np.array(INCOME_GROUPS)[rng.integers(0, 3, n)], periods),
            **{name: values.ravel() for name, values in columns.items()},
        }
    )
    provenance = Provenance(
        publisher="migdev",
        dataset=f"SIMULATED {name} world",
        series=tuple(columns),
        request=f"stylised_world(view={view}, seed={seed})",
        licence="no restrictions: simulated data",
        citation="Simulated data; they describe no country.",
        labels={name: f"{name} (simulated)" for name in columns},
    )
    return Panel.from_frame(
        frame, entity="iso3", time="year", labels=dict(provenance.labels), provenance=(provenance,)
    )
