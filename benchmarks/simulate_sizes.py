"""How often tests reject true nulls, and intervals hold the truth, in samples of N and T.

Prints the lines of migdev/results/sizes.tsv: for each design the share of samples in which a test
at 5% rejects its true null ("size"), or a 95% interval holds the true value ("cover"). A share p
of ``draws`` samples has a simulation error of sqrt(p (1-p) / draws): 0.007 at 5% with 1,000.

    python benchmarks/simulate_sizes.py [--draws 1000] [design ...] > sizes.tsv
"""

from __future__ import annotations

import argparse
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

import migdev as md
from migdev import diagnostics
from migdev.errors import MigdevError
from migdev.results.statistic import TestStatistic

Key = tuple[str, str, str]
SHORT = (6, 8, 10, 12, 15, 20, 30, 50)
LONG = (20, 30, 50, 100, 200)
FEW = (10, 20, 50)


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """Samples under a null, and which tests reject it or intervals hold the truth.

    Attributes
    ----------
    sample : (rng, N, T) -> columns of (N, T), by name
    outcomes : panel -> (kind, name, options) with what was found
    N, T : sizes
    """

    sample: Callable[[np.random.Generator, int, int], dict[str, np.ndarray]]
    outcomes: Callable[[md.Panel], Iterator[tuple[Key, bool]]]
    N: Sequence[int] = FEW
    T: Sequence[int] = SHORT


# ---------------------------------------------------------------------- samples


def walks(rng: np.random.Generator, N: int, T: int) -> dict[str, np.ndarray]:
    y, x = np.cumsum(rng.standard_normal((2, N, T)), axis=2)
    return {"y": y, "x": x, "noise": rng.standard_normal((N, T))}


def walks_with_factor(rng: np.random.Generator, N: int, T: int) -> dict[str, np.ndarray]:
    """Walks whose changes share a factor, with loadings around one; the levels of x too."""
    f, g = rng.standard_normal((2, 1, T))
    load, other = 1 + 0.5 * rng.standard_normal((2, N, 1))
    y, x = rng.standard_normal((2, N, T))
    return {"y": np.cumsum(y + load * f, axis=1), "x": np.cumsum(x + other * g, axis=1)}


def one_factor(rng: np.random.Generator, N: int, T: int) -> dict[str, np.ndarray]:
    """Loadings between zero and one: CD* is the worse the more they are alike."""
    load = rng.uniform(0, 1, (N, 1))
    return {"y": load * rng.standard_normal((1, T)) + rng.standard_normal((N, T))}


def autoregressive(
    rng: np.random.Generator, N: int, T: int, root: float, start: int = 50
) -> np.ndarray:
    e = rng.standard_normal((N, T + start))
    for t in range(1, T + start):
        e[:, t] += root * e[:, t - 1]
    return e[:, start:]


def no_causality(rng: np.random.Generator, N: int, T: int) -> dict[str, np.ndarray]:
    return {name: autoregressive(rng, N, T, 0.5) for name in ("y", "x")}


def cointegrated(rng: np.random.Generator, N: int, T: int) -> dict[str, np.ndarray]:
    """y = a + x + u with slopes of one, u an autoregression of root 0.5 whose shocks have a
    correlation of 0.5 with the changes of x; entities are independent."""
    v, e = rng.standard_normal((2, N, T + 50))
    u = 0.5 * v + np.sqrt(0.75) * e
    for t in range(1, T + 50):
        u[:, t] += 0.5 * u[:, t - 1]
    x = np.cumsum(v[:, 50:], axis=1)
    return {"x": x, "y": rng.standard_normal((N, 1)) + x + u[:, 50:]}


def dynamic_with_factor(rng: np.random.Generator, N: int, T: int) -> dict[str, np.ndarray]:
    """ARDL(1, 0) by entity, roots in (0.2, 0.6), long runs around one, a factor in y and x."""
    burn = 50
    f = autoregressive(rng, 1, T + burn, 0.5)
    root = rng.uniform(0.2, 0.6, (N, 1))
    long_run = 1 + 0.2 * rng.standard_normal((N, 1))
    load, other = 1 + 0.5 * rng.standard_normal((2, N, 1))
    x = autoregressive(rng, N, T + burn, 0.5) + other * f
    y = rng.standard_normal((N, 1)) + long_run * (1 - root) * x + load * f
    y = y + rng.standard_normal(y.shape)
    for t in range(1, T + burn):
        y[:, t] += root[:, 0] * y[:, t - 1]
    return {"y": y[:, burn:], "x": x[:, burn:]}


