"""Notes: kept as values by whoever listens, in whatever thread; warnings where nobody does."""

from __future__ import annotations

import ast
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import migdev as md
from migdev.errors import CollinearityWarning, DroppedRowsWarning, SingletonWarning
from migdev.notes import collect, quiet, warn

PACKAGE = Path(md.__file__).parent


@pytest.fixture
def hasty():
    """Threads that take turns after microseconds, so that what they share is seen."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def panel(lost: int) -> md.Panel:
    """Thirty entities of which ``lost`` rows lack the regressor."""
    rng = np.random.default_rng(lost)
    frame = pd.DataFrame({"i": np.repeat(range(30), 8), "t": np.tile(range(8), 30)})
    frame = frame.assign(y=rng.normal(size=240), x=rng.normal(size=240))
    frame.loc[rng.choice(240, lost, replace=False), "x"] = np.nan
    return md.Panel.from_frame(frame, entity="i", time="t")


def test_studies_in_threads_hear_what_they_hear_in_series(hasty):
    """Each its own count of missing rows, also while other threads change filters."""
    claim = md.Hypothesis(claim="x raises y", term="x", sign=+1)
    study = md.Study(
        claim,
        specs={
            "Fixed effects": md.FixedEffects("y ~ x", effects=("entity", "time")),
            "GMM": md.DifferenceGMM(
                formula="y ~ L(y) + x", gmm=(md.GMMStyle("y", lags=(2, 4)),),
                iv=(md.IVStyle("x"),),
            ),
        },
    )  # fmt: skip
    panels = [panel(lost) for lost in range(1, 25)]
    series = [study.run(p).warnings for p in panels]
    assert len({str(w) for w in series}) == len(panels)  # all differ, so a mix-up shows
    with ThreadPoolExecutor(6) as pool:
        threads = list(pool.map(lambda p: study.run(p).warnings, panels))
    assert threads == series


def test_joint_studies_in_threads_hear_what_they_hear_in_series(hasty):
    from migdev.simulate import stylised_world

    asked = md.hypotheses.get("X1-first")
    study = asked.study(draws=9, region="")
    worlds = [asked.prepare(stylised_world("critical", seed=s, entities=30)) for s in range(4)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        series = [study.run(world).warnings for world in worlds]
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(lambda w: study.run(w).warnings, worlds)) == series


def test_notes_go_to_the_nearest_listener_and_else_are_warnings():
    with pytest.warns(SingletonWarning, match="one"):
        warn("one", SingletonWarning)
    with collect() as outer:
        warn("two", SingletonWarning)
        with collect() as inner:
            warn("three", DroppedRowsWarning)
        with quiet(DroppedRowsWarning):
            warn("four", DroppedRowsWarning)
            warn("five", CollinearityWarning)
        with quiet():
            warn("six", CollinearityWarning)
            warnings.warn("seven", RuntimeWarning, stacklevel=1)
    assert list(map(str, inner)) == ["three"]
    assert [(type(n), str(n)) for n in outer] == [
        (SingletonWarning, "two"), (CollinearityWarning, "five"),
    ]  # fmt: skip


def test_warnings_point_at_the_line_of_the_caller():
    def told() -> None:
        warn("look here", SingletonWarning, stacklevel=2)

    with pytest.warns(SingletonWarning) as caught:
        told()
    assert caught[0].filename == __file__


def test_warnings_of_other_libraries_are_heard_in_their_thread():
    both = threading.Barrier(2, timeout=10)

    def work(name: str) -> list[str]:
        with collect() as heard:
            both.wait()
            warnings.warn(f"a foreign word in {name}", RuntimeWarning, stacklevel=1)
            both.wait()
        return list(map(str, heard))

    before = warnings.filters[:], warnings.showwarning
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, "ab")) == [["a foreign word in a"], ["a foreign word in b"]]
    assert (warnings.filters[:], warnings.showwarning) == before


def test_nothing_of_ours_warns_past_the_listener():
    past = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        if path.name != "notes.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "warnings.warn"
    ]
    assert not past, f"{past} call warnings.warn; use migdev.notes.warn, so that studies hear it"
