"""What stands beside the estimates of a joint test: outcomes of the indices, who carries an
estimate, placebos and leads, other forms of the regressor."""

from __future__ import annotations

from typing import Any

import pandas as pd

from migdev.report.blocks import Block, Details, Text
from migdev.report.verdict import as_table
from migdev.report.words import interval, number, term_words

_ROLES = {
    "focal": "the regressor of the claim", "placebo": "placebo", "lead": "lead: its own future",
    "form": "another form", "ar1": "whitened for serial correlation",
}  # fmt: skip


def beside_sections(answer: Any) -> dict[str, list[Any]]:
    """The sections by title, as far as the answer has them."""
    forms = _FORMS.format(entities=answer.study.entities[1])
    return {
        title: found
        for title, found in (
            ("Outcomes behind the indices", outcome_blocks(answer)),
            ("Who carries the estimates", carrier_blocks(answer)),
            ("Placebos and leads", _exchanged(answer, answer.placebos, _PLACEBOS)),
            ("Other forms of the regressor", _exchanged(answer, answer.forms, forms)),
        )
        if found
    }


_PLACEBOS = (
    "The same equations with a placebo in the place of the regressor, an inflow of which no view "
    "speaks, and with the regressor's own future. Where a placebo does what the regressor does, "
    "the equation tells of inflows rather than of remittances; where the future does, of what "
    "moves both."
)
_FORMS = (
    "The same equations with the regressor in other forms, and whitened for serial correlation, "
    "which is more precise but asks that the regressor be strictly exogenous. Few degrees of "
    "freedom mean that few {entities} carry the estimate."
)


def outcome_blocks(answer: Any) -> list[Any]:
    """Standardised effect, weight and sample of every outcome of every index."""
    rows = [
        {
            "Dimension": name, "Outcome": outcome, "Turned round": "yes" if r.sign < 0 else "",
            "Effect": number(r.effect, r.std_error), "Std. error": number(r.std_error, r.std_error),
            "df": f"{r.df:.0f}", "Weight": f"{r.weight:.2f}", "Rows": int(r.nobs),
            answer.study.entities[1].capitalize(): int(r.entities),
        }
        for name, fit in answer.main.fits.items()
        if hasattr(fit, "left_out")
        for outcome, r in fit.outcomes.iterrows()
    ]  # fmt: skip
    if not rows:
        return []
    lost = [
        f"{name}: {outcome} is left out ({why})"
        for name, fit in answer.main.fits.items()
        for outcome, why in getattr(fit, "left_out", {}).items()
    ]
    told: list[Any] = [
        Text(
            "Standard deviations of the outcome per standard deviation of the regressor, each on "
            "its own rows; an index is their weighted mean, with outcomes turned round where more "
            "of them is less of the dimension."
        ),
        pd.DataFrame(rows).set_index("Dimension"),
    ]
    return [*told, *(Text(text) for text in lost)]


def carrier_blocks(answer: Any) -> list[Block]:
    """Effective number of clusters, and the entities of most leverage."""
    table, (one, many) = answer.carriers, answer.study.entities
    first = table.groupby("component", sort=False).first()
    clusters = pd.DataFrame(
        {
            many.capitalize(): [answer.main.fits[name].entities for name in first.index],
            "Effective clusters": first["effective"].map("{:.0f}".format),
            "Degrees of freedom": first["df"].map(lambda v: "" if v is None else f"{v:.0f}"),
        },
        index=first.index.rename("Estimate"),
    )
    rows = [
        {
            "Estimate": name, one.capitalize(): str(entity), "Leverage": f"{100 * r.share:.0f}%",
            "Estimate without it": number(r.without, answer.main.focal[name].std_error),
        }
        for (name, entity), r in table.iterrows()
    ]  # fmt: skip
    return [
        Text(
            f"Effective clusters: how many {many} of equal weight would tell as much (Carter, "
            "Schnepel and Steigerwald 2017)."
        ),
        as_table(clusters),
        Details(
            f"{many.capitalize()} of most leverage, and the estimate without each",
            (as_table(pd.DataFrame(rows).set_index("Estimate")),),
        ),
    ]


def _exchanged(answer: Any, table: pd.DataFrame, text: str) -> list[Block]:
    """The index (or coefficient) under each regressor; the outcomes behind, folded."""
    if table.empty:
        return []
    whole = table["outcome"].isin(["", "index"])
    blocks: list[Block] = [Text(text), as_table(_rows(answer, table[whole]))]
    if not whole.all():
        blocks.append(
            Details("By outcome", (as_table(_rows(answer, table[~whole], by_outcome=True)),))
        )
    return blocks


def _rows(answer: Any, table: pd.DataFrame, by_outcome: bool = False) -> pd.DataFrame:
    rows = []
    for r in table.to_dict("records"):
        error, name = r["std_error"], r["component"]
        row = {
            "Association with": f"{name}: {r['outcome']}" if by_outcome else name,
            "Regressor": term_words(r["regressor"], answer.panel), "Role": _ROLES[r["role"]],
        }  # fmt: skip
        if r["failure"]:
            rows.append({**row, "Estimate": r["failure"]})
            continue
        row["Estimate"] = number(r["estimate"], error)
        row["95% interval"] = interval(r["conf_low"], r["conf_high"], error)
        row["df"] = "" if r["df"] is None else f"{r['df']:.0f}"
        rows.append({**row, "Rows": f"{r['nobs']:.0f}"})
    return pd.DataFrame(rows).fillna("").set_index("Association with")
