"""What a fit states about itself, so that no reader needs to know its estimator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal

from migdev.errors import ResultError

Link = Literal["identity", "log", "logit", "probit", "cloglog"]
Principle = Literal["least squares", "instruments", "averages", "other"]
Form = Literal["levels", "differences", "orthogonal deviations", "means", "quasi-demeaned"]
Scores = Literal["rows", "units", "none"]

#: What the constant is called.
CONSTANTS = ("Intercept", "const", "_cons", "(Intercept)", "Constant")
#: What a table calls the statistics of a fit.
LABELS = {
    "nobs": "Observations",
    "entities": "Entities",
    "periods": "Periods",
    "df_resid": "Residual degrees of freedom",
    "r2": "R²",
    "r2_adjusted": "Adjusted R²",
    "r2_within": "R² within",
    "r2_within_entities": "R² within entities",
    "r2_between": "R² between",
    "r2_overall": "R² overall",
    "r2_pseudo": "Pseudo R²",
    "r2_mg": "R², mean group",
    "sigma": "Residual standard error",
    "rss": "Residual sum of squares",
    "log_likelihood": "Log likelihood",
    "aic": "AIC",
    "bic": "BIC",
    "f_statistic": "F statistic",
    "instruments": "Instruments",
    "clusters": "Clusters",
}
#: An R² of other data than levels about their mean is another number, and is called so.
_FORMS: Mapping[str, str] = {
    "levels": "R²",
    "differences": "R² of differences",
    "orthogonal deviations": "R² of deviations",
    "means": "R² of means",
    "quasi-demeaned": "R², quasi-demeaned",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a fit states about itself.

    An estimator states what it knows (``Facts(link="log", absorbed=("iso3",))``);
    :attr:`migdev.Estimate.facts` adds what the record holds. What is not stated is not known, and
    a reader that needs it refuses.

    Attributes
    ----------
    link : {"identity", "log", "logit", "probit", "cloglog"}, optional
        Of the conditional mean to the linear index; None where the index is of something else
        (a quantile), or where nothing is stated.
    linear : bool, optional
        The dependent variable is the columns of the formula times the coefficients, plus effects
        and an error.
    principle : {"least squares", "instruments", "averages", "other"}, optional
        Least squares (also weighted or generalised), linear instrumental variables and GMM,
        averages of entities' own regressions, anything else.
    form : {"levels", "differences", "orthogonal deviations", "means", "quasi-demeaned"}
        Data that the equation is fitted to.
    absorbed : tuple of str, optional
        Effects with a parameter for each level; ``()`` where the model could have some and has
        none; None where the estimator knows no such thing.
    removed, random : tuple of str
        Effects that a transformation takes out, and random ones.
    weighted : bool
        By analytic weights.
    constant : bool
        R² is about the mean; False where the model holds no constant.
    scores : {"rows", "units", "none"}
        What a covariance can work on.
    engines : tuple of str
        Packages beside numpy and scipy that computed the numbers, by the names they are installed
        under: versions and bibliographies tell them.
    nobs : int
        Observations behind the estimate, however the data were summed up.
    labels : mapping
        Statistics that a table may print, with their labels.
    caution : str
        What a reader of estimates and intervals must know: a maximum that was not reached, how many
        intervals simulations found to hold the truth.
    """

    link: Link | None = None
    linear: bool | None = None
    principle: Principle | None = None
    form: Form = "levels"
    absorbed: tuple[str, ...] | None = None
    removed: tuple[str, ...] = ()
    random: tuple[str, ...] = ()
    weighted: bool = False
    constant: bool = True
    scores: Scores = "none"
    engines: tuple[str, ...] = ()
    nobs: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    caution: str = ""

    def effects(self) -> dict[str, str]:
        """Each effect of the model with the word of a table: ``Yes`` or ``Random``."""
        held = (*(self.absorbed or ()), *self.removed)
        return {**dict.fromkeys(self.random, "Random"), **dict.fromkeys(held, "Yes")}

    def require(self, what: str, method: str, expected: str, **facts: object) -> None:
        """Raise a ResultError unless each fact named is as given (one of several in a tuple).

        Parameters
        ----------
        what, method : str
            Who asks, and the method of the fit.
        expected : str
            The fits that are taken, in words.
        """
        for name, wanted in facts.items():
            found = getattr(self, name)
            if found in (wanted if isinstance(wanted, tuple) else (wanted,)):
                continue
            raise ResultError(
                f"{what} takes {expected}, but this fit ({method}) {_told(name, found)}."
                + (
                    f" An estimator of your own states it by stated=Facts({name}=...)."
                    if found is None
                    else ""
                )
            )


def completed(
    stated: Facts,
    *,
    stats: Iterable[str],
    nobs: int,
    scores: Scores,
    weighted: bool,
    constant: bool,
) -> Facts:
    """Stated facts with those that the record of a fit holds."""
    labels = LABELS | {name: name for name in stats if name not in LABELS}
    constant = constant and stated.constant
    labels["r2"] = _FORMS[stated.form] + ("" if constant else ", uncentred")
    return replace(
        stated, nobs=stated.nobs or nobs, scores=scores, weighted=stated.weighted or weighted,
        constant=constant, labels={**labels, **stated.labels},
    )  # fmt: skip


def _told(name: str, found: object) -> str:
    if found is None:
        return f"does not state its {name}" if name != "linear" else "does not say if it is linear"
    if name == "linear":
        return "is not linear in its coefficients" if not found else "is linear"
    if name == "weighted":
        return "has weights" if found else "has no weights"
    how = {
        "link": "has the link {}", "principle": "is by {}", "form": "is fitted to {}",
        "scores": "keeps scores of {}",
    }[name]  # fmt: skip
    words = {
        "instruments": "instrumental variables", "averages": "averages over entities",
        "other": "other means", "none": "nothing", "quasi-demeaned": "quasi-demeaned data",
    }  # fmt: skip
    return how.format(repr(found) if name == "link" else words.get(str(found), str(found)))


@lru_cache(maxsize=256)
def linear_facts(
    principle: Principle, absorbed: tuple[str, ...] | None = None, **more: Any
) -> Facts:
    """The facts of an equation that is linear in its coefficients, fitted as ``principle`` says."""
    return Facts(link="identity", linear=True, principle=principle, absorbed=absorbed, **more)


UNSTATED = Facts()
