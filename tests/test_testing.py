"""Every estimator and covariance passes the checks that outsiders are asked to pass, and the
checks can fail. The public ones are found by where they live, so a new one needs no list."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

import migdev as md
from migdev.errors import MigdevError
from migdev.estimators.assembly import finish
from migdev.kernels.sandwich.moments import Moments, UnitScores
from migdev.panel.design import Design
from migdev.protocols import Covariance, CovEstimate
from migdev.results.facts import linear_facts
from migdev.sources.read.local import LocalFile
from migdev.testing import check_covariance, check_estimator, check_result, check_source

#: Formulas in the order in which they are tried.
FORMULAS = ("y ~ x + z", "y ~ z + [x ~ w + v]", "y ~ L(y) + x", "some ~ x + z", "y ~ x")
DYNAMIC, SYSTEM = "y ~ L(y) + z", {"one": "y ~ x + z", "two": "w ~ z"}
#: Options that some estimators cannot do without, and draws that these checks have no use for.
OPTIONS = {
    "gmm": (md.GMMStyle("y", (2, 5), collapse=True),), "iv": (md.IVStyle("z"),), "threshold": "x",
    "regime": "z", "draws": 0, "grid": 20, "collapse": True,
}  # fmt: skip
#: Options of estimators whose model an entity takes part in: averages over all, a threshold.
SHARED = {"averages", "cross_lags", "threshold"}


def public(room: str, method: str) -> list[type]:
    """Public classes of a room with a method, by name."""
    found = (getattr(md, name) for name in sorted(dir(md)))
    return [
        c for c in found
        if inspect.isclass(c) and c.__module__.startswith(f"migdev.{room}") and hasattr(c, method)
    ]  # fmt: skip


ESTIMATORS = public("estimators", "fit")
COVARIANCES = public("covariance", "estimate")


@pytest.fixture(scope="module")
def panel() -> md.Panel:
    rng = np.random.default_rng(3)
    n, t = 25, 30
    w, v, u = (rng.normal(size=n * t) for _ in range(3))
    x = w + 0.5 * v + 0.5 * u
    z = rng.normal(size=n * t)
    y = (x - z + u + np.repeat(rng.normal(size=n), t)).reshape(n, t)
    for j in range(1, t):
        y[:, j] += 0.3 * y[:, j - 1]
    frame = pd.DataFrame({"i": np.repeat(range(n), t), "t": np.tile(range(2000, 2000 + t), n),
                          "y": y.ravel(), "x": x, "z": z, "w": w, "v": v})  # fmt: skip
    frame["region"] = frame.i // 5
    frame["some"] = (frame.y > 0).astype(float)
    return md.Panel.from_frame(frame.drop(index=[3, 50, 51, 200]), entity="i", time="t")


@cache
def specimen(kind: type, panel: md.Panel) -> Any:
    """A specification of the class that fits, at its defaults."""
    own = {f.name for f in fields(kind)}
    options = {name: value for name, value in OPTIONS.items() if name in own}
    texts: tuple[Any, ...] = (DYNAMIC,) if "gmm" in own else FORMULAS
    found = []
    for formula in (SYSTEM,) if "equations" in own else texts:
        try:
            spec = kind(formula, **options)
            spec.fit(panel)
        except MigdevError as error:
            found.append(f"{formula}: {error}")
            continue
        return spec
    raise AssertionError("\n".join(found))


def test_the_public_ones_are_found() -> None:
    assert {md.PooledOLS, md.MeanGroup, md.PooledMeanGroup, md.SystemGMM} <= set(ESTIMATORS)
    assert {md.Unadjusted, md.Clustered, md.Conley} <= set(COVARIANCES)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ESTIMATORS, ids=lambda c: c.__name__)
def test_every_estimator(kind: type, panel: md.Panel) -> None:
    spec = specimen(kind, panel)
    alone = not SHARED & {f.name for f in fields(kind)}
    fit = check_estimator(spec, panel, jackknife=alone)
    assert fit.moments is not None, "every estimator keeps scores"
    units = "entity" if fit.moments.entity.max() else "time"  # averages of periods
    check_result(fit.with_cov(md.Clustered(units)))


@pytest.mark.parametrize("kind", COVARIANCES, ids=lambda c: c.__name__)
def test_every_covariance(kind: type) -> None:
    needed = [
        p.name
        for p in inspect.signature(kind).parameters.values()
        if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD
    ]
    check_covariance(kind(**dict.fromkeys(needed, 800.0)))
    if "kind" in inspect.signature(kind).parameters and kind is not md.BeckKatz:
        check_covariance(kind(kind="HC3"))


def test_covariances_with_columns() -> None:
    check_covariance(md.Clustered("region", kind="CR2"))
    check_covariance(md.Clustered("region^time"))
    check_covariance(md.Clustered("entity", "time"))


# ---------------------------------------------------------------- the checks can fail


def test_loose_specifications_are_seen(panel):
    @dataclass
    class Loose:
        formula: str = "y ~ x"

        def fit(self, panel):
            return md.PooledOLS(formula=self.formula).fit(panel)

    with pytest.raises((AssertionError, TypeError)):
        check_estimator(Loose(), panel)
    with pytest.raises(AssertionError, match="lacks a member"):
        check_result(object())
    with pytest.raises(AssertionError, match="has no fetch"):
        check_source(object(), ["a"])


@dataclass(frozen=True)
class Means:
    """The mean of the entities' means of y, with scores of a kind that may be wrong."""

    wrong: str = ""

    def fit(self, panel: md.Panel) -> Any:
        d = Design.build("y ~ 1", panel)
        means = np.bincount(d.entity, d.y) / np.bincount(d.entity)
        N, mean = len(means), means.mean()
        psi = (means - mean)[:, None] / N
        if self.wrong == "scale":
            psi = psi * N
        elif self.wrong == "sign":
            psi = -psi
        elif self.wrong == "centre":
            psi = means[:, None] / N
        scores: Any = psi
        one = np.ones((N, 1))
        if self.wrong in ("sums as rows", "bread"):
            n = N if self.wrong == "sums as rows" else d.nobs
            X = one if n == N else np.ones((n, 1)) / np.bincount(d.entity)[d.entity][:, None]
            resid = means - mean if n == N else d.y - mean
            bread = np.eye(1) / N
            scores = Moments(
                X=X, resid=resid, bread=bread, entity=np.arange(N), time=np.zeros(N, int)
            )
            if n > N:
                scores = replace(scores, entity=d.entity, time=d.time)
        elif self.wrong == "rows of units":
            scores = UnitScores(values=psi, entity=np.arange(N), nobs=N, df_resid=N - 1.0)
        return finish(
            md.Estimate, spec=self, design=d, scores=scores, names=["Intercept"],
            params=np.array([mean]), method="Means", df_resid=N - 1.0, nobs=d.nobs,
            residual=d.y - mean, stated=linear_facts("averages"),
            cov=CovEstimate(cov=psi.T @ psi * N / (N - 1), df=N - 1.0, description="spread"),
        )  # fmt: skip


