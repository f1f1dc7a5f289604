"""The numbers of an answer, as JSON: what a rerun must reproduce."""

from __future__ import annotations

import math
from typing import Any

from migdev.results.statistic import TestStatistic

#: Relative tolerance of estimates, and absolute tolerance of shares of resampled draws, which a
#: different BLAS may move by single draws.
TOLERANCES = {"estimates": 1e-7, "shares": 0.01}
#: Numbers of the search for a maximum, not of what was found: rounding decides them.
SEARCH = frozenset({"gradient_norm", "iterations"})
#: Messages by specification: which there are is compared, not their words, which releases mend.
WORDS = "failures"


def numbers(answer: Any) -> dict[str, Any]:
    """Every coefficient, error, statistic and verdict of an answer or a fit."""
    if hasattr(answer, "main"):
        main = answer.main
        return {
            **_pretests(answer),
            "verdict": answer.verdict,
            "fits": {name: _fit(fit) for name, fit in main.fits.items()},
            "pvalues": dict(main.pvalues),
            "rejections": dict(main.rejections),
            "family": {
                "holm": answer.family.frame["p_holm"].to_dict(),
                "shares": answer.family.frame["p_romano_wolf"].to_dict(),
                "verdicts": answer.family.verdicts,
            },
            "covariance": main.cov.to_numpy().tolist(),
            "shares": {how: dict(shares) for how, shares in main.shares.items()},
        }
    if not hasattr(answer, "focal"):
        return {"fits": {name: _fit(fit) for name, fit in answer.fits.items()}}
    return {
        **_pretests(answer),
        "verdict": answer.verdict,
        "views": answer.views,
        "primary": answer.primary,
        "focal": {
            name: {"estimate": f.estimate, "std_error": f.std_error, "pvalue": f.pvalue}
            for name, f in answer.focal.items()
        },
        "fits": {name: _fit(fit) for name, fit in answer.fits.items()},
        "failures": dict(answer.failures),
    }


def _pretests(answer: Any) -> dict[str, Any]:
    """What the pre-tests found and decided; nothing for a study without them, as ever."""
    if not answer.pretests:
        return {}
    return {
        "pretests": {
            f.name: {"statistic": f.statistic, "pvalue": f.pvalue, "outcome": f.outcome}
            for f in answer.pretests
        },
        "rulings": [
            {"condition": r.rule.condition, "holds": r.holds, "order": list(r.after)}
            for r in answer.rulings
        ],
    }


def _fit(fit: Any) -> dict[str, Any]:
    stats = {
        name: value.statistic if isinstance(value, TestStatistic) else value
        for name, value in fit.stats.items()
        if isinstance(value, TestStatistic | int | float)
    }
    return {
        "method": fit.method,
        "nobs": fit.nobs,
        "params": {str(k): float(v) for k, v in fit.params.items()},
        "std_errors": {str(k): float(v) for k, v in fit.std_errors.items()},
        "stats": {k: float(v) for k, v in stats.items()},
    }


def plain(item: Any) -> Any:
    """JSON has no NaN: missing numbers become null."""
    if isinstance(item, dict):
        return {k: plain(v) for k, v in item.items()}
    if isinstance(item, list):
        return [plain(v) for v in item]
    return None if isinstance(item, float) and not math.isfinite(item) else item


def compare(expected: Any, found: Any, where: str = "", share: bool = False) -> list[str]:
    """Differences beyond tolerance, each with its place and both values."""
    if isinstance(expected, dict) and isinstance(found, dict):
        out = []
        for key in dict.fromkeys([*expected, *found]):
            if key in SEARCH:
                continue
            place = f"{where}.{key}" if where else str(key)
            if key not in found or key not in expected:
                out.append(f"{place} is {'missing' if key not in found else 'new'}")
            elif where != WORDS:
                out += compare(expected[key], found[key], place, share or key == "shares")
        return out
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        return [
            line
            for i, (a, b) in enumerate(zip(expected, found, strict=True))
            for line in compare(a, b, f"{where}[{i}]", share)
        ]
    if isinstance(expected, float | int) and isinstance(found, float | int):
        tolerance = (
            {"abs_tol": TOLERANCES["shares"]}
            if share
            else {"rel_tol": TOLERANCES["estimates"], "abs_tol": 1e-12}
        )
        same = math.isclose(expected, found, **({"rel_tol": 0.0} | tolerance))
        return [] if same else [f"{where} is {found!r}, expected {expected!r}"]
    return [] if expected == found else [f"{where} is {found!r}, expected {expected!r}"]
