"""Difference and system GMM for dynamic panels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import ClassVar, Literal, TypeAlias

import pandas as pd

from migdev.covariance import CovarianceLike, Robust
from migdev.errors import SpecificationError
from migdev.estimators.dynamic.gmm.bootstrap import bootstrap_params
from migdev.estimators.dynamic.gmm.fit import fit_gmm
from migdev.estimators.dynamic.gmm.problem import Problem, build_problem
from migdev.estimators.dynamic.gmm.styles import (
    Equation,
    GMMStyle,
    GMMStyles,
    IVStyle,
    IVStyles,
)
from migdev.estimators.specification import Effects, of_panel, settle
from migdev.identity import LATER
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.dynamic.strength import conditional_f
from migdev.options import Takes, held
from migdev.protocols import Covariance, Data
from migdev.results.gmm import GMMEstimate

__all__ = ["DifferenceGMM", "GMMStyle", "IVStyle", "SystemGMM"]

Weight = Literal["h1", "h2", "h3"]
Own = Literal["windmeijer", "robust", "classical"]
GMMCovariance: TypeAlias = Takes[CovarianceLike | Own | None, Covariance | Own | None]
# The usual words for what these estimators compute themselves.
WORDS: Mapping[str, Own] = {
    "windmeijer": "windmeijer",
    "robust": "robust",
    "hetero": "robust",
    "classical": "classical",
    "unadjusted": "classical",
    "nonrobust": "classical",
    "iid": "classical",
}


@dataclass(frozen=True, slots=True)
class DifferenceGMM:
    r"""GMM on the transformed equation of a dynamic panel (Arellano and Bond 1991).

    .. math::
        y_{it} &= x_{it}'\beta + \alpha_i + v_{it} \quad (1) \\
        \hat\beta &= (X_*'ZWZ'X_*)^{-1}X_*'ZWZ'y_* \quad (2) \\
        W_1 &= \Big(\sum_i Z_i'HZ_i\Big)^{-1}, \qquad
        W_2 = \Big(\sum_i Z_i'\hat u_{1i}\hat u_{1i}'Z_i\Big)^{-1} \quad (3)

    The star stands for first differences, or for forward orthogonal deviations
    :math:`c_{it}(x_{it} - \bar x_{i,>t})`. The regressors include lags of y, written ``L(y)``; a
    regressor is its own instrument only where ``iv`` or ``gmm`` names it. Lags go by the value of
    time, so a gap inside an entity costs the rows that need it and nothing else; after
    ``panel.windows(5)`` a lag is one window.

    Parameters
    ----------
    formula : str
        ``y ~ L(y) + x``; the intercept is differenced away.
    gmm : tuple of GMMStyle
        Instruments with a column per period and lag.
    iv : tuple of IVStyle
        Ordinary instruments.
    effects : tuple of str
        ``()`` or ``("time",)``: dummies of the periods but the first, transformed like every
        regressor and their own instruments.
    steps : {2, 1, "iterated", "cue"}
        Two-step, one-step, iterated to convergence, continuously updated.
    transform : {"fd", "fod"}
        First differences or forward orthogonal deviations, which keep more rows when there are
        gaps.
    weight : {"h3", "h2", "h1"}
        H in (3). h1: identity. h2 and h3 (the same here): the covariance of the transformed
        errors when :math:`v_{it}` is white noise, 2 and -1 for differences. Names of xtabond2.
    cov : {None, "windmeijer", "robust", "classical"} or covariance
        ``"windmeijer"``: with the finite-sample correction of the two-step estimate; after one
        step there is nothing to correct, and it is ``"robust"``. ``"classical"``: homoskedastic
        after one step, the uncorrected formula after two. None: robust after one step,
        Newey-Windmeijer after ``"cue"``, Windmeijer otherwise. A Covariance works on the scores.
    cluster : str
        Column that groups entities; moments are summed by it in weights, covariance and tests.
    small : {False, True, "xtabond2"}
        Covariance times (n-1)/(n-k) G/(G-1) (classical one-step: n/(n-k)), as xtabond2's
        ``small``; t and F with G - 1 degrees of freedom, as after other clustered fits. xtabond2
        takes one from G only for a constant in the equation in levels, so that difference GMM has
        G, and n - k after a classical step.
    constant : {"none", "transformed", "moments"}
        ``"none"``: without time effects the instruments are levels beside no constant (xtabond2,
        gretl), so that the estimate depends on the level of y and of what ``gmm`` names: ``y + 10``
        gives another. ``"moments"`` adds :math:`E[\Delta v_{it}] = 0` for every period, one
        column of ones each, which holds in the same model and frees the estimate of levels (where
        instruments are not missing); time effects do so without it.
        ``"transformed"`` puts a constant beside the transformed regressors (DPD for Ox, gretl's
        ``--dpdstyle``): a linear trend in levels.
    fod_dating : {"late", "own"}
        From where lags of instruments count for the deviation of period t: from t + 1, so that
        the same lags are valid as for differences (xtabond2), or from t.
    divisor : {"nobs", "nobs-k", "transformed"}
        Divisor of the error variance in the Sargan test and the classical covariance: reported
        observations (xtabond2, gretl), less coefficients (Stata's xtabond; Arellano and Bond),
        or rows of the transformed equation.
    components : {None, "kaiser"} or int
        Principal components in place of the GMM-style columns: those with an eigenvalue of at
        least one (but as many as identify the coefficients), or so many (Mehrhoff 2009, Bai and
        Ng 2010).
    components_of : {"standardised", "raw"}
        Combine the columns divided by their standard deviations, which are the principal
        components of their correlations, or the columns as they stand with the same eigenvectors,
        as xtabond2's ``pca`` and ``components()`` do; these depend on the units of the variables.
    ar_tests : int
        Arellano-Bond tests m1 to this order, where residuals are that far apart.

    Raises
    ------
    IdentificationError
        No instrument, fewer instruments than coefficients, no two consecutive periods, or
        coefficients that the instruments do not tell apart.

    Warns
    -----
    DroppedRowsWarning, CollinearityWarning
        Rows and columns left out, among them regressors that do not vary over time.
    InvalidInstrumentsWarning
        Lags of the dependent variable that hold the error of the equation, with the first that
        does not (:mod:`migdev.estimators.dynamic.gmm.validity`).
    ManyInstrumentsWarning
        More instruments than entities.
    CovarianceWarning
        A moment covariance is singular; its Moore-Penrose inverse is used (xtabond2, gretl, plm).
        The estimate then depends on the units of the instruments.

    References
    ----------
    Arellano and Bond (1991), Review of Economic Studies 58, 277-297. Windmeijer (2005), Journal of
    Econometrics 126, 25-51. Roodman (2009), Stata Journal 9, 86-136.
    """

    #: Class of design, for verdicts.
    design: ClassVar[str] = "internal instruments"

    formula: str
    _: KW_ONLY
    gmm: GMMStyles = held(())
    iv: IVStyles = held(())
    effects: Effects = held(())
    steps: Literal[1, 2, "iterated", "cue"] = 2
    transform: Literal["fd", "fod"] = "fd"
    weight: Weight = "h3"
    cov: GMMCovariance = held(None)
    cluster: str = "entity"
    small: bool | Literal["xtabond2"] = False
    constant: Literal["none", "transformed", "moments"] = "none"
    fod_dating: Literal["late", "own"] = "late"
    divisor: Literal["nobs", "nobs-k", "transformed"] = "nobs"
    components: int | Literal["kaiser"] | None = None
    components_of: Literal["standardised", "raw"] = field(default="standardised", metadata=LATER)
    ar_tests: int = 4

    def __post_init__(self) -> None:
        _check(self)
        level: list[GMMStyle | IVStyle] = [s for s in self.gmm if s.equation == "level"]
        level += [s for s in self.iv if s.equation == "level"]
        if level:
            raise SpecificationError(
                f"{level[0]} instruments the equation in levels, which DifferenceGMM has not. "
                "Use SystemGMM."
            )

    @of_panel
    def fit(self, panel: Data) -> GMMEstimate:
        """Estimate on a panel."""
        return fit_gmm(self, self.problem(panel), f"Difference GMM, {_steps(self.steps)}")

    def problem(self, panel: Data) -> Problem:
        """The stacked arrays and the instruments."""
        return build_problem(
            self, panel, system=False, constant=self.constant == "transformed",
            time_equation="transformed",
            ones=self.constant == "moments" and not self.effects,
        )  # fmt: skip

    def bootstrap(self, panel: Data, params: FloatArray, draws: int, seed: int) -> FloatArray:
        """(B, k) estimates on resampled entities, moments recentred at ``params``."""
        return _bootstrap(self, self.problem(panel), params, draws, seed)

    def strength(self, panel: Data) -> pd.DataFrame:
        """Conditional first-stage F of every regressor, by equation; see
        :func:`migdev.kernels.dynamic.strength.conditional_f`."""
        return _strength(self, self.problem(panel))


@dataclass(frozen=True, slots=True)
class SystemGMM:
    r"""GMM on the transformed equation and the equation in levels together
    (Arellano and Bover 1995; Blundell and Bond 1998).

    .. math::
        \begin{pmatrix} y_{*i} \\ y_i \end{pmatrix} =
        \begin{pmatrix} X_{*i} \\ X_i \end{pmatrix}\beta +
        \begin{pmatrix} v_{*i} \\ \alpha_i + v_i \end{pmatrix} \quad (1)

    Levels are instrumented by changes, :math:`E[\Delta x_{i,t-s}(\alpha_i + v_{it})] = 0`, which
    asks that the distance of an entity from its long-run level at the start is unrelated to that
    level. Estimate and weights as in :class:`DifferenceGMM`, eq. (2) and (3), on the stacked rows.

    Parameters
    ----------
    formula : str
        ``y ~ L(y) + x``; the intercept belongs to the equation in levels.
    gmm, iv, steps, transform, cov, cluster, small, fod_dating, divisor, ar_tests
        As in :class:`DifferenceGMM`. ``divisor="nobs"`` counts the rows in levels.
    components, components_of
        As in :class:`DifferenceGMM`.
    effects : tuple of str
        ``("time",)``: dummies of the periods (but one with an intercept) in both equations.
    time_instruments : {"both", "level", "transformed"}
        The equation in which the dummies are their own instruments: ``"both"`` as xtabond2's
        ``iv()``, ``"level"`` as gretl's ``--time-dummies``.
    weight : {"h3", "h2", "h1"}
        H with M the transformation: h3 :math:`(MM', M; M', I)`, xtabond2's and gretl's default;
        h2 without the off-diagonal blocks (DPD for Ox); h1 the identity (Blundell and Bond 1998).

    Raises
    ------
    IdentificationError
        As :class:`DifferenceGMM`.

    References
    ----------
    Arellano and Bover (1995), Journal of Econometrics 68, 29-51. Blundell and Bond (1998), Journal
    of Econometrics 87, 115-143. Bun and Windmeijer (2010), Econometrics Journal 13, 95-126.
    """

    #: Class of design, for verdicts.
    design: ClassVar[str] = "internal instruments"

    formula: str
    _: KW_ONLY
    gmm: GMMStyles = held(())
    iv: IVStyles = held(())
    effects: Effects = held(())
    steps: Literal[1, 2, "iterated", "cue"] = 2
    transform: Literal["fd", "fod"] = "fd"
    weight: Weight = "h3"
    cov: GMMCovariance = held(None)
    cluster: str = "entity"
    small: bool | Literal["xtabond2"] = False
    time_instruments: Equation = "both"
    fod_dating: Literal["late", "own"] = "late"
    divisor: Literal["nobs", "nobs-k", "transformed"] = "nobs"
    components: int | Literal["kaiser"] | None = None
    components_of: Literal["standardised", "raw"] = field(default="standardised", metadata=LATER)
    ar_tests: int = 4

    def __post_init__(self) -> None:
        _check(self)

    @of_panel
    def fit(self, panel: Data) -> GMMEstimate:
        """Estimate on a panel."""
        return fit_gmm(self, self.problem(panel), f"System GMM, {_steps(self.steps)}")

    def problem(self, panel: Data) -> Problem:
        """The stacked arrays and the instruments."""
        return build_problem(
            self, panel, system=True, constant=False, time_equation=self.time_instruments
        )

    def bootstrap(self, panel: Data, params: FloatArray, draws: int, seed: int) -> FloatArray:
        """(B, k) estimates on resampled entities, moments recentred at ``params``."""
        return _bootstrap(self, self.problem(panel), params, draws, seed)

    def strength(self, panel: Data) -> pd.DataFrame:
        """Conditional first-stage F of every regressor, by equation; see
        :func:`migdev.kernels.dynamic.strength.conditional_f`."""
        return _strength(self, self.problem(panel))


def _bootstrap(
    spec: DifferenceGMM | SystemGMM,
    problem: Problem,
    params: FloatArray,
    draws: int,
    seed: int,
) -> FloatArray:
    if spec.steps == "cue":
        raise SpecificationError("Continuously updated GMM has no bootstrap here; use steps=2.")
    if isinstance(draws, bool) or not isinstance(draws, int) or draws < 2:
        raise SpecificationError(f"draws={draws!r}; give a number such as 999.")
    return bootstrap_params(spec, problem, params, draws, seed)


def _strength(spec: DifferenceGMM | SystemGMM, problem: Problem) -> pd.DataFrame:
    if spec.components is not None:
        raise SpecificationError(
            "The first-stage statistics go equation by equation, which principal components do "
            "not; ask for them with components=None."
        )
    level = problem.stack.level
    rows = []
    for equation, which in (("transformed", ~level), ("level", level)):
        if not which.any():
            continue
        found = conditional_f(problem.instruments, problem.stack, which, problem.groups)
        rows += [
            (equation, name, found.F[j], found.F_robust[j], found.df, found.n_instruments)
            for j, name in enumerate(problem.names)
            if not name.startswith("time[") and name != "Intercept"
        ]
    names = ["equation", "regressor", "F", "F_robust", "df", "instruments"]
    return pd.DataFrame(rows, columns=names).set_index(["equation", "regressor"])


def _steps(steps: int | str) -> str:
    return {1: "one-step", 2: "two-step", "iterated": "iterated"}.get(steps, "continuously updated")


def _check(spec: DifferenceGMM | SystemGMM) -> None:
    settle(spec, WORDS)
    for name, kind in (("gmm", GMMStyle), ("iv", IVStyle)):
        styles = getattr(spec, name)
        styles = (styles,) if isinstance(styles, kind) else tuple(styles)
        if not all(isinstance(style, kind) for style in styles):
            raise SpecificationError(
                f"{name}={styles!r}: give a tuple of {kind.__name__}, such as "
                f"({kind.__name__}('x'),)."
            )
        object.__setattr__(spec, name, styles)
    if not spec.gmm and not spec.iv:
        raise SpecificationError(
            f"{spec.formula!r} has no instruments: name them in gmm=(GMMStyle('y'),) and "
            "iv=(IVStyle('x'),)."
        )
    if spec.effects not in ((), ("time",)):
        raise SpecificationError(
            f"effects={spec.effects!r}; use () or ('time',). The transformation removes the "
            "effects of entities already."
        )
    if isinstance(spec.cov, Robust):
        raise SpecificationError(
            f"cov={spec.cov!r} takes rows as independent, but the transformation ties the errors "
            f"of neighbouring periods. Use cov='robust', which sums moments by {spec.cluster!r}."
        )
    if spec.cov == "windmeijer" and spec.steps == "cue":
        raise SpecificationError(
            "The Windmeijer correction belongs to two-step and iterated GMM; with steps='cue' use "
            "cov=None (Newey-Windmeijer) or 'classical'."
        )
    count = spec.components
    if not (count is None or isinstance(count, str)) and (
        isinstance(count, bool) or not isinstance(count, int) or count < 1
    ):
        raise SpecificationError(
            f"components={count!r}; use None, 'kaiser' or the number of components."
        )
    if isinstance(spec.ar_tests, bool) or not isinstance(spec.ar_tests, int) or spec.ar_tests < 0:
        raise SpecificationError(f"ar_tests={spec.ar_tests!r}; give the highest order, such as 2.")
