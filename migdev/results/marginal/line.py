"""The marginal effect along one moderator, the others held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from migdev.errors import ResultError
from migdev.kernels.arrays.distributions import t_quantile
from migdev.kernels.arrays.types import AnyArray, FloatArray
from migdev.results.estimate import Estimate
from migdev.results.marginal.surface import Surface


class Line:
    """The effect along one moderator, the others held."""

    def __init__(self, surface: Surface, moderator: str, fixed: Mapping[str, Any]) -> None:
        self.surface, self.moderator, self.fixed = surface, moderator, fixed
        self.G = surface.polynomial(moderator, fixed)
        self.numbers = next(m for m in surface.moderators if m.name == moderator).numbers
        n = self.numbers
        self.observed = (float(n[0]), float(n[-1])) if len(n) else None
        self.size = (max(abs(n[0]), abs(n[-1])) if len(n) else 1.0) or 1.0

    def need_observed(self) -> tuple[float, float]:
        if self.observed is None:
            raise ResultError(
                f"The effect of {self.surface.variable!r} is no polynomial in {self.moderator!r}; "
                "give data=... to margins(), so that its range is known."
            )
        return self.observed

    def gradients(self, z: FloatArray) -> FloatArray:
        return self.surface.gradients(along(self.moderator, z, self.fixed), len(z))

    def effect(self, z: FloatArray) -> FloatArray:
        return np.asarray(self.gradients(z) @ self.surface.estimate.params.to_numpy(dtype=float))

    def errors(self, z: FloatArray) -> FloatArray:
        return standard_errors(self.surface.estimate, self.gradients(z))

    def statistic(self, z: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.effect(z) / self.errors(z))

    def df_at(self, z: float) -> float | None:
        return self.surface.estimate.contrast_df(self.gradients(np.array([z]))[0])

    def critical(self, z: FloatArray, common: float, level: float) -> FloatArray:
        """Critical values at z; the common one where there is one."""
        if np.isfinite(common):
            return np.full(len(z), common)
        df = [self.surface.estimate.contrast_df(g) for g in self.gradients(z)]
        return t_quantile(0.5 + level / 2, np.array(df, dtype=float))


def along(moderator: str, z: FloatArray, fixed: Mapping[str, Any]) -> dict[str, AnyArray]:
    """Rows of values along one moderator, each of the others at its one value."""
    columns: dict[str, AnyArray] = {moderator: z}
    for name, value in fixed.items():
        kind = object if isinstance(value, str) else float
        columns[name] = np.full(len(z), value, dtype=kind)
    return columns


def standard_errors(fit: Estimate, G: FloatArray) -> FloatArray:
    """(n,) standard errors of combinations G (n, k) of the coefficients."""
    return np.asarray(np.sqrt(np.einsum("ij,jk,ik->i", G, fit.cov.to_numpy(dtype=float), G)))


def interval(lower: float, upper: float) -> str:
    left = "(-inf" if np.isinf(lower) else f"[{lower:.6g}"
    return f"{left}, inf)" if np.isinf(upper) else f"{left}, {upper:.6g}]"


def short(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"
