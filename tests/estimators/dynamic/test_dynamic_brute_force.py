"""Difference and system GMM against matrices written out entity by entity."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import migdev as md
from tests.gmm_panels import panel, simulated

YEARS = range(2000, 2008)


class Written:
    """GMM on explicit X, y, Z, H of every entity, in the plainest code there is."""

    def __init__(self, p: md.Panel, spec: Any, system: bool, cluster: str | None = None) -> None:
        self.spec, self.system = spec, system
        f = p.frame.assign(Ly=p.L("y").to_numpy())
        self.blocks = []
        first = {}
        for code, d in f.groupby("i"):
            rows = {int(t): r for t, r in zip(d.t, d.itertuples(), strict=True)}
            block = self.entity(rows)
            if block is not None:
                self.blocks.append(block)
                first[len(self.blocks) - 1] = d[cluster].iloc[0] if cluster else code
        self.cluster = [first[i] for i in range(len(self.blocks))]
        used = np.sum([np.abs(Z).sum(axis=0) for _, _, Z, _ in self.blocks], axis=0) > 0
        self.blocks = [(y, X, Z[:, used], H) for y, X, Z, H in self.blocks]

    def entity(self, rows: dict[int, Any]) -> Any:
        s = self.spec
        whole = [
            t for t in YEARS if t in rows and np.isfinite([rows[t].y, rows[t].Ly, rows[t].x]).all()
        ]
        n = len(whole)
        M, own, clock = [], [], []
        for j, t in enumerate(whole):
            if s.transform == "fd":
                if j and whole[j - 1] == t - 1:
                    row = np.zeros(n)
                    row[j], row[j - 1] = 1, -1
                    M.append(row)
                    own.append(t)
                    clock.append(t)
            elif j < n - 1:
                m = n - 1 - j
                row = np.zeros(n)
                row[j] = 1
                row[j + 1 :] = -1 / m
                M.append(row * np.sqrt(m / (m + 1)))
                own.append(t)
                clock.append(t + (s.fod_dating == "late"))
        if not whole or (not M and not self.system):
            return None
        M = np.array(M).reshape(-1, n)
        L = np.array([[1.0, rows[t].Ly, rows[t].x] for t in whole])
        y = np.array([rows[t].y for t in whole])
        x = L[:, [2]]
        if not self.system:
            L = L[:, 1:]
        top_y, top_X = M @ y, M @ L
        R = len(M)

        def value(name: str, t: int) -> float:
            r = rows.get(t)
            v = np.nan if r is None else getattr(r, name)
            return 0.0 if np.isnan(v) else v

        def change(name: str, t: int) -> float:
            if t not in rows or t - 1 not in rows:
                return 0.0
            v = getattr(rows[t], name) - getattr(rows[t - 1], name)
            return 0.0 if np.isnan(v) else v

        up, down = [], []
        for style in s.gmm:
            a, b = style.lags
            lags = list(range(a, (b if b is not None else 12) + 1))
            if style.equation != "level":
                cols = (
                    [[value(style.variables, c - k) for c in clock] for k in lags]
                    if style.collapse
                    else [
                        [
                            value(style.variables, c - k) * (o == q)
                            for c, o in zip(clock, own, strict=True)
                        ]
                        for q in YEARS
                        for k in lags
                    ]
                )
                for col in cols:
                    up.append(col)
                    down.append([0.0] * n)
            if self.system and style.equation != "transformed":
                steps = lags if style.equation == "level" else [max(a - 1, 0)]
                cols = (
                    [[change(style.variables, t - k) for t in whole] for k in steps]
                    if style.collapse
                    else [
                        [change(style.variables, t - k) * (t == q) for t in whole]
                        for q in YEARS
                        for k in steps
                    ]
                )
                for col in cols:
                    up.append([0.0] * R)
                    down.append(col)
        for style in s.iv:
            moved = (M @ x)[:, 0]
            up.append(list(moved) if style.equation != "level" else [0.0] * R)
            down.append(list(x[:, 0]) if style.equation != "transformed" else [0.0] * n)
        if self.system:
            up.append([0.0] * R)
            down.append([1.0] * n)
        U, D = np.array(up).reshape(-1, R).T if R else np.zeros((0, len(up))), np.array(down).T
        MM = M @ M.T
        if not self.system:
            return top_y, top_X, U, np.eye(R) if s.weight == "h1" else MM
        X = np.vstack([top_X, L])
        Z = np.vstack([U, D])
        H = np.eye(R + n)
        if s.weight != "h1":
            H[:R, :R] = MM
        if s.weight == "h3":
            H[:R, R:], H[R:, :R] = M, M.T
        return np.concatenate([top_y, y]), X, Z, H

    def sums(self) -> tuple[Any, Any, Any]:
        A = sum(Z.T @ H @ Z for _, _, Z, H in self.blocks)
        ZX = sum(Z.T @ X for _, X, Z, _ in self.blocks)
        Zy = sum(Z.T @ y for y, _, Z, _ in self.blocks)
        return A, ZX, Zy

    def S(self, b: Any) -> Any:
        groups: dict[Any, Any] = {}
        for (y, X, Z, _), c in zip(self.blocks, self.cluster, strict=True):
            groups[c] = groups.get(c, 0) + Z.T @ (y - X @ b)
        return sum(np.outer(g, g) for g in groups.values())

    def solve(self, W: Any) -> Any:
        _, ZX, Zy = self.sums()
        return np.linalg.solve(ZX.T @ W @ ZX, ZX.T @ W @ Zy)


def quiet(spec: Any, p: md.Panel) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return spec.fit(p)


def cases() -> list[Any]:
    some = (md.GMMStyle("y", (2, 3)), md.GMMStyle("x", (1, 2), collapse=True))
    iv = (md.IVStyle("x"),)
    full = (md.GMMStyle("y"), md.GMMStyle("x", (1, None)))
    split = (
        md.GMMStyle("y", (2, 4), equation="transformed", collapse=True),
        md.GMMStyle("y", (1, 2), equation="level"),
        md.GMMStyle("x", (0, 1), collapse=True),
    )
    f = "y ~ L(y) + x"
    out: list[Any] = []
    for transform in ("fd", "fod"):
        for weight in ("h1", "h2", "h3"):
            out.append(md.SystemGMM(formula=f, gmm=some, iv=iv, transform=transform, weight=weight))
        out += [
            md.DifferenceGMM(formula=f, gmm=some, iv=iv, transform=transform),
            md.DifferenceGMM(formula=f, gmm=full, transform=transform, weight="h1"),
            md.SystemGMM(formula=f, gmm=full, transform=transform),
            md.SystemGMM(formula=f, gmm=split, iv=(md.IVStyle("x", "level"),), transform=transform),
            md.SystemGMM(
                formula=f, gmm=some, iv=(md.IVStyle("x", "transformed"),), transform=transform
            ),
        ]
    out.append(md.DifferenceGMM(formula=f, gmm=some, transform="fod", fod_dating="own"))
    out.append(md.SystemGMM(formula=f, gmm=some, transform="fod", fod_dating="own"))
    return out


@pytest.mark.parametrize(
    ("spec", "cluster"),
    [(spec, "region" if j % 3 == 2 else None) for j, spec in enumerate(cases())],
    ids=lambda s: f"{type(s).__name__}-{s.transform}" if hasattr(s, "transform") else str(s),
)
def test_steps_match_explicit_matrices(spec: Any, cluster: str | None) -> None:
    """Gaps inside entities, missing rows anywhere: one-step, two-step, Windmeijer, J."""
    p = panel(simulated(np.random.default_rng(7), 120, 7, holes=0.15))
    w = Written(p, spec, isinstance(spec, md.SystemGMM), cluster)
    A, ZX, _ = w.sums()
    b1 = w.solve(np.linalg.pinv(A))
    S = w.S(b1)
    W2 = np.linalg.pinv(S, hermitian=True)
    b2 = w.solve(W2)
    bread = np.linalg.inv(ZX.T @ W2 @ ZX)
    g = sum(Z.T @ (y - X @ b2) for y, X, Z, _ in w.blocks)
    # Windmeijer's D from numerical derivatives of the two-step estimate in the first.
    D = np.empty((len(b1), len(b1)))
    h = 1e-5
    for j, e in enumerate(np.eye(len(b1))):
        up = w.solve(np.linalg.pinv(w.S(b1 + h * e), hermitian=True))
        down = w.solve(np.linalg.pinv(w.S(b1 - h * e), hermitian=True))
        D[:, j] = (up - down) / (2 * h)
    B1 = np.linalg.inv(ZX.T @ np.linalg.pinv(A) @ ZX) @ ZX.T @ np.linalg.pinv(A)
    V1 = B1 @ S @ B1.T
    V = bread + D @ bread + bread @ D.T + D @ V1 @ D.T

    spec = replace(spec, cluster=cluster or "entity")
    one = quiet(replace(spec, steps=1), p)
    two = quiet(spec, p)
    assert one.sums.ZX.shape[0] == len(ZX)
    assert_allclose(one.params, b1, rtol=1e-8)
    assert_allclose(one.cov, V1, rtol=1e-7)
    assert_allclose(two.params, b2, rtol=1e-7)
    if not two.singular:  # the derivative of a generalised inverse is another matter
        assert_allclose(two.cov, V, rtol=1e-5)  # numerical derivatives
    assert_allclose(quiet(replace(spec, cov="classical"), p).cov, bread, rtol=1e-7)
    assert two.stats["hansen"].statistic == pytest.approx(g @ W2 @ g, rel=1e-7)


@pytest.mark.parametrize("transform", ["fd", "fod"])
def test_arellano_bond_statistic_matches_its_definition(transform: str) -> None:
    p = panel(simulated(np.random.default_rng(3), 120, 8, holes=0.1))
    spec = md.SystemGMM(
        formula="y ~ L(y) + x", gmm=(md.GMMStyle("y + x", (2, 3), collapse=True),),
        transform=transform,
    )  # fmt: skip
    fit = quiet(spec, p)
    w = Written(
        p, replace(spec, gmm=tuple(md.GMMStyle(v, (2, 3), collapse=True) for v in "yx")), True
    )
    b, V = fit.params.to_numpy(), fit.cov.to_numpy()
    _, ZX, _ = w.sums()
    W = np.linalg.inv(w.S(quiet(replace(spec, steps=1), p).params.to_numpy()))
    f = p.frame.assign(Ly=p.L("y").to_numpy())
    done = []
    for _, d in f.groupby("i"):
        e = {}
        X = {}
        rows = {int(r.t): r for r in d.itertuples() if np.isfinite([r.y, r.Ly, r.x]).all()}
        for t in rows:
            if t - 1 in rows:
                X[t] = np.array([0, rows[t].Ly - rows[t - 1].Ly, rows[t].x - rows[t - 1].x])
                e[t] = rows[t].y - rows[t - 1].y - X[t] @ b
        if rows:
            done.append((e, X))
    A = np.linalg.inv(ZX.T @ W @ ZX) @ ZX.T @ W
    for order_ in (1, 2):
        r = [sum(e[t] * e.get(t - order_, 0.0) for t in e) for e, _ in done]
        q = sum(X[t] * e.get(t - order_, 0.0) for e, X in done for t in e)
        cross = sum(ri * Z.T @ (y - Xi @ b) for ri, (y, Xi, Z, _) in zip(r, w.blocks, strict=True))
        variance = np.sum(np.square(r)) - 2 * q @ A @ cross + q @ V @ q
        expected = np.sum(r) / np.sqrt(variance)
        assert fit.stats[f"ar{order_}"].statistic == pytest.approx(expected, rel=1e-7)


def test_iterated_is_a_fixed_point_and_cue_a_minimum() -> None:
    from scipy import optimize

    p = panel(simulated(np.random.default_rng(11), 150, 7, holes=0.05))
    spec = md.DifferenceGMM(
        formula="y ~ L(y) + x", gmm=(md.GMMStyle("y", (2, 4)), md.GMMStyle("x", (1, 2)))
    )
    w = Written(p, spec, False)
    iterated = quiet(replace(spec, steps="iterated"), p)
    b = iterated.params.to_numpy()
    assert_allclose(w.solve(np.linalg.inv(w.S(b))), b, rtol=1e-8)
    _, ZX, Zy = w.sums()

    def J(b: Any) -> float:
        g = Zy - ZX @ b
        return float(g @ np.linalg.solve(w.S(b), g))

    cue = quiet(replace(spec, steps="cue"), p)
    best = optimize.minimize(
        J,
        cue.params.to_numpy() + 0.01,
        method="Nelder-Mead",
        options={"xatol": 1e-10, "fatol": 1e-12, "maxiter": 4000},
    )
    assert_allclose(cue.params, best.x, atol=2e-6)
    assert cue.stats["hansen"].statistic == pytest.approx(best.fun, rel=1e-9)
    assert cue.stats["hansen"].statistic <= J(b)
    # Iterated covariance: the derivative of the whole fixed point.
    D = np.empty((2, 2))
    for j, e in enumerate(np.eye(2)):
        up, down = (w.solve(np.linalg.inv(w.S(b + s * 1e-5 * e))) for s in (1, -1))
        D[:, j] = (up - down) / 2e-5
    inner = np.linalg.inv(np.eye(2) - D)
    bread = np.linalg.inv(ZX.T @ np.linalg.solve(w.S(b), ZX))
    assert_allclose(iterated.cov, inner @ bread @ inner.T, rtol=1e-5)


def test_cue_covariance_is_newey_and_windmeijers() -> None:
    p = panel(simulated(np.random.default_rng(5), 150, 6))
    spec = md.DifferenceGMM(formula="y ~ L(y) + x", gmm=(md.GMMStyle("y + x"),), steps="cue")
    fit = quiet(spec, p)
    w = Written(p, replace(spec, gmm=(md.GMMStyle("y"), md.GMMStyle("x"))), False)
    b = fit.params.to_numpy()
    _, ZX, Zy = w.sums()

    def Q(b: Any) -> float:
        g = Zy - ZX @ b
        return float(g @ np.linalg.solve(w.S(b), g)) / 2

    H, h = np.empty((2, 2)), 1e-4
    for i, e in enumerate(np.eye(2)):
        for j, f in enumerate(np.eye(2)):
            H[i, j] = (Q(b + h * (e + f)) - Q(b + h * (e - f)) - Q(b - h * (e - f))
                       + Q(b - h * (e + f))) / (4 * h * h)  # fmt: skip
    S = w.S(b)
    v = np.linalg.solve(S, Zy - ZX @ b)
    D = np.column_stack(
        [
            ZX[:, k] - sum(Z.T @ X[:, k] * float((y - X @ b) @ Z @ v) for y, X, Z, _ in w.blocks)
            for k in range(2)
        ]
    )
    Hi = np.linalg.inv(H)
    assert_allclose(fit.cov, Hi @ D.T @ np.linalg.solve(S, D) @ Hi, rtol=1e-5)
