"""Mean group, CCE, PMG and CIPS: this package, pydcce, panelbox and R's plm by turns.

    python benchmarks/bench_heterogeneous.py [--peers PYTHON] [--sizes 200x50,5000x30]

Every tool starts from a data frame and ends with standard errors. The programs take turns; in each
turn every one of them fits once without counting and then equally often by the clock on the wall,
on one thread. Coefficients and standard errors are compared, but for panelbox, whose PMG holds
another short run. Peers that are not installed are named so; PYTHON is an interpreter that has
pydcce and panelbox, and R is asked where Rscript is found.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from _timing import print_rivals, programs_by_turns

FRAME = """
import contextlib, io, json, sys, time, warnings
import numpy as np, pandas as pd
warnings.simplefilter("ignore")
{imports}
d = pd.read_csv(sys.argv[1])
def fit():
    with contextlib.redirect_stdout(io.StringIO()):
        return {fit}
found, seconds = fit(), []
for _ in range(int(sys.argv[2])):
    start = time.perf_counter()
    found = fit()
    seconds.append(time.perf_counter() - start)
print(json.dumps({{"seconds": seconds, **{numbers}}}))
"""
R_FRAME = """
suppressMessages(library(plm))
args <- commandArgs(TRUE)
d <- read.csv(args[1])
fit <- function() {{ p <- pdata.frame(d, index = c("e", "t")); {fit} }}
found <- fit()
seconds <- numeric(as.integer(args[2]))
for (i in seq_along(seconds)) {{
  start <- Sys.time(); found <- fit(); seconds[i] <- as.numeric(Sys.time() - start, units = "secs")
}}
numbers <- {numbers}
cat("{{", sprintf('"%s": %.12g, ', names(numbers), numbers), '"seconds": [',
    paste(sprintf("%.9f", seconds), collapse = ", "), "]}}\\n", sep = "")
"""
OWN_NUMBERS = """{f"{k} {n}": float(v[n]) for n in ("x", "z") for k, v in
                 (("b", found.params), ("se", found.std_errors))}"""


def own(call: str) -> str:
    panel = 'md.Panel.from_frame(d, entity="e", time="t")'
    if call == "cips":
        fit, numbers = f'md.diagnostics.cips({panel}, "y")', '{"b cips": float(found.statistic)}'
    else:
        fit = f'(f := md.{call}(formula="y ~ x + z").fit({panel}), f.std_errors)[0]'
        numbers = OWN_NUMBERS
    return FRAME.format(imports="import migdev as md", fit=fit, numbers=numbers)


def pydcce(call: str) -> str:
    keys = 'data=d, depvar="y", indepvars=["x", "z"], unit_col="e", time_col="t"'
    numbers = """{f"{k} {n}": float(v[n]) for n in ("x", "z") for k, v in
                 (("b", found.coefficients), ("se", found.std_errors))}"""
    return FRAME.format(imports="import pydcce", fit=f"pydcce.{call}({keys}).fit()",
                        numbers=numbers)  # fmt: skip


PANELBOX = FRAME.format(
    imports="from panelbox.models.static.mean_group import PooledMeanGroupEstimator",
    fit='PooledMeanGroupEstimator("y ~ x + z", d, "e", "t").fit()',
    numbers="{}",
)


def plm(call: str) -> str:
    if call == "cips":
        fit = 'suppressWarnings(cipstest(p$y, lags = 1, type = "drift"))'
        numbers = 'c("b cips" = unname(found$statistic))'
    else:
        fit = f'{{ m <- {call}(y ~ x + z, p, model = "mg"); list(b = coef(m), V = vcov(m)) }}'
        numbers = (
            'c("b x" = found$b[["x"]], "b z" = found$b[["z"]], '
            '"se x" = sqrt(found$V["x", "x"]), "se z" = sqrt(found$V["z", "z"]))'
        )
    return R_FRAME.format(fit=fit, numbers=numbers)


# By job: programs of Python and of R, turns and fits in each for small and for large panels.
JOBS = {
    "MG": ({"migdev": own("MeanGroup"), "pydcce": pydcce("MeanGroup")}, plm("pmg")),
    "CCE": ({"migdev": own("CCEMeanGroup"), "pydcce": pydcce("CCE")}, plm("pcce")),
    "PMG": ({"migdev": own("PooledMeanGroup"), "panelbox": PANELBOX}, ""),
    "CIPS": ({"migdev": own("cips")}, plm("cips")),
}
MOST_IN_R = 30_000  # rows up to which plm's CIPS, minutes beyond, takes part


def simulate(N: int, T: int, seed: int = 1) -> pd.DataFrame:
    """An error-correction panel with a common factor."""
    rng = np.random.default_rng(seed)
    f = rng.standard_normal(T)
    x = rng.standard_normal((N, T)).cumsum(axis=1) + rng.uniform(0, 1, (N, 1)) * f
    z = rng.standard_normal((N, T)).cumsum(axis=1)
    phi = -rng.uniform(0.2, 0.6, N)
    y = np.zeros((N, T))
    for t in range(1, T):
        gap = y[:, t - 1] - (x[:, t] + 0.5 * z[:, t])
        y[:, t] = y[:, t - 1] + phi * gap + 0.3 * f[t] + rng.standard_normal(N)
    return pd.DataFrame(
        {
            "e": np.repeat(np.arange(N), T), "t": np.tile(np.arange(T), N),
            "y": y.ravel(), "x": x.ravel(), "z": z.ravel(),
        }
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", default=sys.executable, help="interpreter with the peers")
    parser.add_argument("--sizes", default="200x50,5000x30")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds per program and turn")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for size in options.sizes.split(","):
            frame = simulate(*map(int, size.split("x")))
            file = str(Path(folder) / "d.csv")
            frame.to_csv(file, index=False)
            turns, fits = (5, 4) if len(frame) <= MOST_IN_R else (2, 1)
            for job, (python, r) in JOBS.items():
                programs = {
                    name: [sys.executable if name == "migdev" else options.peers, "-c", text, file,
                           str(fits)]
                    for name, text in python.items()
                }  # fmt: skip
                if r and (job != "CIPS" or len(frame) <= MOST_IN_R):
                    script = Path(folder) / f"{job}.R"
                    script.write_text(r)
                    programs["plm"] = ["Rscript", str(script), file, str(fits)]
                rivals = programs_by_turns(programs, turns, options.limit)
                print_rivals(f"{size}, {job}: {turns} turns of {fits} fits", rivals)


if __name__ == "__main__":
    main()
