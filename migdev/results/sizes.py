"""What simulations say of a method at a sample's size, told where its numbers are printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from math import log
from typing import Literal, TypeVar

from migdev.errors import SizeWarning
from migdev.notes import warn
from migdev.results.statistic import TestStatistic

Kind = Literal["size", "cover"]
S = TypeVar("S", bound=TestStatistic)

#: Shares beyond these are told: of true nulls rejected at 5%, of 95% intervals that hold the truth.
MOST_REJECTED, LEAST_COVERED = 0.10, 0.90


def with_size(test: S, N: float, T: float, options: str = "") -> S:
    """The test with the size that simulations found nearest to its sample, if that is far from 5%.

    Parameters
    ----------
    test : TestStatistic
        Found in ``sizes.tsv`` by its name.
    N, T : float
        Entities and periods; for ``options="instruments"`` their number in place of periods.
    options : str
        What its size hangs on too, in the words of the table.

    Warns
    -----
    SizeWarning
        With the same words as ``test.caution``.
    """
    said = caution("size", test.name, N, T, options)
    if not said:
        return test
    return replace(test, caution=" ".join(filter(None, (test.caution, said))))


def caution(kind: Kind, method: str, N: float, T: float, options: str = "") -> str:
    """A sentence on the size of a test or the coverage of an interval, also as a SizeWarning;
    empty where simulations of the nearest sample found no cause, or none were made."""
    found = nearest(kind, method, N, T, options)
    if found is None:
        return ""
    n, t, share = found
    if (share <= MOST_REJECTED) if kind == "size" else (share >= LEAST_COVERED):
        return ""
    size = f"{t} instruments" if options == "instruments" else f"T = {t}"
    where = ", ".join(filter(None, (f"N = {n}", size, "" if options in size else options)))
    said = (
        f"Size: in simulations ({where}) a true null is rejected in {share:.0%} of samples at 5%."
        if kind == "size"
        else f"Coverage: in simulations ({where}) 95% intervals hold the truth in {share:.0%} of "
        "samples."
    )
    warn(f"{method}. {said}", SizeWarning, stacklevel=4)
    return said


def nearest(
    kind: Kind, method: str, N: float, T: float, options: str = ""
) -> tuple[int, int, float] | None:
    """N, T and share of the measured sample that is nearest in the logarithms of both."""
    sizes = _measured().get((kind, method, options))
    if sizes is None:
        return None
    n, t = min(sizes, key=lambda at: abs(log(at[0] / N)) + abs(log(at[1] / T)))
    return n, t, sizes[n, t]


@cache
def _measured() -> Mapping[tuple[str, str, str], Mapping[tuple[int, int], float]]:
    text = (files("migdev.results") / "sizes.tsv").read_text(encoding="utf-8")
    _, *lines = (x.split("\t") for x in text.splitlines() if not x.startswith("#"))
    found: dict[tuple[str, str, str], dict[tuple[int, int], float]] = {}
    for kind, method, options, N, *cells in lines:
        sizes = found.setdefault((kind, method, options), {})
        for cell in cells:
            T, share = cell.split(":")
            sizes[int(N), int(T)] = float(share)
    return found
