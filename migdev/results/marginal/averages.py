"""Average marginal effects and predictions on the scale of the response, by the delta method."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from migdev.errors import ResultError
from migdev.kernels.arrays.types import FloatArray
from migdev.options import check_choice
from migdev.results.inference import tidy_columns
from migdev.results.links import LINKS, LinkFunction
from migdev.results.marginal.averaged_rows import At, AveragedRows, settings
from migdev.results.marginal.columns import Columns
from migdev.results.marginal.surface import Moderator

if TYPE_CHECKING:
    from migdev.results.estimate import Estimate

Kind = Literal["dydx", "eyex", "eydx", "dyex"]
Scale = Literal["response", "index"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Averages:
    """Averages over rows with delta-method errors.

    Attributes
    ----------
    frame : DataFrame
        The values of ``at`` and the level of ``by``, then for effects ``term, contrast``, then
        ``estimate, std_error, statistic, p_value, conf_low, conf_high``.
    jacobian : (m, k)
        Derivatives of the averages in the coefficients.
    cov : (m, m)
    title, note : str
    """

    frame: pd.DataFrame
    jacobian: FloatArray = field(repr=False)
    cov: FloatArray = field(repr=False)
    title: str = ""
    note: str = ""

    def __str__(self) -> str:
        body = self.frame.to_string(index=False, float_format=lambda v: f"{v:.5g}")
        return "\n".join(part for part in (self.title, body, self.note) if part)


def average_margins(
    fit: Estimate,
    *variables: str,
    kind: Kind = "dydx",
    at: At = "sample",
    by: str | None = None,
    scale: Scale = "response",
    discrete: Sequence[str] = (),
    weights: str | None = None,
    level: float = 0.95,
    data: Any = None,
) -> Averages:
    r"""Average marginal effects.

    With the index :math:`\eta_i = x_i'\beta + o_i`, the mean :math:`\mu(\eta)` of the link, and
    :math:`g_i = \partial x_i/\partial v`,

    .. math::
        AME &= n^{-1} \textstyle\sum_i \mu'(\eta_i)\, g_i'\beta \quad (1) \\
        \partial AME/\partial\beta &= n^{-1} \textstyle\sum_i \{\mu''(\eta_i)\,(g_i'\beta)\, x_i
            + \mu'(\eta_i)\, g_i\} \quad (2)

    and the variance is :math:`J\hat V J'` with J from (2). Polynomials, products and logarithms of
    a variable move together. Of a factor (or truth values) it is the difference of means between
    each level and the base.

    Parameters
    ----------
    variables : str
        As they stand in the formula; a lag is a variable of its own. Default: all.
    kind : {"dydx", "eyex", "eydx", "dyex"}
        Slopes, elasticities, semi-elasticities. Differences between levels stay differences.
    at : {"sample", "means"} or mapping
        Averaged over the rows of the sample as they are; one row of the means of variables (and
        the most frequent level of factors); or over the rows with some variables at given values,
        each a value or several.
    by : str, optional
        Averages by ``"entity"``, ``"time"`` or a column.
    scale : {"response", "index"}
    discrete : sequence of str
        Variables to take from 0 to 1 instead of their slope.
    weights : str, optional
        Column that weighs the rows.
    level : float
        Of the intervals.
    data : frame, optional
        The sample, for results that do not carry it.

    Notes
    -----
    Estimated fixed effects and offsets are held where they are; their own sampling error is left
    out, which the note says where they matter. The variables are taken as given, not as a sample
    of a population.

    References
    ----------
    Bartus (2005), Stata Journal 5, 309-329. Arel-Bundock, Greifer and Heiss (2024), Journal of
    Statistical Software 111(9).
    """
    check_choice("kind", kind, Kind, ResultError)
    check_choice("scale", scale, Scale, ResultError)
    link = _link(fit, scale)
    curved = link is not LINKS["identity"]
    columns = Columns.of(fit, data, index=curved or kind != "dydx")
    names = [columns.key(v) for v in variables] or list(columns.variables)
    binary = [columns.key(v) for v in discrete]
    parts: list[tuple[dict[str, Any], FloatArray, FloatArray]] = []
    for rows in settings(columns, at, by, weights):
        for name in names:
            m = columns.variables[name]
            for contrast, value, slope in _effects(columns, rows, m, kind, link, name in binary):
                labels = {**rows.labels, "term": name, "contrast": contrast}
                parts.append((labels, *rows.average(value, slope)))
    noted = curved or kind in ("eyex", "eydx")
    what = {"dydx": "Average marginal effects", "eyex": "Average elasticities"}
    return _averages(
        fit, parts, by, level, what.get(kind, f"Average semi-elasticities ({kind})"), scale,
        _note(fit) if noted else "",
    )  # fmt: skip


def average_predictions(
    fit: Estimate,
    *,
    at: At = "sample",
    by: str | None = None,
    scale: Scale = "response",
    weights: str | None = None,
    level: float = 0.95,
    data: Any = None,
) -> Averages:
    r"""Average predictions :math:`n^{-1}\sum_i \mu(\eta_i)`, with delta-method errors.

    The options are those of :func:`average_margins`: ``at={"remit": [0, 5]}`` gives the mean
    response if remittances were 0, or 5, everywhere.
    """
    check_choice("scale", scale, Scale, ResultError)
    link = _link(fit, scale)
    columns = Columns.of(fit, data, index=True)
    b = fit.params.to_numpy(dtype=float)
    parts: list[tuple[dict[str, Any], FloatArray, FloatArray]] = []
    for rows in settings(columns, at, by, weights):
        X = columns.at(rows.changed)
        eta = X @ b + rows.offset
        parts.append((rows.labels, *rows.average(link.inverse(eta), link.slope(eta)[:, None] * X)))
    return _averages(fit, parts, by, level, "Average predictions", scale, _note(fit))


def _effects(
    columns: Columns, rows: AveragedRows, m: Moderator, kind: str, link: LinkFunction, binary: bool
) -> Iterator[tuple[str, FloatArray, FloatArray]]:
    """Contrasts of a variable: name, (n,) values by row, (n, k) derivatives."""
    b = columns.fit.params.to_numpy(dtype=float)
    if m.is_factor or binary or _is_truth(columns, m):
        base, *others = m.choices if m.is_factor else (0.0, 1.0)

        def response(value: Any) -> tuple[FloatArray, FloatArray]:
            n = len(rows.offset)
            held = np.full(n, value, dtype=object if m.is_factor else float)
            X = columns.at({**rows.changed, m.name: held})
            eta = X @ b + rows.offset
            return link.inverse(eta), link.slope(eta)[:, None] * X

        low = response(base)
        for other in others:
            high = response(other)
            text = f"{other} - {base}" if m.is_factor else "1 - 0"
            yield text, high[0] - low[0], high[1] - low[1]
        return
    X, G = columns.moved(rows.changed, m.name)
    eta, move = X @ b + rows.offset, G @ b
    first, second = link.slope(eta), link.bend(eta)
    value, slope = first * move, (second * move)[:, None] * X + first[:, None] * G
    if kind in ("eyex", "eydx"):
        mean = link.inverse(eta)
        slope = slope / mean[:, None] - (value * first / mean**2)[:, None] * X
        value = value / mean
    if kind in ("eyex", "dyex"):
        x = np.asarray(rows.changed.get(m.name, m.sample), dtype=float)
        value, slope = value * x, slope * x[:, None]
    if not (np.isfinite(value).all() and np.isfinite(slope).all()):
        raise ResultError(
            f"The effect of {m.name!r} is not defined in every row (a logarithm or root outside "
            "its range, or a mean of zero in an elasticity). Choose values with at={...}."
        )
    yield {"dydx": "dy/dx", "eyex": "ey/ex", "eydx": "ey/dx", "dyex": "dy/ex"}[kind], value, slope


def _is_truth(columns: Columns, m: Moderator) -> bool:
    frame = columns.values.frame
    return (
        frame is not None and m.name in frame.columns
        and pd.api.types.is_bool_dtype(frame[m.name].dtype)
    )  # fmt: skip


# ---------------------------------------------------------------------- assembly


def _link(fit: Estimate, scale: str) -> LinkFunction:
    if scale == "index":
        return LINKS["identity"]
    if fit.facts.link is None:
        raise ResultError(
            f"{fit.method} states no link of the mean to its index, so there is no scale of the "
            "response. Use scale='index'."
        )
    return LINKS[fit.facts.link]


def _note(fit: Estimate) -> str:
    held = (*(fit.facts.absorbed or ()), *fit.facts.random)
    return f"Effects of {' and '.join(held)} are held at their estimates." if held else ""


def _averages(
    fit: Estimate,
    parts: Sequence[tuple[dict[str, Any], FloatArray, FloatArray]],
    by: str | None,
    level: float,
    what: str,
    scale: str,
    note: str,
) -> Averages:
    estimate = np.concatenate([value for _, value, _ in parts])
    J = np.concatenate([slope for _, _, slope in parts])
    cov = J @ fit.cov.to_numpy(dtype=float) @ J.T
    se = np.sqrt(np.diagonal(cov))
    df = np.array([np.inf if d is None else d for d in map(fit.contrast_df, J)], dtype=float)
    frame = pd.concat(
        [
            pd.DataFrame({k: v if k == by else [v] * len(value) for k, v in labels.items()},
                         index=range(len(value)))
            for labels, value, _ in parts
        ],
        ignore_index=True,
    )  # fmt: skip
    frame = frame.assign(**tidy_columns(estimate, se, df, level))
    where = "" if scale == "response" else ", on the linear index"
    title = f"{what} on {fit.dependent} ({fit.method}){where}, {100 * level:g}% intervals"
    return Averages(frame=frame, jacobian=J, cov=cov, title=title, note=note)
