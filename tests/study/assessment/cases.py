"""Parts with known numbers: four dimensions, the two views, and the null pattern."""

from __future__ import annotations

import numpy as np

from migdev.study.assessment.parts import Parts

PATTERNS = {"DF": ("+", "-", "-", "<=0"), "CR": ("<=0", "-", "<=0", "+"), "null": ("0",) * 4}


def four(theta=(0.0, 0.0, 0.0, 0.0), error=0.4, df=30.0, rho=0.3, patterns=None) -> Parts:
    """Estimates in units of margins of one, equally precise and equally correlated."""
    cov = error**2 * (rho * np.ones((4, 4)) + (1 - rho) * np.eye(4))
    return Parts(
        names=("growth", "stability", "poverty", "structure"), theta=np.array(theta, dtype=float),
        cov=cov, dfs=(df,) * 4, bounds=np.ones(4), patterns=patterns or PATTERNS, level=0.05,
    )  # fmt: skip


def one(prediction: str, theta=0.0, error=0.4, df=30.0, bound=1.0) -> Parts:
    return Parts(
        names=("growth",), theta=np.array([theta]), cov=np.array([[error**2]]), dfs=(df,),
        bounds=np.array([bound]), patterns={"it": (prediction,)}, level=0.05,
    )  # fmt: skip