def test_true_scores_pass(panel: md.Panel) -> None:
    fit = check_estimator(Means(), panel, covariances=(md.Clustered("region", kind="CR0"),))
    again = fit.with_cov(md.Clustered("entity"))
    np.testing.assert_allclose(again.cov, fit.cov, rtol=1e-12)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("scale", "wrong scale"),
        ("sign", "wrong sign"),
        ("centre", "do not solve the equations"),
        ("sums as rows", r"25 rows of scores for 746 observations.*UnitScores"),
        ("bread", "bread is not the inverse"),
        ("rows of units", "nobs is 746"),
    ],
)
def test_wrong_scores_are_seen(wrong: str, message: str, panel: md.Panel) -> None:
    with pytest.raises(AssertionError, match=message):
        check_estimator(Means(wrong=wrong), panel)


def test_weights_that_are_not_held_are_seen(panel: md.Panel) -> None:
    @dataclass(frozen=True)
    class Forgetful:
        formula: str = "y ~ x"

        def fit(self, panel: md.Panel) -> Any:
            heavy = panel.assign(heavy=1.0 + (panel["x"] > 0))
            fit = md.FixedEffects(formula=self.formula, weights="heavy").fit(heavy)
            return replace(fit, moments=replace(fit.moments, weights=None))

    with pytest.raises(AssertionError, match="weights are not held"):
        check_estimator(Forgetful(), panel, jackknife=False)


@dataclass(frozen=True)
class Odd:
    """The classical covariance with a fault."""

    fault: str = ""

    def requires(self) -> tuple[str, ...]:
        return ()

    def estimate(self, moments: Any) -> CovEstimate:
        outcome = md.Unadjusted().estimate(moments)
        V = outcome.cov.copy()
        if self.fault == "factor":
            V = V * 9
        elif self.fault == "units":
            V = V + 1e-6 * np.eye(len(V))
        elif self.fault == "symmetry":
            V[0, 1] = 0.0
        return replace(outcome, cov=V, description="" if self.fault == "silent" else "odd")


def test_a_stranger_covariance_passes() -> None:
    assert isinstance(Odd(), Covariance)
    check_covariance(Odd())


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("factor", "times the classical ones"),
        ("units", "does not follow the regressors"),
        ("symmetry", "not symmetric"),
        ("silent", "description is empty"),
    ],
)
def test_faulty_covariances_are_seen(fault: str, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_covariance(Odd(fault=fault))


def test_a_file_is_a_source(tmp_path):
    pd.DataFrame({"iso3": ["MEX"], "year": [2000], "x": [1.5]}).to_csv(
        tmp_path / "a.csv", index=False
    )
    assert len(check_source(LocalFile(path=tmp_path / "a.csv"), ["x"]).frame) == 1
