"""Values of a caller's frame on the rows of a panel that put them in order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal

import migdev as md
from migdev.errors import PanelError


def frame(index=None) -> pd.DataFrame:
    """Five rows out of order; ``x`` tells the row."""
    made = pd.DataFrame(
        {"i": list("bbaaa"), "t": [2001, 2000, 1999, 2001, 2002], "x": [1.0, 2, 3, 4, 5]}
    )
    return made if index is None else made.set_index(pd.Index(index))


def read(data) -> md.Panel:
    return md.Panel.from_frame(data, entity="i", time="t")


@pytest.mark.parametrize(
    "index", [None, [9, 3, 7, 1, 5], list("vwxyz"), [0, 0, 0, 0, 0], [4, 3, 2, 1, 0]]
)
def test_a_series_of_the_frame_goes_to_its_rows(index) -> None:
    data = frame(index)
    panel = read(data)
    assert panel["x"].tolist() == [3, 4, 5, 2, 1]
    assert panel.where(data.x > 2.5)["x"].tolist() == [3, 4, 5]
    assert panel.assign(z=np.log(data.x))["z"].tolist() == np.log([3, 4, 5, 2, 1]).tolist()
    assert_array_equal(panel.L(data.x), panel.L("x"))
    assert_array_equal(panel.growth(data.x), panel.growth("x"))
    later = panel.where(data.x != 4)
    assert later.assign(z=10 * data.x)["z"].tolist() == [30, 50, 20, 10]


def test_the_panels_own_columns_stand_where_they_are() -> None:
    panel = read(frame())
    made = panel.assign(z=panel["x"] * 2, w=lambda p: p["z"].rank(), v=panel.L("x").fillna(0))
    assert made["z"].tolist() == [6, 8, 10, 4, 2]
    assert made["w"].tolist() == [3, 4, 5, 2, 1]
    assert made.where(made["w"] > 2)["x"].tolist() == [3, 4, 5]
    assert made["v"].tolist() == [0, 0, 4, 0, 2]
    assert panel.assign(z=[1, 2, 3, 4, 5])["z"].tolist() == [1, 2, 3, 4, 5]  # in its order


def test_labels_tell_the_rows_where_identity_is_lost() -> None:
    data = frame(list("vwxyz"))
    other = pd.Series({"z": 5.0, "y": 4.0, "x": 3.0, "w": 2.0, "v": 1.0, "more": 9.0})
    assert_array_equal(read(data).assign(z=other)["z"], [3, 4, 5, 2, 1])


def test_a_guess_is_refused() -> None:
    panel = read(frame())
    fresh = pd.Series([1.0, 2, 3, 4, 5])  # counts from zero: of the frame, or of the panel?
    for call in (
        lambda: panel.assign(z=fresh),
        lambda: panel.where(fresh > 2),
        lambda: panel.L(fresh),
        lambda: panel.assign(z=pl.Series([1.0, 2, 3, 4, 5])),
        lambda: panel.assign(z=pd.Series(range(5), index=list("abcde"))),
    ):
        with pytest.raises(PanelError, match="neither from the panel nor from the frame"):
            call()
    with pytest.raises(
        PanelError, match=r"assign\(z=\) needs one value per row \(5\), but was given 3"
    ):
        panel.assign(z=[1, 2, 3])
    with pytest.raises(PanelError, match="one value per row .5., but was given 3"):
        panel.where(fresh[:3] > 2)


def test_nothing_is_to_guess_where_the_order_was_kept() -> None:
    data = frame().sort_values(["i", "t"], ignore_index=True)
    panel = read(data)
    fresh = pd.Series([1.0, 2, 3, 4, 5])
    assert panel.assign(z=fresh)["z"].tolist() == [1, 2, 3, 4, 5]
    assert panel.assign(z=pl.Series([1, 2, 3, 4, 5]))["z"].tolist() == [1, 2, 3, 4, 5]
    assert panel.where(data.x > 2).assign(z=pd.Series([1, 2, 3]))["z"].tolist() == [1, 2, 3]


def test_frames_with_the_keys_in_their_index() -> None:
    data = frame().set_index(["i", "t"])
    panel = read(data)
    assert panel.assign(z=data.x)["z"].tolist() == [3, 4, 5, 2, 1]
    assert panel.assign(z=data.x[::-1].copy())["z"].tolist() == [3, 4, 5, 2, 1]
