"""Levels measured from their means, so that large ones cost no digits."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.dynamic.stack import Levels


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Centre:
    r"""What was taken from the equation in levels, which the constant gives back.

    .. math:: y - \bar y = (x - \bar x)'\beta + \mu_c + \dots, \qquad
        \mu = \mu_c + \bar y - \bar x'\beta

    Attributes
    ----------
    at : int
        Position of the constant.
    X : (k,)
        Means of the regressors, zero for the constant and the time effects.
    y : float
    """

    at: int
    X: FloatArray
    y: float

    @property
    def slope(self) -> FloatArray:
        """(k, k) derivative of the coefficients by those of the centred equation."""
        T = np.eye(len(self.X))
        T[self.at] -= self.X
        return T

    def restored(self, params: FloatArray) -> FloatArray:
        """Coefficients (..., k) of the equation as it was written."""
        out: FloatArray = params.copy()
        out[..., self.at] += self.y - params @ self.X
        return out

    def centred(self, params: FloatArray) -> FloatArray:
        """The other way round."""
        out: FloatArray = params.copy()
        out[..., self.at] -= self.y - params @ self.X
        return out


def centred_levels(levels: Levels, names: tuple[str, ...]) -> tuple[Levels, dict[str, float]]:
    """Levels less their means over complete rows, and these by name, that of y under an empty one.

    The constant, time effects and what does not vary stay.
    """
    n, there = int(levels.complete.sum()), levels.complete
    X, y = levels.X.sum(axis=(0, 2)) / n, float(levels.y.sum() / n)
    for j, name in enumerate(names):
        same = name == "Intercept" or name.startswith("time[")
        if same or not np.ptp(levels.X[:, j][there]):
            X[j] = 0.0
    moved = replace(levels, y=levels.y - y * there, X=levels.X - X[:, None] * there[:, None])
    return moved, {**dict(zip(names, X.tolist(), strict=True)), "": y}


def centre_of(means: dict[str, float], names: tuple[str, ...]) -> Centre:
    """The means of what is left of the regressors."""
    X = np.array([means[name] for name in names])
    return Centre(at=names.index("Intercept"), X=X, y=means[""])
