"""Programs of a package in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

#: Runs a script with the migdev that runs it, whether or not another is installed, and with its
#: folder first on the path, as Python does.
_LAUNCH = """
import os, runpy, sys
home, name, *sys.argv = sys.argv[1:]
sys.path.insert(0, home)
import migdev
sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
runpy.run_path(sys.argv[0], run_name=name)
"""


def run_script(
    folder: Path, script: str, *, name: str = "__main__", timeout: float | None = None
) -> str:
    """Run a script of a package in a clean process; the last line of its error, or nothing.

    Parameters
    ----------
    folder : Path
        Where it runs.
    script : str
        Its path from there.
    name : str
        Another name than ``"__main__"`` builds what the script defines without running it.
    timeout : float, optional
        Seconds.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    home = str(Path(__file__).resolve().parents[2])
    clean = ["-I", "-B", "-X", "utf8", "-W", "ignore"]
    try:
        run = subprocess.run(
            [sys.executable, *clean, "-c", _LAUNCH, home, name, script],
            cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, encoding="utf-8", errors="replace", timeout=timeout,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"it was stopped after {timeout:g} seconds"
    if run.returncode == 0:
        return ""
    last = (run.stderr.strip().splitlines() or ["it ended without a message"])[-1]
    missing = last.startswith("ModuleNotFoundError")
    return f"{last} (requirements.txt lists what must be installed)" if missing else last