def dynamic(root: float) -> Callable[[np.random.Generator, int, int], dict[str, np.ndarray]]:
    def sample(rng: np.random.Generator, N: int, T: int) -> dict[str, np.ndarray]:
        """y = root L(y) + 0.5 x + a + e with x autoregressive and correlated with a."""
        a = rng.standard_normal((N, 1))
        x = a + autoregressive(rng, N, T + 50, 0.5)
        y = a + 0.5 * x + rng.standard_normal((N, T + 50))
        for t in range(1, T + 50):
            y[:, t] += root * y[:, t - 1]
        return {"y": y[:, 50:], "x": x[:, 50:]}

    return sample


def effects_only(root: float) -> Callable[[np.random.Generator, int, int], dict[str, np.ndarray]]:
    def sample(rng: np.random.Generator, N: int, T: int) -> dict[str, np.ndarray]:
        """y = root L(y) + a + e from its distribution around the levels of the entities."""
        a, y = rng.standard_normal((N, 1)), rng.standard_normal((N, T))
        y[:, :1] = a / (1 - root) + y[:, :1] / np.sqrt(1 - root**2)
        for t in range(1, T):
            y[:, t] += root * y[:, t - 1] + a[:, 0]
        return {"y": y}

    return sample


def without_threshold(rng: np.random.Generator, N: int, T: int) -> dict[str, np.ndarray]:
    """As above with a root of 0.5, and a threshold variable of no effect."""
    return dynamic(0.5)(rng, N, T) | {"q": rng.standard_normal((N, T))}


# ---------------------------------------------------------------------- outcomes


def rejected(*calls: tuple[str, Callable[[], TestStatistic]]) -> Iterator[tuple[Key, bool]]:
    """Tests that can be had of the sample, under their own names."""
    for options, call in calls:
        try:
            test = call()
        except MigdevError:
            continue
        detail = test.detail  # type: ignore[attr-defined]
        if "statistics" in detail:
            family = test.name.split()[0]
            for name, p in detail["statistics"]["p_value"].items():
                yield ("size", f"{family} {name}", options), bool(p < 0.05)
        elif "pvalues" in detail:
            for name, p in detail["pvalues"].items():
                label = test.name.replace(" P ", f" {'L*' if name == 'L' else name} ")
                yield ("size", label, options), bool(p < 0.05)
        else:
            yield ("size", test.name, options), bool(test.rejects())


def unit_roots(panel: md.Panel) -> Iterator[tuple[Key, bool]]:
    d = diagnostics
    for trend, plain in ((False, "intercept"), (True, "intercept and trend")):
        yield from rejected(
            (plain, lambda trend=trend: d.ips(panel, "y", trend=trend)),
            (plain, lambda trend=trend: d.fisher(panel, "y", trend=trend)),
            (plain, lambda trend=trend: d.fisher(panel, "y", trend=trend, test="pp")),
            (plain, lambda trend=trend: d.llc(panel, "y", trend=trend)),
            (plain, lambda trend=trend: d.breitung(panel, "y", trend=trend)),
            (plain, lambda trend=trend: d.harris_tzavalis(panel, "y", trend=trend)),
            (plain, lambda trend=trend: d.hadri(panel, "noise", trend=trend)),
        )


def common_unit_roots(panel: md.Panel) -> Iterator[tuple[Key, bool]]:
    for trend, plain in ((False, "intercept"), (True, "intercept and trend")):
        yield from rejected((plain, lambda trend=trend: diagnostics.cips(panel, "y", trend=trend)))


def residual_tests(panel: md.Panel) -> Iterator[tuple[Key, bool]]:
    d = diagnostics
    yield from rejected(
        ("intercept, lags by aic", lambda: d.pedroni(panel, "y ~ x")),
        ("intercept, 1 lag", lambda: d.pedroni(panel, "y ~ x", lags=1)),
        ("intercept", lambda: d.westerlund(panel, "y ~ x")),
        *(
            ("", lambda s=s: d.kao(panel, "y ~ x", statistic=s))
            for s in ("ADF", "DF-rho*", "DF-t*")
        ),
    )


