"""Times by turns, and peak memory in a process of its own.

Rivals take turns within one run (A B C A B C ...), so that a busy machine slows all of them; the
ratio of their medians is what is reported, the best times beside it.
"""

from __future__ import annotations

import gc
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

Job = Callable[[], object]
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of each repetition."""

    seconds: tuple[float, ...]

    @property
    def best(self) -> float:
        return min(self.seconds)

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
