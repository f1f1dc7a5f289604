"""Modules and distributions of others, written to a folder and imported from there."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

#: An estimator and a covariance that are not ours: least squares without an intercept.
ESTIMATOR = '''"""An estimator of one's own."""

from dataclasses import dataclass, field

import numpy as np

import migdev as md
{imports}

@dataclass(frozen=True, kw_only=True)
class FixedEffects:
    """Slope of y on x through the origin.

    References
    ----------
    Stranger (1999), Journal of Own Estimators 1, 1-2.
    """

    outcome: str = "y"
    term: str = "x"
    power: float = 1.0
    cov: object = field(default_factory=md.Unadjusted)

    def fit(self, panel: md.Panel) -> md.Estimate:
        y, x = panel[self.outcome].to_numpy(), panel[self.term].to_numpy() ** self.power
        slope = {slope}
        variance = float(np.var(y - slope * x) / (x @ x))
        return md.Estimate.from_arrays(
            names=[self.term], params=np.array([slope]), cov=np.array([[variance]]),
            dependent=self.outcome, method="Own", nobs=len(y), df_resid=len(y) - 1, spec=self,
        )
'''
SLOPE = "float(x @ y / (x @ x))"


def write(folder: Path, files: dict[str, str]) -> None:
    """Files of Python, by their path."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    importlib.invalidate_caches()


def load(monkeypatch: Any, folder: Path, name: str) -> ModuleType:
    """Import a module from a folder for one test, with what it imports from there."""
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    module = importlib.import_module(name)
    for new in set(sys.modules) - before:
        places = [
            getattr(sys.modules[new], "__file__", None),
            *getattr(sys.modules[new], "__path__", ()),
        ]
        if any(str(place).startswith(str(folder)) for place in places):
            monkeypatch.setitem(sys.modules, new, sys.modules.pop(new))
    assert str(module.__file__).startswith(str(folder))
    return module


def install(folder: Path, name: str, version: str, *files: str) -> None:
    """The metadata of a distribution whose files lie in a folder, as an installer writes them."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))
    importlib.invalidate_caches()