def factor_cointegration(panel: md.Panel) -> Iterator[tuple[Key, bool]]:
    yield from rejected(
        ("", lambda: diagnostics.westerlund_durbin_hausman(panel, "y ~ x")),
        ("intercept", lambda: diagnostics.gengenbach(panel, "y ~ x")),
    )


def dependence(panel: md.Panel) -> Iterator[tuple[Key, bool]]:
    yield from rejected(
        ("", lambda: diagnostics.cross_section_dependence(panel, "y", statistic="CD*"))
    )


def independence(panel: md.Panel) -> Iterator[tuple[Key, bool]]:
    names = ("CD", "CDw", "CDw+", "LM", "scaled LM", "bias-corrected LM", "Friedman", "Frees")
    yield from rejected(
        *(
            ("", lambda s=s: diagnostics.cross_section_dependence(panel, "noise", statistic=s))
            for s in names
        ),
        ("", lambda: diagnostics.bias_adjusted_lm(panel, "noise ~ x")),
    )


def causality(panel: md.Panel) -> Iterator[tuple[Key, bool]]:
    d = diagnostics
    yield from rejected(
        ("", lambda: d.dumitrescu_hurlin(panel, "y ~ x")),
        ("", lambda: d.dumitrescu_hurlin(panel, "y ~ x", statistic="Z-bar")),
        ("", lambda: d.toda_yamamoto(panel, "y ~ x")),
        ("", lambda: d.juodis_karavias_sarafidis(panel, "y ~ x")),
    )


def held(
    name: str, spec: object, term: str, truth: float, options: str = ""
) -> Callable[[md.Panel], Iterator]:
    """Whether the interval of a term holds the truth; ``spec`` may be a function of T."""

    def outcome(panel: md.Panel) -> Iterator[tuple[Key, bool]]:
        kind = spec(len(panel.periods)) if callable(spec) else spec
        try:
            low, high = kind.fit(panel).conf_int().loc[term]
        except MigdevError:
            return
        yield ("cover", name, options), bool(low <= truth <= high)

    return outcome


def thresholds(panel: md.Panel) -> Iterator[tuple[Key, bool]]:
    spec = md.PanelThreshold("x ~ z", threshold="q", regime="z", trim=0.1, draws=99)
    panel = panel.assign(z=panel["q"][::-1].to_numpy())
    for kind in ("wild", "entity"):
        test = replace(spec, bootstrap=kind).fit(panel).stats["threshold_1"]
        yield ("size", "F for one threshold", f"{kind} bootstrap"), bool(test.rejects())


def linearity(panel: md.Panel) -> Iterator[tuple[Key, bool]]:
    """Seo and Shin's test, by the number of instruments in place of periods."""
    for lags, collapse in ((2, True), (1, False), (3, False), (None, False)):
        styles = tuple(
            md.GMMStyle(name, (first, lags and first + lags - 1), collapse=collapse)
            for name, first in (("y", 2), ("x", 1), ("q", 1))
        )
        fit = md.DynamicPanelThreshold(
            "y ~ L(y) + x", threshold="q", regime="x", gmm=styles, grid=30, draws=99
        ).fit(panel)
        count = f"{fit.stats['n_instruments']} instruments"
        yield ("size", "sup Wald", count), bool(fit.stats["linearity"].rejects())


def each(*outcomes: Callable[[md.Panel], Iterator]) -> Callable[[md.Panel], Iterator]:
    return lambda panel: (found for outcome in outcomes for found in outcome(panel))


