"""Progress: seen where someone watches, silent elsewhere, and told when work is stopped."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

import migdev as md
from migdev import progress
from migdev.progress import Progress

WORK = """
import time
from migdev import progress
progress.AFTER = {after}
with progress.Progress("specifications", 2) as specs:
    for name in specs.each(["Fixed effects", "System GMM"]):
        specs.at(name)
        with progress.Progress("draws", 40) as draws:
            for _ in draws.each(range(40)):
                time.sleep(0.01)
print("the answer")
"""


def on_terminal(after: float, before: str = "", **environment: str) -> str:
    """What a terminal shows of work of 0.8 seconds."""
    pty = pytest.importorskip("pty")
    screen, terminal = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-c", before + WORK.format(after=after)], stdout=terminal,
        stderr=terminal, env={**os.environ, "TERM": "xterm", "COLUMNS": "90", **environment},
    )  # fmt: skip
    os.close(terminal)
    shown = b""
    try:
        while part := os.read(screen, 4096):
            shown += part
    except OSError:  # the other end is closed
        pass
    assert child.wait() == 0
    os.close(screen)
    return shown.decode()


def test_a_terminal_shows_bars_that_leave_nothing_behind():
    pytest.importorskip("rich")
    shown = on_terminal(0.05)
    assert "specifications: System GMM" in shown
    assert "draws" in shown and "/40" in shown
    # The last thing before the answer is the bars' lines erased.
    assert shown.rstrip().endswith("\x1b[2Kthe answer")


@pytest.mark.parametrize(
    ("after", "before", "environment"),
    [
        (5, "", {}),
        (0.05, "", {"MIGDEV_PROGRESS": "off"}),
        (0.05, "import sys; sys.modules['rich'] = None", {}),
    ],
    ids=["short", "off", "without rich"],
)
def test_silence(after, before, environment):
    assert on_terminal(after, before, **environment) == "the answer\r\n"


def test_nothing_is_shown_where_nobody_watches(capfd, monkeypatch):
    monkeypatch.setattr(progress, "AFTER", 0.0)
    with Progress("draws", 3) as done:
        assert progress._Watch._thread is None
        done()
    assert capfd.readouterr() == ("", "")


def test_other_threads_show_nothing(monkeypatch):
    monkeypatch.setattr(progress, "_watched", lambda: True)
    seen = []

    def work() -> None:
        with Progress("draws", 3):
            seen.append((progress._Watch._thread, list(progress._WORK)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(None, [])]


def test_a_watch_ends_with_the_work_that_failed(monkeypatch):
    monkeypatch.setattr(progress, "_watched", lambda: True)
    watches = []
    with pytest.raises(ZeroDivisionError), Progress("draws", 3):  # noqa: PT012
        watches.append(progress._Watch._thread.is_alive())
        raise ZeroDivisionError
    assert watches == [True]
    assert progress._Watch._thread is None and progress._WORK == []


@pytest.mark.slow
def test_a_notebook_shows_bars_and_empties_them():
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    book = nbformat.v4.new_notebook()
    book.cells.append(nbformat.v4.new_code_cell(WORK.format(after=0.05)))
    seen = []

    class Client(nbclient.NotebookClient):
        def process_message(self, message, *rest):
            if message["msg_type"] in ("display_data", "update_display_data"):
                seen.append(message["content"]["data"].get("text/html", ""))
            return super().process_message(message, *rest)

    Client(book, kernel_name="python3").execute()
    assert any("System GMM" in text for text in seen)
    assert seen[-1] == ""


@dataclass(frozen=True)
class Stopped:
    """An estimator at which the user presses Ctrl-C."""

    formula: str = "y ~ x"

    def fit(self, panel: md.Panel) -> md.Estimate:
        raise KeyboardInterrupt


def panel() -> md.Panel:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"i": np.repeat(range(12), 9), "t": np.tile(range(9), 12)})
    frame = frame.assign(x=rng.normal(size=108), y=rng.normal(size=108))
    return md.Panel.from_frame(frame, entity="i", time="t")


def test_a_stopped_study_says_where_it_stood():
    claim = md.Hypothesis(claim="x raises y", term="x", sign=+1)
    study = md.Study(claim, specs={"A": md.FixedEffects("y ~ x"), "B": Stopped()})
    with pytest.raises(KeyboardInterrupt) as stop:
        study.run(panel())
    assert stop.value.__notes__ == ["1 of 2 specifications, at B"]


@pytest.mark.parametrize(
    ("module", "run", "where"),
    [
        (
            "migdev.kernels.causality.granger.granger_wald",
            lambda p: md.diagnostics.dumitrescu_hurlin(p, "y ~ x", draws=99),
            "0 of 99 bootstrap samples",
        ),
        (
            "migdev.kernels.cointegration.westerlund.combine",
            lambda p: md.diagnostics.westerlund(p, "y ~ x", draws=99, lags=0, leads=0),
            "0 of 99 bootstrap samples",
        ),
        (
            "migdev.kernels.threshold.sequential.residual_draws",
            lambda p: md.PanelThreshold("y ~ x", threshold="x", regime="x", draws=19).fit(p),
            "0 of 19 bootstrap samples",
        ),
    ],
    ids=["dumitrescu_hurlin", "westerlund", "PanelThreshold"],
)
def test_stopped_bootstraps_say_where_they_stood(module, run, where, monkeypatch):
    run(panel())  # loads everything, so that nothing keeps the function that stops
    home, name = module.rsplit(".", 1)
    real = getattr(sys.modules[home], name)

    def stopped(*given, **more):
        if progress._WORK:
            raise KeyboardInterrupt
        return real(*given, **more)

    monkeypatch.setattr(sys.modules[home], name, stopped)
    with pytest.raises(KeyboardInterrupt) as stop:
        run(panel())
    assert stop.value.__notes__ == [where]


@pytest.mark.filterwarnings("ignore::migdev.errors.MigdevWarning")
def test_bootstraps_count_their_draws(monkeypatch):
    """Every sample is counted, once."""
    counted = []
    leave = Progress.__exit__

    def told(self, *given):
        counted.append(str(self))
        return leave(self, *given)

    monkeypatch.setattr(Progress, "__exit__", told)
    p = panel()
    md.diagnostics.dumitrescu_hurlin(p, "y ~ x", draws=49)
    md.diagnostics.westerlund(p, "y ~ x", draws=49, lags=0, leads=0)
    md.PanelThreshold("y ~ x", threshold="x", regime="x", draws=19).fit(p)
    gmm = md.DifferenceGMM("y ~ L(y) + x", gmm=(md.GMMStyle("y", (2, 3)),), iv=(md.IVStyle("x"),))
    gmm.fit(p).long_run(method="bootstrap", draws=9)
    md.BiasCorrectedLSDV("y ~ L(y) + x", draws=9).fit(p)
    assert counted == [
        "49 of 49 bootstrap samples", "49 of 49 bootstrap samples", "19 of 19 bootstrap samples",
        "9 of 9 bootstrap samples", "9 of 9 bootstrap samples",
    ]  # fmt: skip


def test_a_bar_costs_little_when_nobody_watches():
    """Microseconds, so that short work may use one."""
    from timeit import repeat

    def work() -> None:
        with Progress("draws", 10) as done:
            done(10)

    assert not isinstance(sys.stderr, io.TextIOWrapper) or not sys.stderr.isatty()
    assert min(repeat(work, number=100, repeat=20)) / 100 < 1e-4
