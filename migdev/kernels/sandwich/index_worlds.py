r"""Worlds drawn from the designs of several indices, with effects of the regressor that are known.

The regressors, gaps and samples are those of the data; only errors are drawn. Everything that is
estimated is linear in the outcomes or a quadratic form of them, so B worlds cost matrix products.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.kernels.sandwich.index_equation import IndexEquation, serial_correlation
from migdev.kernels.sandwich.summary_index import IndexDesign, shared_correlation

#: Worlds drawn at a time.
STEP = 250


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrawnIndices:
    """Estimates (B, m) of m indices in B worlds, their standard errors and degrees of freedom."""

    estimates: FloatArray
    std_errors: FloatArray
    df: FloatArray


_Source = Callable[[int], Iterator[FloatArray]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Part:
    """An equation with its cells, the entity of each row, and residuals at a truth."""

    equation: IndexEquation
    cells: IntArray
    owner: IntArray
    residuals: FloatArray

    @property
    def persistence(self) -> float:
        """Serial correlation of the errors before whitening."""
        e = self.equation
        rho = serial_correlation(self.residuals, e.groups.codes, e.time)
        rho += (1 + rho) / max(e.nobs / e.groups.size - 1, 1.0)
        return float(np.clip(rho if not e.rho else e.rho + (1 - abs(e.rho)) * rho, -0.95, 0.95))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IndexWorlds:
    r"""Designs of m indices and the outcomes that were seen.

    Errors are drawn in one of two ways, from residuals :math:`r` of the equations with the effect
    of the regressor held at the truth of the world:

    ``"blocks"``
        The whole block of an entity's residuals, of all its outcomes and periods, times one random
        sign. Keeps whatever dependence and unequal variance there is. Blocks are lengthened by
        :math:`(I - H)_{gg}^{-1/2}` first.
    ``"normal"``
        Normal, independent between entities, first-order autoregressive within, with correlations
        between outcomes: a world that is smooth, and whose entities are alike. Serial correlation
        is that of the residuals plus :math:`(1 + \hat\rho)/(\bar T - 1)` (Nickell's bias to first
        order), and variances are such that residuals have the length that was seen.

    Attributes
    ----------
    designs : (m,) sequence of IndexDesign
    within : (m,) sequence of (O,) sequences of (n_o,)
        Outcomes, whitened and freed of entity effects.
    region : (N,), optional
        Codes of groups of entities whose normal errors share shocks of every period.
    shared : float
        Share of the variance that these shocks make up.
    """

    designs: Sequence[IndexDesign]
    within: Sequence[Sequence[FloatArray]]
    region: IntArray | None = None
    shared: float = 0.0

    def draw(
        self, truth: FloatArray, worlds: int, rng: np.random.Generator, errors: str
    ) -> DrawnIndices:
        """Read B worlds in which every outcome of index j has the effect ``truth[j]``."""
        parts = self._parts(truth)
        source = self._blocks(parts, rng) if errors == "blocks" else self._normal(parts, rng)
        columns: list[list[FloatArray]] = [[], [], []]
        for start in range(0, worlds, STEP):
            draws = source(min(STEP, worlds - start))
            found = []
            for j, design in enumerate(self.designs):
                shocked = [
                    (truth[j] / scale) * equation.focal[:, None] + next(draws)
                    for equation, scale in zip(design.equations, design.scales, strict=True)
                ]
                reading = design.read(shocked)
                found.append((reading.index, reading.std_errors, reading.df[:, 0]))
            for column, values in zip(columns, zip(*found, strict=True), strict=True):
                column.append(np.column_stack(values))
        estimates, std_errors, df = (np.concatenate(c) for c in columns)
        return DrawnIndices(estimates=estimates, std_errors=std_errors, df=df)

    def _parts(self, truth: FloatArray) -> list[_Part]:
        """Every equation of every index, with its residuals at the truth."""
        found = []
        for j, (design, within) in enumerate(zip(self.designs, self.within, strict=True)):
            for o, (equation, y) in enumerate(zip(design.equations, within, strict=True)):
                left = y - (truth[j] / design.scales[o]) * equation.focal
                found.append(
                    _Part(
                        equation=equation, cells=design.cells[o],
                        owner=design.members[o][equation.groups.codes],
                        residuals=equation.residuals(left, restricted=True),
                    )
                )  # fmt: skip
        return found

    def _blocks(self, parts: Sequence[_Part], rng: np.random.Generator) -> _Source:
        N = self.designs[0].entities
        blocks = [p.equation.unshrunk(p.residuals) for p in parts]

        def draw(B: int) -> Iterator[FloatArray]:
            signs = rng.integers(0, 2, size=(N, B)) * 2.0 - 1.0
            for p, block in zip(parts, blocks, strict=True):
                yield block[:, None] * signs[p.owner]

        return draw

    def _normal(self, parts: Sequence[_Part], rng: np.random.Generator) -> _Source:
        N, m = self.designs[0].entities, len(parts)
        first = min(int(p.equation.time.min()) for p in parts)
        T = max(int(p.equation.time.max()) for p in parts) - first + 1
        R = shared_correlation([p.residuals[:, None] for p in parts], [p.cells for p in parts])[0]
        values, vectors = np.linalg.eigh(R)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        rho = np.array([p.persistence for p in parts])

        def unscaled(B: int) -> Iterator[FloatArray]:
            own = rng.standard_normal((T, N, m, B))
            if self.region is not None and self.shared:
                common = rng.standard_normal((T, int(self.region.max()) + 1, m, B))
                own *= np.sqrt(1 - self.shared)
                own += np.sqrt(self.shared) * common[:, self.region]
            shocks = np.einsum("op,ngpb->ongb", root, own)
            for t in range(1, T):
                keep = rho[:, None, None]
                shocks[:, t] = keep * shocks[:, t - 1] + np.sqrt(1 - keep**2) * shocks[:, t]
            for p, of in zip(parts, shocks, strict=True):
                yield p.equation.within(of[p.equation.time - first, p.owner])

        lengths = [
            float(np.mean(np.sum(p.equation.residuals(u, restricted=True) ** 2, axis=0)))
            for p, u in zip(parts, unscaled(STEP), strict=True)
        ]
        spread = [
            np.sqrt(float(p.residuals @ p.residuals) / seen)
            for p, seen in zip(parts, lengths, strict=True)
        ]

        def draw(B: int) -> Iterator[FloatArray]:
            for scale, u in zip(spread, unscaled(B), strict=True):
                yield scale * u

        return draw
