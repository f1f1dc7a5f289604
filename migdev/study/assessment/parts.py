"""The focal parameters of an answer as numbers: what decidability and graded evidence read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from migdev.kernels.arrays.types import FloatArray

if TYPE_CHECKING:
    from migdev.study.answer import Answer
    from migdev.study.joint_answer import JointAnswer


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parts:
    """Focal parameters, and what is predicted of them.

    Attributes
    ----------
    names : (m,)
    theta : (m,)
    cov : (m, m)
    dfs : (m,)
        Degrees of freedom, None for the normal.
    bounds : (m,)
        Smallest effects of interest; 0 where none is declared.
    patterns : mapping from pattern to m predictions
    level : float
    """

    names: tuple[str, ...]
    theta: FloatArray
    cov: FloatArray
    dfs: tuple[float | None, ...]
    bounds: FloatArray
    patterns: Mapping[str, tuple[str, ...]]
    level: float

    @property
    def errors(self) -> FloatArray:
        """(m,) standard errors."""
        return np.asarray(np.sqrt(np.diag(self.cov)))

    def without(self, j: int) -> Parts:
        """All parts but one."""
        kept = [i for i in range(len(self.names)) if i != j]
        return replace(
            self, names=tuple(self.names[i] for i in kept), theta=self.theta[kept],
            cov=self.cov[np.ix_(kept, kept)], dfs=tuple(self.dfs[i] for i in kept),
            bounds=self.bounds[kept],
            patterns={k: tuple(v[i] for i in kept) for k, v in self.patterns.items()},
        )  # fmt: skip


def joint_parts(answer: JointAnswer) -> Parts:
    """The parts of a joint answer, with the standard errors that its tests use."""
    focal, study = answer.main.focal, answer.study
    errors = np.array([f.std_error for f in focal.values()])
    cov = answer.main.cov.to_numpy(dtype=float)
    scale = errors / np.sqrt(np.diag(cov))
    return Parts(
        names=tuple(focal), theta=np.array([f.estimate for f in focal.values()]),
        cov=cov * np.outer(scale, scale), dfs=tuple(f.df for f in focal.values()),
        bounds=np.asarray(study.bounds, dtype=float), patterns=study.patterns, level=study.level,
    )  # fmt: skip


def lone_part(answer: Answer) -> Parts | None:
    """The focal parameter of an answer; None where no specification was fitted."""
    h, found = answer.hypothesis, answer.estimate
    if found is None:
        return None
    patterns = {view: (prediction,) for view, prediction in h.rivals.items()}
    patterns = patterns or {"the claim": (h.prediction,)}
    if ("0",) not in patterns.values() and h.smallest_effect:
        patterns["no effect"] = ("0",)
    return Parts(
        names=(answer.primary or "",), theta=np.array([found.estimate]),
        cov=np.array([[found.std_error**2]]), dfs=(found.df,),
        bounds=np.array([h.smallest_effect]), patterns=patterns, level=h.level,
    )  # fmt: skip
