"""TestStatistic: a test that says what it tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from migdev.kernels.arrays.distributions import chi2_tail, f_tail, normal_upper, t_two_sided


@dataclass(frozen=True, slots=True, kw_only=True)
class TestStatistic:
    """The outcome of a test.

    Attributes
    ----------
    name : str
    null, alternative : str
        The hypotheses, in words.
    statistic : float
    distribution : str
        Distribution under the null: ``"chi2"``, ``"F"``, ``"t"``, ``"normal"`` or, where critical
        values come from a table or a simulation, ``"tabulated"``.
    df : float, tuple of float or None
    pvalue : float
        ``nan`` where only critical values are known.
    critical_values : mapping from level to value
    sample : str
        The observations it stands on.
    note : str
        Convention, lag choice, and whatever else a reader must know.
    caution : str
        How far from its level simulations found the test at such a sample, where that is far; see
        :mod:`migdev.results.sizes`.
    subject : str
        What it asks about: ``"Unit roots"``, ``"Cointegration"``, ...
    tail : {"upper", "lower"}
        On which side of ``critical_values`` the null is rejected, where there is no p-value.
    alarm : {"", "reject", "accept"}
        Which outcome casts doubt on the fit: "reject" for a test of overidentifying restrictions,
        "accept" for a test that instruments are weak.
    """

    __test__ = False  # not a test class for pytest

    name: str
    null: str
    alternative: str = ""
    statistic: float
    distribution: str
    df: float | tuple[float, ...] | None = None
    pvalue: float
    critical_values: Mapping[str, float] = field(default_factory=dict)
    sample: str = ""
    note: str = ""
    caution: str = ""
    alarm: str = ""
    subject: str = ""
    tail: Literal["upper", "lower"] = "upper"

    def critical(self, level: float = 0.05) -> float:
        """The critical value at a level; ``nan`` where it is not known."""
        return float(self.critical_values.get(f"{100 * level:g}%", float("nan")))

    def rejects(self, level: float = 0.05) -> bool | None:
        """Whether the null is rejected: by the p-value, else by the critical value of that level;
        None where neither is known."""
        if np.isfinite(self.pvalue):
            return bool(self.pvalue < level)
        critical = self.critical(level)
        if np.isnan(critical) or np.isnan(self.statistic):
            return None
        return bool(
            self.statistic > critical if self.tail == "upper" else self.statistic < critical
        )

    def finding(self, level: float) -> dict[str, Any]:
        """What a pre-test reads: fields of :class:`migdev.study.pretests.Finding`."""
        return {
            "test": self.name, "null": self.null, "statistic": float(self.statistic),
            "pvalue": float(self.pvalue), "rejects": self.rejects(level), "sample": self.sample,
            "critical": float("nan") if np.isfinite(self.pvalue) else self.critical(level),
            "note": "; ".join(filter(None, (self.note, self.caution))),
        }  # fmt: skip

    def alarming(self, level: float = 0.05) -> bool:
        """The outcome casts doubt on the fit: rejected where ``alarm`` is "reject", not rejected
        where it is "accept"."""
        if not self.alarm or not np.isfinite(self.pvalue):
            return False
        return (self.pvalue < level) == (self.alarm == "reject")

    def __str__(self) -> str:
        df = self.df if isinstance(self.df, tuple) else () if self.df is None else (self.df,)
        shape = f"{self.distribution}({', '.join(f'{d:.6g}' for d in df)})"
        head = f"{self.name}: {self.statistic:.4f} ~ {shape if df else self.distribution}"
        if np.isfinite(self.pvalue):
            head += f", p = {self.pvalue:.4f}"
        if self.critical_values:
            cuts = ", ".join(f"{k}: {v:.3f}" for k, v in self.critical_values.items())
            head += f", critical values {cuts}"
        lines = [head, f"H0: {self.null}"]
        lines += [f"H1: {self.alternative}"] if self.alternative else []
        lines += [text for text in (self.note, self.caution) if text]
        return "\n".join(lines)


def failed_tests(fits: Mapping[str, Any]) -> list[tuple[str, str, TestStatistic]]:
    """Tests among the ``stats`` of some results whose outcome casts doubt on the fit: (result,
    name of the test, test)."""
    return [
        (name, key, test)
        for name, fit in fits.items()
        for key, test in getattr(fit, "stats", {}).items()
        if isinstance(test, TestStatistic) and test.alarming()
    ]


def chi2_test(name: str, null: str, statistic: float, df: float, **more: Any) -> TestStatistic:
    """A statistic that is chi2(df) under the null."""
    return TestStatistic(
        name=name, null=null, statistic=float(statistic), distribution="chi2", df=float(df),
        pvalue=chi2_tail(statistic, df), **more,
    )  # fmt: skip


def f_test(
    name: str, null: str, statistic: float, df1: float, df2: float, **more: Any
) -> TestStatistic:
    """A statistic that is F(df1, df2) under the null."""
    return TestStatistic(
        name=name, null=null, statistic=float(statistic), distribution="F",
        df=(float(df1), float(df2)), pvalue=f_tail(statistic, df1, df2), **more,
    )  # fmt: skip


def normal_test(
    name: str, null: str, statistic: float, *, sided: int = 2, **more: Any
) -> TestStatistic:
    """A statistic that is standard normal under the null; ``sided=1`` rejects for large values."""
    p = float(t_two_sided(statistic)) if sided == 2 else normal_upper(statistic)
    return TestStatistic(
        name=name, null=null, statistic=float(statistic), distribution="normal", pvalue=p, **more
    )


def t_test(name: str, null: str, statistic: float, df: float, **more: Any) -> TestStatistic:
    """A statistic that is t(df) under the null, two-sided."""
    return TestStatistic(
        name=name, null=null, statistic=float(statistic), distribution="t", df=float(df),
        pvalue=float(t_two_sided(statistic, df)), **more,
    )  # fmt: skip
