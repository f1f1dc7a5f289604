"""Critical values of Stock and Yogo (2005) for the Cragg-Donald statistic."""

from __future__ import annotations

from migdev.kernels.arrays.tables import tables


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
    known = tables("iv/stock_yogo.tsv", 2).get((table, str(endogenous)))
    if known is None or str(instruments) not in known.columns:
        return {}
    what = table.split()[1]
    values = zip(known.rows, known.column(str(instruments)), strict=True)
    return {f"{100 * level:.0f}% {what}": float(v) for level, v in values if v == v}
