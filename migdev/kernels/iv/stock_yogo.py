"""Critical values of Stock and Yogo (2005) for the Cragg-Donald statistic."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def _tables() -> dict[tuple[str, str, int], tuple[int, tuple[float, ...]]]:
    text = (files("migdev.kernels.iv") / "stock_yogo.tsv").read_text(encoding="utf-8")
    tables = {}
    for line in text.splitlines()[1:]:
        table, level, endogenous, first, values = line.split("\t")
        numbers = tuple(float(v) for v in values.split())
        tables[table, level, int(endogenous)] = (int(first), numbers)
    return tables


def stock_yogo(table: str, endogenous: int, instruments: int) -> dict[str, float]:
    """Critical values at 5%, by what they guard against; empty where none is tabulated.

    Parameters
    ----------
    table : {"tsls bias", "tsls size", "liml size", "fuller bias"}
        Bias of 2SLS relative to OLS at most 5, 10, 20 or 30%; size of a nominal 5% Wald test at
        most 10, 15, 20 or 25%; the same for LIML; relative bias of Fuller's estimator with
        parameter 1.
    endogenous, instruments : int
        Up to 3 (bias of 2SLS) or 2 endogenous regressors, up to 30 excluded instruments.

    References
    ----------
    Stock and Yogo (2005), Testing for weak instruments in linear IV regression, in Andrews and
    Stock (eds), Identification and Inference for Econometric Models, ch. 5, tables 5.1 to 5.4.
    """
    found = {}
    for (name, level, p), (first, numbers) in _tables().items():
        if name == table and p == endogenous and 0 <= instruments - first < len(numbers):
            share = round(100 * float(level))
            found[f"{share}% {table.split()[1]}"] = numbers[instruments - first]
    return found
