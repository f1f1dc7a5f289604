"""Every covariance on every model against R: plm, sandwich and clubSandwich."""

from __future__ import annotations

import re
import warnings
from functools import cache
from typing import Any

import numpy as np
import pytest

import migdev as md
from migdev.errors import CovarianceWarning, FewClustersWarning
from tests.golden import load_golden
from tests.panel_moments import assert_cov_close, golden_frame, model_moments, square

TAGS = ["grunfeld", "grunfeld_gaps", "gasoline", "gasoline_gaps", "produc", "produc_gaps",
        "wages", "wages_gaps"]  # fmt: skip
MODELS = ["pooling", "within.individual", "within.time", "within.twoways", "random.individual",
          "fd", "lm.none", "lm.individual", "lm.time", "lm.twoways", "lm.first_entity",
          "wls.none", "wls.individual", "wls.time", "wls.twoways"]  # fmt: skip
WAY = {"group": ("entity",), "time": ("time",), "both": ("entity", "time")}
# R prints 15 digits; both sides lose some to the conditioning of X'X (1e4 to 1e6 here).
RTOL = 2e-9


def spec_for(model: str, key: str) -> Any:
    """The covariance here that a golden key names; None where there is no counterpart."""
    package, function, *rest = key.split(".")
    if key in ("plm.vcov", "lm.vcov"):
        return md.Unadjusted()
    plain = model in ("pooling", "random.individual", "fd", "lm.none")
    if package == "plm":
        options: dict[str, Any] = {"convention": "plm", "leverage": "transformed"}
        if function == "vcovHC" and rest[0] == "white1":
            return md.Robust(rest[1].replace("sss", "HC1"), **options)
        if function == "vcovHC" and rest[0] == "white2":
            return md.Robust(rest[1], common_within=WAY[rest[2]][0], **options)
        if function in ("vcovHC", "vcovDC"):
            kind = rest[-1] if function == "vcovDC" else rest[1]
            ways = WAY["both" if function == "vcovDC" else rest[2]]
            kind = {"HC0": "CR0", "sss": "CR1"}.get(kind, kind)
            return md.Clustered(*ways, kind=kind, **options)
        if function in ("vcovSCC", "vcovNW"):
            kind, lag = rest
            if kind == "sss":
                if not plain:
                    return None  # plm counts k only, with Stata's factor: no convention's name
                options, kind = {"convention": "stata"}, "HC0"
            bandwidth = "plm" if lag == "default" else int(lag)
            spec = md.DriscollKraay if function == "vcovSCC" else md.NeweyWest
            return spec(bandwidth=bandwidth, kind=kind, **options)
        cluster = {"group": "entity", "time": "time"}[rest[1]]
        return md.BeckKatz(cluster=cluster, kind=rest[0], diagonal="diagonal" in rest, **options)
    if package == "sandwich":
        if function == "vcovHC":
            return md.Robust(rest[0], convention="sandwich")
        if function == "vcovPL":
            spec = md.DriscollKraay if rest[0] == "aggregate" else md.NeweyWest
            return spec(bandwidth=int(rest[1]), convention="sandwich")
        if function == "NeweyWest":
            convention = "sandwich" if "adjust" in rest else "none"
            return md.NeweyWest(bandwidth=int(rest[0]), convention=convention)
        kind, ways, adjusted = rest[0], WAY[rest[1]], "nocadjust" not in rest
        choice = {
            ("HC0", True): ("CR1", "clubsandwich"), ("HC0", False): ("CR0", "sandwich"),
            ("HC1", True): ("CR1", "sandwich"), ("HC2", True): ("CR2", "sandwich"),
            ("HC3", True): ("CR3", "sandwich"), ("HC3", False): ("CV3", "sandwich"),
        }.get((kind, adjusted))  # fmt: skip
        return choice and md.Clustered(*ways, kind=choice[0], convention=choice[1])
    kind, way = function, WAY[rest[0]]
    leverage = "transformed" if kind == "CR3" and model.startswith("within") else "dummies"
    working = "weights" if "inverse_var" in rest else "independence"
    convention = "clubsandwich"
    if kind == "CR1S":
        kind, convention = "CR1", "sandwich" if model.startswith(("lm", "wls")) else "plm"
    return md.Clustered(
        *way, kind=kind, convention=convention, df="satterthwaite", leverage=leverage,
        working=working,
    )  # fmt: skip


@cache
def fitted(tag: str, model: str) -> Any:
    golden = load_golden(f"plm_{tag}")[model]
    return model_moments(golden_frame(tag), model, golden.get("sigma2"))


def cases(section: str) -> list[Any]:
    return [
        pytest.param(tag, model, id=f"{tag}-{model}")
        for tag in TAGS
        for model in MODELS
        if load_golden(f"plm_{tag}").get(model, {}).get(section)
    ]


@pytest.mark.parametrize(("tag", "model"), cases("cov"))
def test_coefficients_covariances_and_degrees_of_freedom(tag: str, model: str) -> None:
    golden = load_golden(f"plm_{tag}")[model]
    beta, moments = fitted(tag, model)
    np.testing.assert_allclose(beta, golden["coef"], rtol=1e-9)
    assert moments.df_resid == golden["df_residual"]
    compared = 0
    for key, lower in golden["cov"].items():
        spec = spec_for(model, key)
        if spec is None or (model == "fd" and "HC1" in key):
            continue  # plm counts the rows before differencing in its HC1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FewClustersWarning)
            warnings.simplefilter("ignore", CovarianceWarning)
            found = spec.estimate(moments)
        wanted = square(lower)
        if np.linalg.eigvalsh(wanted)[0] < 0:
            continue  # R leaves it as it is; see test_two_way_sums_are_mended
        df = golden.get("df", {}).get(key)
        if df is not None and not mixed_leverage(model, key):
            np.testing.assert_allclose(found.df, df, rtol=1e-7, err_msg=f"{key} -> {spec}")
        try:
            assert_cov_close(found.cov, wanted, RTOL)
        except AssertionError as error:
            raise AssertionError(f"{key} -> {spec}: {error}") from None
        compared += 1
    assert compared >= 0.8 * len(golden["cov"]) - 3


def mixed_leverage(model: str, key: str) -> bool:
    """clubSandwich mixes two H for CR3 on plm objects: transformed X in A, dummies in P."""
    if "CR3" not in key or not model.startswith("within"):
        return False
    nested = {"individual": "group", "time": "time"}.get(model.split(".")[1])
    return nested is None or not key.endswith(nested)


@pytest.mark.parametrize(("tag", "model"), cases("wald"))
def test_joint_hotelling_test(tag: str, model: str) -> None:
    golden = load_golden(f"plm_{tag}")[model]
    beta, moments = fitted(tag, model)
    slopes = [i for i, name in enumerate(golden["names"]) if name != "Intercept"]
    R = np.eye(moments.k)[slopes]
    for key, (F, q, df2, _) in golden["wald"].items():
        if mixed_leverage(model, key):
            continue
        spec = spec_for(model, key)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FewClustersWarning)
            found = spec.contrast_wald(moments, R, R @ beta)
        np.testing.assert_allclose(found, (F, q, df2), rtol=1e-7, err_msg=f"{key} -> {spec}")


def test_keys_are_understood() -> None:
    for tag in TAGS:
        for model in MODELS:
            for key in load_golden(f"plm_{tag}").get(model, {}).get("cov", {}):
                assert re.match(r"(plm|lm|sandwich|clubSandwich)\.", key)
                spec_for(model, key)
