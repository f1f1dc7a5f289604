"""Two-step difference GMM with Windmeijer errors and all tests: this package and its peers.

    python benchmarks/bench_gmm.py [--peers PYTHON] [--sizes uk,1000x20,5000x10,100000x8]

Every tool fits the same equation, y on its lag and x with instruments y(2..4) and x(1..3), from a
data frame (gretl: from its own data set, already declared a panel) to standard errors, Hansen and
Arellano-Bond tests. The programs take turns; in each turn every one of them fits once without
counting and then equally often by the clock on the wall, on one thread. Coefficients and standard
errors are compared. PYTHON is an interpreter that has pydynpd and pyxtabond2; pydynpd 0.2.2 needs
one with numpy below 2.4 (``numpy.in1d`` is gone then).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from _timing import ROOT, print_rivals, programs_by_turns

# What every Python program does: read, fit once, fit with the clock on, print.
FRAME = """
import contextlib, io, json, sys, time, warnings
import numpy as np, pandas as pd
warnings.simplefilter("ignore")
{imports}
d = pd.read_csv(sys.argv[1])
def fit():
    {fit}
found, seconds = fit(), []
for _ in range(int(sys.argv[2])):
    start = time.perf_counter()
    found = fit()
    seconds.append(time.perf_counter() - start)
b, se = {numbers}
print(json.dumps({{"seconds": seconds, "b y": float(b[0]), "b x": float(b[1]),
                  "se y": float(se[0]), "se x": float(se[1])}}))
"""
MIGDEV = FRAME.format(
    imports="import migdev as md\n"
    'lags = (md.GMMStyle("y", (2, 4)), md.GMMStyle("x", (1, 3)))\n'
    'spec = md.DifferenceGMM(formula="y ~ L(y) + x", gmm=lags)',
    fit='f = spec.fit(md.Panel.from_frame(d, entity="i", time="t"))\n'
    "    f.std_errors, f.pvalues\n"
    '    [f.stats[name].pvalue for name in ("hansen", "ar1", "ar2")]\n'
    "    return f",
    numbers="found.params.to_numpy(), found.std_errors.to_numpy()",
)
PYDYNPD = FRAME.format(
    imports="from pydynpd import regression",
    fit="with contextlib.redirect_stdout(io.StringIO()):\n"
    "        return regression.abond(\n"
    '            "y L(1:1).y x | gmm(y, 2:4) gmm(x, 1:3) | nolevel", d, ["i", "t"])',
    numbers='(found.models[0].regression_table[c].to_numpy(float) for c in ("coefficient", '
    '"std_err"))',
)
PYXTABOND2 = FRAME.format(
    imports="from pyxtabond2 import GMMStyle, PanelData, PyXtabond2",
    fit="with contextlib.redirect_stdout(io.StringIO()):\n"
    '        p = PanelData(d, id_col="i", time_col="t")\n'
    '        p.data["L1_y"] = p.get_lag("y", 1)\n'
    "        return PyXtabond2(\n"
    '            p.data.reset_index(), id_col="i", time_col="t", dep_var="y", x_vars=["L1_y", '
    '"x"],\n'
    '            gmm=[GMMStyle("y", (2, 4)), GMMStyle("x", (1, 3))], model_type="difference",\n'
    "            twostep=True, robust=True,\n"
    "        ).fit()",
    numbers="np.ravel(found.beta), np.ravel(found.se)",
)
GRETL = """set verbose off
open "{file}" --quiet
setobs i t --panel-vars
matrix s = zeros({fits}, 1)
dpanel 1 ; y x ; GMM(y,2,4) GMM(x,1,3) --two-step --quiet
loop j=1..{fits} --quiet
  set stopwatch
  dpanel 1 ; y x ; GMM(y,2,4) GMM(x,1,3) --two-step --quiet
  s[j] = $stopwatch
endloop
matrix b = $coeff
matrix e = $stderr
printf "{{\\"b y\\": %.12g, \\"b x\\": %.12g", b[1], b[2]
printf ", \\"se y\\": %.12g, \\"se x\\": %.12g, \\"seconds\\": [%.9f", e[1], e[2], s[1]
loop j=2..{fits} --quiet
  printf ", %.9f", s[j]
endloop
printf "]}}\\n"
"""
# Turns, and fits in each.
EFFORT = {"uk": (9, 20), "1000x20": (3, 2), "5000x10": (3, 2), "100000x8": (2, 1)}


def simulate(N: int, T: int) -> pd.DataFrame:
    sys.path.insert(0, str(ROOT))
    from tests.gmm_panels import simulated

    return simulated(np.random.default_rng(N), N, T)[["i", "t", "y", "x"]]


def employment() -> pd.DataFrame:
    folder = Path(os.environ.get("MIGDEV_DATA") or ROOT.parent / "shared" / "data")
    d = pd.read_csv(folder / "benchmarks" / "empl_uk.csv")
    return pd.DataFrame({"i": d.firm, "t": d.year, "y": np.log(d.emp), "x": np.log(d.wage)})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", default=sys.executable, help="interpreter with the peers")
    parser.add_argument("--sizes", default=",".join(EFFORT))
    parser.add_argument("--limit", type=float, default=600.0, help="seconds per program and turn")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for size in options.sizes.split(","):
            data = employment() if size == "uk" else simulate(*map(int, size.split("x")))
            turns, fits = EFFORT.get(size, (3, 2))
            file, script = Path(folder) / f"{size}.csv", Path(folder) / f"{size}.inp"
            data.to_csv(file, index=False)
            script.write_text(GRETL.format(file=file, fits=fits))
            programs = {
                "migdev": [sys.executable, "-c", MIGDEV, str(file), str(fits)],
                "gretl": ["gretlcli", "-b", str(script)],
                "pydynpd": [options.peers, "-c", PYDYNPD, str(file), str(fits)],
                "pyxtabond2": [options.peers, "-c", PYXTABOND2, str(file), str(fits)],
            }
            rivals = programs_by_turns(programs, turns, options.limit)
            print_rivals(f"{size}: {len(data):,} rows; {turns} turns of {fits} fits", rivals)


if __name__ == "__main__":
    main()
