"""Bootstrap of entities for dynamic panel GMM."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from migdev.errors import ConvergenceError
from migdev.estimators.dynamic.gmm.fit import chosen_instruments
from migdev.estimators.dynamic.gmm.problem import Problem
from migdev.estimators.dynamic.gmm.record import FitSpec
from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.kernels.dynamic.gram import gram
from migdev.kernels.dynamic.instruments import Instruments, cross, outer
from migdev.kernels.dynamic.solve import NotIdentified, invert, iterate, solve
from migdev.kernels.dynamic.stack import Stack
from migdev.progress import Progress


def bootstrap_params(
    spec: FitSpec, problem: Problem, params: FloatArray, draws: int, seed: int
) -> FloatArray:
    r"""(B, k) estimates on samples of whole clusters drawn with replacement.

    The moments of each draw are recentred, :math:`\bar g^*(b) - \bar g(\hat b)`, as an
    overidentified model is not true in the sample that plays the population
    (Hall and Horowitz 1996, Econometrica 64, 891-916).
    """
    stack = problem.stack
    z = chosen_instruments(spec, problem).z
    centre = problem.centre
    u = stack.residuals(params if centre is None else centre.centred(params))
    g = cross(z, u)
    N = stack.y.shape[1]
    code = np.arange(N) if problem.groups is None else problem.groups
    order = np.argsort(code, kind="stable")
    starts = np.searchsorted(code[order], np.arange(int(code.max()) + 2))
    G = len(starts) - 1
    rng = np.random.default_rng(seed)
    drawn = []
    with Progress("bootstrap samples", draws) as done:
        for _ in done.each(range(draws)):
            chosen = rng.integers(G, size=G)
            if problem.groups is None:
                who, groups = chosen, None
            else:
                parts = [order[starts[c] : starts[c + 1]] for c in chosen]
                who = np.concatenate(parts)
                groups = np.repeat(np.arange(G), [len(p) for p in parts])
            s = replace(stack, y=stack.y[:, who], X=stack.X[:, :, who], used=stack.used[:, who])
            zd = z.of_entities(who)
            ZX, Zy = cross(zd, s.X), cross(zd, s.y) - g
            try:
                fit = solve(ZX, Zy, invert(gram(zd, s, spec.weight)))
                covariance = partial(_covariance, zd, s, groups)
                if spec.steps != 1:
                    fit = solve(ZX, Zy, invert(covariance(fit.params)))
                if spec.steps == "iterated":
                    fit = iterate(ZX, Zy, covariance, fit)[0]
            except NotIdentified:
                continue
            drawn.append(fit.params)
    if len(drawn) < draws / 2:
        raise ConvergenceError(
            f"{spec.formula!r}: only {len(drawn)} of {draws} bootstrap samples identify the "
            "coefficients. Use fewer instruments, or the delta method."
        )
    return np.array(drawn) if centre is None else centre.restored(np.array(drawn))


def _covariance(z: Instruments, stack: Stack, groups: IntArray | None, b: FloatArray) -> FloatArray:
    return outer(z, stack.residuals(b), groups)
