"""Times by turns, and peak memory in a process of its own.

Rivals take turns within one run (A B C A B C ...), so that a busy machine slows all of them; the
ratio of their medians is what is reported. Those that live in one Python do so in one process,
others in programs that alternate; all are timed by the clock on the wall, equally often.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Job = Callable[[], object]
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of each repetition."""

    seconds: tuple[float, ...]

    @property
    def best(self) -> float:
        return min(self.seconds)

    def ratio(self, own: Times) -> float:
        """Median over rounds of the ratio within the round."""
        pairs = zip(self.seconds, own.seconds, strict=True)
        return statistics.median(theirs / ours for theirs, ours in pairs)

    @property
    def median(self) -> float:
        ordered = sorted(self.seconds)
        half = len(ordered) // 2
        return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def by_turns(jobs: Mapping[str, Job], repeats: int = 7, warm: bool = True) -> dict[str, Times]:
    """Time each job ``repeats`` times, all jobs in every round; first once without counting."""
    spent: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(repeats + warm):
        for name, job in jobs.items():
            gc.collect()
            start = time.perf_counter()
            job()
            if turn >= warm:
                spent[name].append(time.perf_counter() - start)
    return {name: Times(tuple(seconds)) for name, seconds in spent.items()}


def once(job: Job) -> float:
    """Seconds of one run."""
    gc.collect()
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def peak_of(job: Job) -> float:
    """Megabytes that a job adds to the peak of resident memory of this process.

    Exact on Linux, where the peak can be reset; elsewhere a lower bound that is zero if an
    earlier peak was higher. Call it in a fresh process: see :func:`peak_in_child`.
    """
    gc.collect()
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        before = _peak_resource()
        job()
        return _peak_resource() - before
    before = _status("VmRSS")
    job()
    return _status("VmHWM") - before


def peak_in_child(script: str, *arguments: str) -> dict[str, float]:
    """Run ``script`` (a benchmark with a child mode) and read its ``name=number`` lines."""
    command = [sys.executable, str(ROOT / "benchmarks" / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=_environment())
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    pairs = (line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    return {name.strip(): float(value) for name, value in pairs}


def _environment() -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return {**os.environ, "PYTHONPATH": path}


def _status(field: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return float(line.split()[1]) / 1024
    raise OSError(f"/proc/self/status holds no {field}")


def _peak_resource() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 if sys.platform != "darwin" else 1024**2)


# ---------------------------------------------------------------------- rivals in other programs


@dataclass(frozen=True, slots=True)
class Rival:
    """What a program printed, turn by turn.

    Attributes
    ----------
    seconds : tuple of tuple of float
        By turn, of each fit, on the clock on the wall.
    numbers : mapping
        The estimates by name.
    error : str
        Why there is nothing to compare.
    """

    seconds: tuple[tuple[float, ...], ...] = ()
    numbers: Mapping[str, float] = field(default_factory=dict)
    error: str = ""

    @property
    def median(self) -> float:
        return statistics.median(s for turn in self.seconds for s in turn)

    def ratio(self, own: Rival) -> float:
        """Median over turns of the ratio of medians within the turn."""
        pairs = zip(self.seconds, own.seconds, strict=True)
        return statistics.median(
            statistics.median(theirs) / statistics.median(ours) for theirs, ours in pairs
        )

    def apart(self, own: Rival) -> str:
        """The largest relative distance of coefficients, and of standard errors."""
        told = []
        for kind in ("b", "se"):
            gaps = [
                abs(self.numbers[name] / value - 1)
                for name, value in own.numbers.items()
                if name.split(" ")[0] == kind and name in self.numbers
            ]
            if gaps:
                told.append(f"{kind} {max(gaps):.0e}")
        return "apart: " + ", ".join(told)


def programs_by_turns(
    programs: Mapping[str, Sequence[str]], turns: int, limit: float
) -> dict[str, Rival]:
    """Run programs one after the other, ``turns`` times, the order reversed at every other turn.

    Each reads its data, fits once without counting, then as often as all others with the clock
    on, and prints a line of JSON: ``seconds`` of the fits, and numbers called ``b x`` and ``se x``.
    Reading, loading and compiling are not timed. One that fails, or takes more than ``limit``
    seconds in a turn, takes part no more. All have one thread.
    """
    seconds: dict[str, list[tuple[float, ...]]] = {name: [] for name in programs}
    numbers: dict[str, dict[str, float]] = {}
    errors: dict[str, str] = {}
    for turn in range(turns):
        for name in list(programs) if turn % 2 == 0 else list(programs)[::-1]:
            if name in errors:
                continue
            found = _run(programs[name], limit)
            if isinstance(found, str):
                errors[name] = found
                continue
            seconds[name].append(tuple(found.pop("seconds")))
            numbers[name] = found
    return {
        name: Rival(error=errors[name])
        if name in errors
        else Rival(seconds=tuple(seconds[name]), numbers=numbers[name])
        for name in programs
    }


def _run(command: Sequence[str], limit: float) -> dict[str, Any] | str:
    one = {name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=limit, env={**_environment(), **one}
        )
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        late = isinstance(error, subprocess.TimeoutExpired)
        return f"more than {limit:.0f} s" if late else f"{command[0]} is absent"
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        return (done.stderr.strip().splitlines() or ["printed nothing"])[-1][:90]
    return dict(json.loads(lines[-1]))


def print_rivals(title: str, rivals: Mapping[str, Rival], own: str = "migdev") -> None:
    """Medians, ratios to our own, and distances between the estimates."""
    print(f"\n{title}")
    for name, rival in rivals.items():
        if rival.error or rivals[own].error:
            print(f"  {name:11s} {rival.error or 'nothing to compare with'}")
            continue
        line = f"  {name:11s} {1e3 * rival.median:11.3f} ms"
        if name != own:
            line += f"  {rival.ratio(rivals[own]):8.1f} x  {rival.apart(rivals[own])}"
        print(line, flush=True)
