"""Instrument sets of dynamic panel GMM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self, TypeAlias

from migdev.errors import SpecificationError
from migdev.options import Takes, check_options, held

Equation = Literal["both", "transformed", "level"]
Lags: TypeAlias = Takes[int | tuple[int, int | None], tuple[int, int | None]]


@dataclass(frozen=True, slots=True)
class GMMStyle:
    r"""Lags of a variable as instruments, a separate column for every period (or, collapsed, lag).

    In the transformed equation the instruments are the levels :math:`x_{i,t-a},\dots,x_{i,t-b}`,
    in the equation in levels the change :math:`\Delta x_{i,t-a+1}`; the further changes repeat
    what the transformed equation says (Blundell and Bond 1998). With ``equation="level"`` alone
    all changes :math:`\Delta x_{i,t-a},\dots,\Delta x_{i,t-b}` enter. Where a lag does not exist
    the instrument is zero. These are the rules of xtabond2 (Roodman 2009, p. 124).

    Parameters
    ----------
    variables : str
        Terms such as ``"n"`` or ``"n + L(w)"``.
    lags : (int, int or None)
        First and last lag a, b; None for all that exist. A number is that lag alone.
        Endogenous variables: (2, None). Predetermined: (1, None).
    collapse : bool
        One column per lag rather than per lag and period.
    equation : {"both", "transformed", "level"}
        ``"both"`` means every equation that the estimator has.
    """

    variables: str
    lags: Lags = held((2, None))
    collapse: bool = False
    equation: Equation = "both"

    def __post_init__(self) -> None:
        lags = (self.lags, self.lags) if isinstance(self.lags, int) else tuple(self.lags)
        if (
            len(lags) != 2
            or isinstance(lags[0], bool)
            or not isinstance(lags[0], int)
            or not (lags[1] is None or isinstance(lags[1], int))
        ):
            raise SpecificationError(
                f"lags={self.lags!r}: give the first and the last lag, such as (2, 4) or (2, None)."
            )
        if lags[1] is not None and lags[1] < lags[0]:
            raise SpecificationError(
                f"lags={self.lags!r}: the last lag comes before the first; write "
                f"({lags[1]}, {lags[0]})."
            )
        object.__setattr__(self, "lags", lags)
        _check(self)

    @classmethod
    def endogenous(cls, variables: str, *, last: int | None = None, **options: object) -> Self:
        """Correlated with errors of the present and the past: lags 2 and more."""
        return cls(variables, (2, last), **options)  # type: ignore[arg-type]

    @classmethod
    def predetermined(cls, variables: str, *, last: int | None = None, **options: object) -> Self:
        """Correlated with errors of the past only: lags 1 and more."""
        return cls(variables, (1, last), **options)  # type: ignore[arg-type]

    def __str__(self) -> str:
        first, last = self.lags
        text = f"gmm({self.variables}, lags {first} to {'all' if last is None else last}"
        text += ", collapsed" if self.collapse else ""
        return text + ("" if self.equation == "both" else f", {self.equation}") + ")"


@dataclass(frozen=True, slots=True)
class IVStyle:
    r"""Ordinary instruments, one column per variable.

    In the transformed equation the variable enters transformed, as the regressors do. With
    ``equation="both"`` one column holds it transformed above and in levels below
    (Roodman 2009, eq. 24).

    Parameters
    ----------
    variables : str
        Terms such as ``"w + L(w) + C(region)"``.
    equation : {"both", "transformed", "level"}
    missing : {"drop", "zero"}
        Rows where the instrument is missing leave the sample, or hold zero (xtabond2's ``mz``).
    """

    variables: str
    equation: Equation = "both"
    missing: Literal["drop", "zero"] = "drop"

    def __post_init__(self) -> None:
        _check(self)

    def __str__(self) -> str:
        where = "" if self.equation == "both" else f", {self.equation}"
        return f"iv({self.variables}{where})"


def _check(style: GMMStyle | IVStyle) -> None:
    variables: object = style.variables
    if not isinstance(variables, str) or not variables.strip():
        raise SpecificationError(
            f"Instruments are named by terms such as 'w + k', not {variables!r}."
        )
    check_options(style)


#: Fields that take one style or several, and hold a tuple.
GMMStyles: TypeAlias = Takes[GMMStyle | Sequence[GMMStyle], tuple[GMMStyle, ...]]
IVStyles: TypeAlias = Takes[IVStyle | Sequence[IVStyle], tuple[IVStyle, ...]]