DESIGNS = {
    "unit-roots": Design(sample=walks, outcomes=unit_roots, N=(10, 50)),
    "common-unit-roots": Design(
        sample=walks_with_factor, outcomes=common_unit_roots, N=(5, 10, 50)
    ),
    "cointegration": Design(sample=walks, outcomes=residual_tests, T=LONG[:4]),
    "factor-cointegration": Design(
        sample=walks_with_factor, outcomes=factor_cointegration, T=(30, 50, 100, 200)
    ),
    "factor": Design(
        sample=one_factor, outcomes=dependence, N=(10, 20, 50, 100), T=LONG
    ),
    "independent": Design(
        sample=walks, outcomes=independence, N=(10, 20, 50, 100), T=(5, 8, 10, 15, 20, 30, 50, 100)
    ),
    "causality": Design(sample=no_causality, outcomes=causality, T=(10, 12, 15, 20, 30, 50, 100)),
    "cointegrating": Design(
        sample=cointegrated,
        outcomes=each(
            *(
                held(f"{what}, {how}", kind("y ~ x", method=method), "x", 1.0)
                for what, kind in (
                    ("Fully modified OLS", md.FullyModifiedOLS), ("Dynamic OLS", md.DynamicOLS),
                )
                for how, method in (("group mean", "group"), ("pooled", "pooled"))
            )
        ),
        T=LONG,
    ),
    "long-run": Design(
        sample=dynamic_with_factor,
        outcomes=each(
            held("CS-ARDL", md.CSARDL("y ~ x"), "x", 1.0),
            held("CS-DL", md.CSDL("y ~ x"), "x", 1.0, "1 lag"),
            held(
                "CS-DL", lambda T: md.CSDL("y ~ x", lags=round(T ** (1 / 3))), "x", 1.0,
                "T^(1/3) lags",
            ),
        ),
        N=(20, 50, 100), T=(30, 40, 60, 100, 200),
    ),
    "threshold": Design(
        sample=without_threshold, outcomes=thresholds, N=(20, 40, 100, 200), T=(5, 10)
    ),
    "linearity": Design(sample=without_threshold, outcomes=linearity, N=(50, 100, 200), T=(8,)),
    **{
        f"jackknife-{root}": Design(
            sample=dynamic(root),
            outcomes=held(
                "Half-panel jackknife", md.HalfPanelJackknife("y ~ L(y) + x"), "L(y)", root,
                f"persistence {root}",
            ),
            N=(30, 100, 300), T=(7, 9, 11, 15, 21, 31),
        )
        for root in (0.5, 0.8)
    },
    **{
        f"ahn-schmidt-{root}": Design(
            sample=effects_only(root),
            outcomes=held(
                "Ahn-Schmidt GMM", md.AhnSchmidt("y ~ L(y)", gmm=(md.GMMStyle("y"),)), "L(y)", root,
                f"persistence {root}",
            ),
            N=(100, 200), T=(7,),
        )
        for root in (0.5, 0.8)
    },
    **{
        f"lsdvc-{root}": Design(
            sample=dynamic(root),
            outcomes=each(
                *(
                    held(
                        f"Bias-corrected LSDV, first estimate {first}",
                        md.BiasCorrectedLSDV("y ~ L(y) + x", initial=first, draws=15), "L(y)", root,
                        f"persistence {root}",
                    )
                    for first in ("ah", "ab", "bb")
                )
            ),
            N=(50,), T=(8,),
        )
        for root in (0.5, 0.8)
    },
}  # fmt: skip


# ---------------------------------------------------------------------- shares


def panel_of(columns: dict[str, np.ndarray]) -> md.Panel:
    N, T = next(iter(columns.values())).shape
    keys = {"i": np.repeat(np.arange(N), T), "t": np.tile(np.arange(T), N)}
    frame = pd.DataFrame(keys | {name: values.ravel() for name, values in columns.items()})
    return md.Panel.from_frame(frame, entity="i", time="t")


def shares(name: str, N: int, T: int, draws: int) -> dict[Key, float]:
    """Shares of samples of one size, by test or interval."""
    design = DESIGNS[name]
    rng = np.random.default_rng([zlib.crc32(name.encode()), N, T])
    found: Counter[Key] = Counter()
    total: Counter[Key] = Counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(draws):
            for key, hit in design.outcomes(panel_of(design.sample(rng, N, T))):
                found[key] += hit
                total[key] += 1
    # What most samples refuse has no size to speak of.
    return {key: found[key] / total[key] for key in total if total[key] > 0.9 * draws}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("designs", nargs="*", default=list(DESIGNS))
    parser.add_argument("--draws", type=int, default=1000)
    options = parser.parse_args()
    for name in options.designs:
        design = DESIGNS[name]
        rows: dict[Key, dict[int, dict[int, float]]] = {}
        for N in design.N:
            for T in design.T:
                for (kind, test, what), share in shares(name, N, T, options.draws).items():
                    at = T
                    if what.endswith(" instruments"):
                        at, what = int(what.split()[0]), "instruments"
                    rows.setdefault((kind, test, what), {}).setdefault(N, {})[at] = share
        for key, sizes in rows.items():
            for N, by_T in sizes.items():
                print(*key, N, *(f"{T}:{p:.2f}" for T, p in by_T.items()), sep="\t", flush=True)


if __name__ == "__main__":
    main()
