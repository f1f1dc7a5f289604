"""Two-step difference GMM with Windmeijer errors and all tests: this package and its peers.

    python benchmarks/bench_gmm.py [--peers PYTHON] [--sizes uk,1000x20,5000x10,100000x8]

Every tool fits the same equation, y on its lag and x with instruments y(2..4) and x(1..3), from a
data frame (gretl: from a file read before the clock starts) to standard errors, Hansen and
Arellano-Bond tests. Each runs in its own process; the best of up to seven fits counts, of up to
200 where they take less than four seconds, as others may use the machine; seconds are of the
processor, on one thread (gretl: of the clock, which its best fit approaches). PYTHON is an
interpreter that has pydynpd and pyxtabond2; pydynpd 0.2.2 needs one with numpy 1.x (with numpy 2.4
it stops: ``numpy.in1d`` is gone, and it turns arrays into floats).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]

PYDYNPD = """
import contextlib, io, json, sys, time, warnings
import numpy as np, pandas as pd
warnings.simplefilter("ignore")
from pydynpd import regression
d = pd.read_parquet(sys.argv[1]) if sys.argv[1].endswith("parquet") else pd.read_csv(sys.argv[1])
best, start = 1e9, time.perf_counter()
for n in range(200):
    if time.perf_counter() - start > (20 if n < 7 else 4) and n > 1:
        break
    t = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        m = regression.abond("y L(1:1).y x | gmm(y, 2:4) gmm(x, 1:3) | nolevel", d, ["i", "t"])
    best = min(best, time.process_time() - t)
b = float(np.asarray(m.models[0].regression_table.iloc[0]["coefficient"]))
print(json.dumps({"seconds": best, "b": b}))
"""

PYXTABOND2 = """
import contextlib, io, json, sys, time, warnings
import numpy as np, pandas as pd
warnings.simplefilter("ignore")
from pyxtabond2 import GMMStyle, PanelData, PyXtabond2
d = pd.read_csv(sys.argv[1])
best, start = 1e9, time.perf_counter()
for n in range(200):
    if time.perf_counter() - start > (20 if n < 7 else 4) and n > 1:
        break
    t = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        p = PanelData(d, id_col="i", time_col="t")
        p.data["L1_y"] = p.get_lag("y", 1)
        m = PyXtabond2(
            p.data.reset_index(), id_col="i", time_col="t", dep_var="y", x_vars=["L1_y", "x"],
            gmm=[GMMStyle("y", (2, 4)), GMMStyle("x", (1, 3))], model_type="difference",
            twostep=True, robust=True,
        )
        r = m.fit()
    best = min(best, time.process_time() - t)
print(json.dumps({"seconds": best, "b": float(np.ravel(r.beta)[0])}))
"""

OURS = """
import json, resource, sys, time, warnings
import pandas as pd
import migdev as md
warnings.simplefilter("ignore")
d = pd.read_csv(sys.argv[1])
spec = md.DifferenceGMM(
    formula="y ~ L(y) + x", gmm=(md.GMMStyle("y", (2, 4)), md.GMMStyle("x", (1, 3)))
)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
best, start = 1e9, time.perf_counter()
for n in range(200):
    if time.perf_counter() - start > (20 if n < 7 else 4) and n > 1:
        break
    t = time.process_time()
    f = spec.fit(md.Panel.from_frame(d, entity="i", time="t"))
    read = [f.stats[name].pvalue for name in ("hansen", "ar1", "ar2")]
    best = min(best, time.process_time() - t)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
b, added = float(f.params["L(y)"]), (after - before) / 1e3
print(json.dumps({"seconds": best, "b": b, "megabytes": added}))
"""


def simulate(N: int, T: int) -> pd.DataFrame:
    sys.path.insert(0, str(ROOT))
    from tests.gmm_panels import simulated

    return simulated(np.random.default_rng(N), N, T)[["i", "t", "y", "x"]]


def employment() -> pd.DataFrame:
    folder = Path(os.environ.get("MIGDEV_DATA") or ROOT.parent / "shared" / "data")
    d = pd.read_csv(folder / "benchmarks" / "empl_uk.csv")
    return pd.DataFrame({"i": d.firm, "t": d.year, "y": np.log(d.emp), "x": np.log(d.wage)})


def run(command: list[str], limit: float) -> dict[str, object]:
    threads = {name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")}
    env = {**os.environ, **threads, "PYTHONPATH": str(ROOT)}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, env=env)
    except subprocess.TimeoutExpired:
        return {"error": f"more than {limit:.0f} s"}
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        return {"error": (done.stderr.strip().splitlines() or ["no output"])[-1][:90]}
    return dict(json.loads(lines[-1]))


def gretl(file: str, folder: str, limit: float, repeats: int) -> dict[str, object]:
    script = Path(folder) / "bench.inp"
    script.write_text(
        f'set verbose off\nopen "{file}" --quiet\nsetobs i t --panel-vars\n'
        f"scalar s = 1e9\nloop {repeats} --quiet\n"
        "set stopwatch\n"
        "dpanel 1 ; y x ; GMM(y,2,4) GMM(x,1,3) --two-step --quiet\n"
        "s = xmin(s, $stopwatch)\n"
        "endloop\n"
        'matrix b = $coeff\nprintf "{\\"seconds\\": %.6f, \\"b\\": %.10f}\\n", s, b[1]\n'
    )
    return run(["gretlcli", "-b", str(script)], limit)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", default=sys.executable, help="interpreter with the peers")
    parser.add_argument("--sizes", default="uk,1000x20,5000x10,100000x8")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds per tool and size")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for size in options.sizes.split(","):
            data = employment() if size == "uk" else simulate(*map(int, size.split("x")))
            file = str(Path(folder) / f"{size}.csv")
            data.to_csv(file, index=False)
            started = time.perf_counter()
            rows = {
                "migdev": run([sys.executable, "-c", OURS, file], options.limit),
                "gretl": gretl(file, folder, options.limit, 200 if len(data) < 5000 else 2),
                "pydynpd": run([options.peers, "-c", PYDYNPD, file], options.limit),
                "pyxtabond2": run([options.peers, "-c", PYXTABOND2, file], options.limit),
            }
            own = rows["migdev"].get("seconds")
            print(f"\n{size} ({len(data):,} rows; {time.perf_counter() - started:.0f} s in all)")
            for name, row in rows.items():
                if "error" in row:
                    print(f"  {name:11s} {row['error']}")
                    continue
                seconds = float(row["seconds"])  # type: ignore[arg-type]
                ratio = seconds / float(own) if own else float("nan")  # type: ignore[arg-type]
                extra = f", {row['megabytes']:.0f} MB added" if "megabytes" in row else ""
                print(f"  {name:11s} {seconds:9.4f} s  {ratio:7.1f}x   b = {row['b']}{extra}")


if __name__ == "__main__":
    main()
