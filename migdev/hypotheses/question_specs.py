"""What the questions of the registry are estimated with and tested for, by their ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from migdev.covariance import Clustered
from migdev.estimators.iv.kclass import IV2SLS
from migdev.estimators.static.linear import FixedEffects
from migdev.hypotheses.pretest_sets import convergence_pretests, lead_pretests, long_run_pretests
from migdev.hypotheses.specs import (
    BOTH,
    CONTROLS,
    OTHERS,
    dynamic_specs,
    lead_specs,
    long_run_specs,
    static_specs,
    threshold_spec,
)
from migdev.study.pretests import PreTests
from migdev.study.study import Spec

LAGS = "L(remit, [1, 2])"
EXCHANGE_RATE = ("reer", ("remit", "y", "np.log(terms)"))


def _growth(focal: str, instruments: str, more: str = "") -> dict[str, Spec]:
    """The growth equation of G1, with another focal part and further controls."""
    return {
        **static_specs("growth", focal, CONTROLS + more, instruments),
        **dynamic_specs("growth", focal, OTHERS + more),
    }


def _lagged(outcome: str, controls: str) -> dict[str, Spec]:
    """An outcome on remittances and controls; its own past beside them in the dynamic equations."""
    return {
        **static_specs(outcome, "remit", CONTROLS if controls == OTHERS else controls, LAGS),
        **dynamic_specs(outcome, "remit", controls, state=f"L({outcome})"),
    }


def _convergence() -> dict[str, Spec]:
    """Growth on log income of the window before, and by how much more where remittances are
    large, between countries: D1."""
    focal = "remit + remit:L(y)"
    options: dict[str, Any] = {"effects": ("time",), "cov": Clustered("entity")}
    equations = {
        "Absolute": ("L(y)", "between countries"),
        "Conditional": (CONTROLS, "between countries, to their own level"),
    }
    specs = {
        name: Spec(
            estimator=FixedEffects(formula=f"growth ~ {right} + {focal}", **options),
            strategy=strategy,
        )
        for name, (right, strategy) in equations.items()
    }
    instrumented = f"growth ~ {CONTROLS} + [{focal} ~ {LAGS} + {LAGS}:L(y)]"
    return {
        **specs,
        "IV, internal": Spec(
            estimator=IV2SLS(formula=instrumented, **options), strategy="internal instruments"
        ),
    }


def _exchange_rate() -> dict[str, Spec]:
    """The real exchange rate within countries, and in the long run: M8."""
    left, right = EXCHANGE_RATE
    formula = f"{left} ~ {' + '.join(right)}"
    within = FixedEffects(formula=formula, effects=BOTH, cov=Clustered("entity"))
    return {
        "Fixed effects": Spec(estimator=within, strategy="within countries"),
        **long_run_specs(formula),
    }


SPECS: dict[str, Callable[[], Mapping[str, Spec]]] = {
    "G1": lambda: _growth("remit", LAGS),
    "G2": lambda: _growth("remit + remit:credit", f"{LAGS} + {LAGS}:L(credit)", " + credit"),
    "G3": lambda: _growth(
        "remit + remit:institutions", f"{LAGS} + {LAGS}:L(institutions)", " + institutions"
    ),
    "G4": lambda: {
        **_growth("remit + I(remit ** 2)", f"{LAGS} + L(remit ** 2, [1, 2])"),
        "Panel threshold": threshold_spec("growth", "remit", CONTROLS),
    },
    "G5": lambda: long_run_specs("y ~ remit + invest"),
    "G7": lambda: _lagged("tfp", OTHERS),
    "L2": lambda: _lagged("participation", OTHERS),
    "M1": lambda: _lagged("volatility", OTHERS),
    "M2": lambda: static_specs("consumption_swings", "remit", CONTROLS, LAGS),
    "M8": _exchange_rate,
    "P1": lambda: _lagged("poverty", "y + gini"),
    "D1": _convergence,
    "D2": lambda: static_specs("growth", "L(dependence)", CONTROLS, "L(dependence, [2, 3])"),
    "D3": lambda: static_specs("industry", "remit", CONTROLS, LAGS),
    "D4": lambda: _lagged("vulnerable", OTHERS),
    "D7": lambda: lead_specs("growth", "remit"),
}
PRETESTS: dict[str, Callable[[], PreTests]] = {
    "G5": lambda: long_run_pretests("y", ("remit", "invest"), trending=("y",)),
    "M8": lambda: long_run_pretests(*EXCHANGE_RATE, trending=("y",)),
    "D1": lambda: convergence_pretests(
        "y", ("invest",), "USA", specs=tuple(_convergence()), background=True
    ),
    "D7": lambda: lead_pretests("growth", "remit"),
}
