"""Covariances by the customary short words, and by pyfixest's mappings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from migdev.covariance.basic import HC, Robust, Unadjusted
from migdev.covariance.clustered import Clustered
from migdev.covariance.serial import DriscollKraay, NeweyWest
from migdev.errors import SpecificationError, listing, suggestion
from migdev.options import Takes
from migdev.protocols import Covariance

Word: TypeAlias = (
    Literal["unadjusted", "nonrobust", "iid", "robust", "hetero"]
    | HC
    | Literal["cluster", "clustered", "CR0", "CR1", "CR2", "CR3", "twoway"]
    | Literal["driscoll-kraay", "DK", "kernel", "newey-west", "NW", "HAC"]
)
By: TypeAlias = Literal["cluster", "clustered", "CR0", "CR1", "CR2", "CR3", "CRV1", "CRV3"]
CovarianceLike: TypeAlias = Covariance | Word | Mapping[By, str] | Mapping[By, Sequence[str]]
#: A field that takes all of these and holds a covariance; :func:`as_covariance` turns one into the
#: other.
CovarianceOption: TypeAlias = Takes[CovarianceLike, Covariance]
OptionalCovariance: TypeAlias = Takes[CovarianceLike | None, Covariance | None]

# A word that libraries share follows the house's convention, Stata's; one that a single library
# has follows that library.
WORDS: Mapping[str, Covariance] = {
    "unadjusted": Unadjusted(),
    "nonrobust": Unadjusted(),
    "iid": Unadjusted(convention="fixest"),
    "robust": Robust("HC1"),
    "hetero": Robust("HC1", convention="fixest"),
    "HC0": Robust("HC0"),
    "HC1": Robust("HC1"),
    "HC2": Robust("HC2"),
    "HC3": Robust("HC3"),
    "HC4": Robust("HC4"),
    "cluster": Clustered("entity"),
    "clustered": Clustered("entity"),
    "CR0": Clustered("entity", kind="CR0"),
    "CR1": Clustered("entity", kind="CR1"),
    "CR2": Clustered("entity", kind="CR2"),
    "CR3": Clustered("entity", kind="CR3"),
    "twoway": Clustered("entity", "time"),
    "driscoll-kraay": DriscollKraay(),
    "DK": DriscollKraay(bandwidth="fixest", gaps="position", convention="fixest"),
    "kernel": DriscollKraay(gaps="position", convention="linearmodels"),
    "newey-west": NeweyWest(),
    "NW": NeweyWest(bandwidth="fixest", gaps="position", convention="fixest"),
    "HAC": NeweyWest(),
}
# In {word: names of the clusters}.
CLUSTERS: Mapping[str, Mapping[str, Any]] = {
    "cluster": {},
    "clustered": {},
    "CR0": {"kind": "CR0"},
    "CR1": {"kind": "CR1"},
    "CR2": {"kind": "CR2"},
    "CR3": {"kind": "CR3"},
    "CRV1": {"kind": "CR1", "convention": "fixest"},
    "CRV3": {"kind": "CR3", "convention": "fixest"},
}


def as_covariance(cov: CovarianceLike) -> Covariance:
    """The covariance that a short word or a mapping stands for; a covariance comes back as it is.

    Parameters
    ----------
    cov : covariance, word or mapping
        ``Clustered("iso3")``, ``"HC1"``, ``{"CRV1": "iso3 + year"}``. Case does not matter.

    Raises
    ------
    SpecificationError
        An unknown word, or what is no covariance.
    """
    if isinstance(cov, str):
        return WORDS[_known(cov, WORDS)]
    if isinstance(cov, Mapping):
        if len(cov) != 1:
            raise SpecificationError(
                f"cov={cov!r}: a mapping has one word, such as {{'CRV1': 'iso3 + year'}}."
            )
        ((word, by),) = cov.items()
        names = by.split("+") if isinstance(by, str) else by if isinstance(by, Sequence) else [by]
        options = CLUSTERS[_known(word, CLUSTERS)]
        return Clustered(*(n.strip() if isinstance(n, str) else n for n in names), **options)
    if isinstance(cov, Covariance) and not isinstance(cov, type):
        return cov
    call = f" Write {cov.__name__}()." if isinstance(cov, type) else ""
    raise SpecificationError(
        f"cov={cov!r} is no covariance.{call} Give one such as Clustered('region', kind='CR2'), "
        f"or one of {listing(WORDS, 40)}."
    )


def _known(word: object, words: Mapping[str, Any]) -> str:
    """The word as it is written here."""
    text = str(word).strip().lower().replace("_", "-").replace(" ", "-")
    known = {w.lower(): w for w in words}
    if text not in known:
        raise SpecificationError(
            f"cov={word!r} is unknown.{suggestion(str(word), words)} Words are "
            f"{listing(words, 40)}; a covariance such as Clustered('region') says more."
        )
    return known[text]
