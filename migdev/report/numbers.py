"""Numbers as text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from migdev.errors import ReportError

Format = str | Callable[[float], str]
MISSING = "n/a"
MOST_DECIMALS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """How numbers are written.

    Attributes
    ----------
    digits : int
        Decimals of estimates and their errors. A row gets more where its smallest error would show
        fewer than two significant digits, and fewer where all its errors are large.
    fmt : str, callable or mapping
        Overrides: a format such as ``".4f"``, a function of the number, or these by name of the
        term or statistic (``"estimate"``, ``"std_error"``, ``"t"``, ``"p"``, ``"ci"``, ``"r2"``).
    """

    digits: int = 3
    fmt: Format | Mapping[str, Format] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.digits, int) or isinstance(self.digits, bool) or self.digits < 0:
            raise ReportError(f"digits={self.digits!r} must be a whole number, 0 or more.")

    def decimals(self, errors: Iterable[float], estimates: Iterable[float] = ()) -> int:
        """Decimals of a row, from the standard errors in it."""
        sizes = np.abs([e for e in errors if np.isfinite(e) and e != 0])
        if not len(sizes):
            sizes = np.abs([b for b in estimates if np.isfinite(b) and b != 0])
        if not len(sizes):
            return self.digits
        smallest = float(sizes.min())
        needed = int(np.ceil(-np.log10(smallest) - 1e-9)) + 1  # two significant digits
        if smallest >= 100:
            return min(self.digits, 0 if smallest >= 1000 else 1)
        return max(self.digits, needed)

    def custom(self, *names: str) -> Format | None:
        if isinstance(self.fmt, Mapping):
            return next((self.fmt[n] for n in names if n in self.fmt), None)
        return self.fmt

    def value(self, number: float, decimals: int, *names: str) -> str:
        """An estimate or an error with the decimals of its row."""
        chosen = self.custom(*names)
        if chosen is not None:
            return apply(chosen, number)
        return fixed(number, decimals)

    def ratio(self, number: float, *names: str) -> str:
        chosen = self.custom(*names)
        return fixed(number, 2) if chosen is None else apply(chosen, number)

    def probability(self, number: float, *names: str) -> str:
        chosen = self.custom(*names)
        if chosen is not None:
            return apply(chosen, number)
        if not np.isfinite(number):
            return MISSING
        return "<0.001" if number < 0.0005 else f"{number:.3f}"

    def fit(self, value: Any, *names: str) -> str:
        """A fit statistic: whole numbers with separators, others with ``digits`` decimals."""
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        # A format given for all cells is one for estimates, not for counts.
        chosen = self.custom(*names) if isinstance(self.fmt, Mapping) else None
        if chosen is not None:
            return apply(chosen, float(value))
        number = float(value)
        if np.isfinite(number) and number == int(number):
            return f"{int(number):,}"
        return fixed(number, self.decimals([], [number]))


def fixed(number: float, decimals: int) -> str:
    """Fixed decimals; powers of ten where more than eight would be needed."""
    if not np.isfinite(number):
        return MISSING if np.isnan(number) else ("inf" if number > 0 else "-inf")
    if decimals > MOST_DECIMALS:
        return f"{number:.2e}"
    text = f"{number:,.{decimals}f}"
    return text.replace("-", "", 1) if float(text.replace(",", "")) == 0 else text


def apply(chosen: Format, number: float) -> str:
    if callable(chosen):
        return str(chosen(number))
    pattern = chosen if "{" in chosen else f"{{:{chosen.removeprefix('%')}}}"
    try:
        return pattern.format(number)
    except (ValueError, KeyError, IndexError) as error:
        raise ReportError(
            f"fmt={chosen!r} is no format of a number ({error}); use for example '.3f'."
        ) from None
