"""What formulas and conditions may hold, and that nothing in them runs."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import migdev as md
from migdev.errors import FormulaError, MigdevError, ResultError
from migdev.panel.design import Design
from migdev.panel.expressions import functions
from migdev.panel.expressions.functions import known_names
from migdev.panel.expressions.grammar import read
from migdev.panel.formula import parse
from migdev.panel.terms import evaluate_terms

CODE = [
    "I(__import__('os').system('touch {file}'))",
    "__import__('os').system('touch {file}')",
    "I(__import__('os').system('touch {file}')('x'))",
    "{{__import__('os').system('touch {file}')}}",
    "C(x, __import__('os').system('touch {file}'))",
    "C(x, levels=__import__('os').system('touch {file}'))",
    "np.f2py.os.system('touch {file}')",
    "x.to_pickle('{file}')",
    "np.save('{file}', x)",
    "eval('1')",
    "I((lambda: x)())",
    "I([open('{file}', 'w') for _ in [1]])",
    "I(x.__class__.__base__.__subclasses__())",
    "L(x, open('{file}', 'w'))",
    "bs(x, df=open('{file}', 'w'))",
    "center(open('{file}', 'w'))",
    "I(x in open('{file}', 'w'))",
    "log(x, out=open('{file}', 'w'))",
    "log(*open('{file}', 'w'))",
    "I((open)('{file}', 'w'))",
    "I(x[open('{file}', 'w')])",
    "I(x if open('{file}', 'w') else x)",
    "I(f'{{open(0)}}')",
    "Q(open('{file}', 'w'))",
]


@pytest.fixture
def panel() -> md.Panel:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {"i": np.repeat(list("abcdefgh"), 6), "t": np.tile(range(2000, 2006), 8),
         "x": rng.normal(size=48), "z": rng.uniform(1, 2, 48), "y": rng.normal(size=48),
         "k": rng.integers(0, 4, 48), "r": np.repeat(list("nsnwsnws"), 6)}
    )  # fmt: skip
    return md.Panel.from_frame(frame, entity="i", time="t")


WAYS: dict[str, Callable[[md.Panel, str], object]] = {
    "regressor": lambda p, text: Design.build(f"y ~ x + {text}", p),
    "dependent": lambda p, text: Design.build(f"{text} ~ x", p),
    "instrument": lambda p, text: Design.build(f"y ~ [x ~ z + {text}]", p),
    "terms": lambda p, text: evaluate_terms(text, p),
    "where": lambda p, text: p.where(text),
    "estimator": lambda p, text: md.MeanGroup(f"y ~ {text}").fit(p),
    "pre-test": lambda p, text: p.pretest([text]),
    "combination": lambda p, text: md.PooledOLS("y ~ x").fit(p).delta(text),
    "restriction": lambda p, text: md.PooledOLS("y ~ x").fit(p).wald(text),
    "margins": lambda p, text: md.PooledOLS("y ~ x").fit(p).margins(text),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("text", CODE)
def test_code_is_refused_and_not_run(panel: md.Panel, tmp_path: Path, way: str, text: str) -> None:
    file = tmp_path / "written"
    with pytest.raises(MigdevError):
        WAYS[way](panel, text.format(file=file))
    assert not file.exists()


@pytest.mark.parametrize(
    "text",
    ["(lambda: x)()", "[c for c in (1, 2)][0]", "x.real", "x > 0", "x if 1 else x", "{x}", "x[0]"],
)
def test_combinations_are_arithmetic_alone(panel: md.Panel, text: str) -> None:
    fit = md.PooledOLS("y ~ x").fit(panel)
    for refused in (fit.delta, fit.wald, fit.lincom):
        with pytest.raises(ResultError):
            refused(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x.to_pickle('f')", r"x\.to_pickle\(\) is not among the functions.*formula_functions"),
        ("eval('1')", r"eval\(\) is not among the functions"),
        ("logg(x)", "Did you mean 'log'"),
        ("x.clip(0)", r"Write clip\(x\)"),
        ("x.fillna(0)", r"Write fillna\(x\)"),
        ("x.isin([1])", r"is written x in \[1, 2\]"),
        ("I(x^2)", r"Powers are written x\*\*2"),
        ("I(1 if x > 0 else 0)", r"where\(x > 0, a, b\)"),
        ("I(x - x.mean())", r"depends on other rows.*center\(x\)"),
        ("I(x > 0 & z > 1)", r"bind closer than comparisons.*\(x > 0\) & \(z > 0\)"),
        ("I(x > 'a')", "compares x, which holds numbers, with 'a'"),
        ("I(r == 1)", "compares r, which holds text, with 1. Put the value in quotes"),
        ("I(r in t)", "is no list"),
        ("I(r + 1)", r"'r', which holds text.*C\(r\)"),
        ("I(x and z)", "needs a condition where 'x' stands"),
        ("I(C(k))", "stands alone as a term"),
        ("log(bs(x, df=4))", "makes several columns"),
        ("C(r, contr.custom(x))", "is no coding of a factor"),
        ("L(x, k)", "should be a number"),
        ("L(x, 0.5)", "whole number of periods"),
        ("where(x > 0, 1)", "takes 3 arguments, not 2"),
        ("clip(x, least=0)", "no option 'least'; it takes 'lower', 'upper' by name"),
    ],
)
def test_refusals_say_what_to_write(panel: md.Panel, text: str, message: str) -> None:
    with pytest.raises(FormulaError, match=message):
        Design.build(f"y ~ {text}", panel)


@pytest.mark.parametrize(
    "text",
    ["x.shift()", "x.diff()", "x.pct_change()", "np.cumsum(x)", "np.roll(x, 1)", "np.diff(x)",
     "lag(x)", "lag(x, 2)", "x.cumsum()", "x.rolling(3).mean()", "x.shift(1).fillna(0)",
     "I(x - x.shift())", "log(np.roll(z, 1))", "x.ffill()", "np.gradient(x)", "lead(x)",
     "np.ediff1d(x)", "x.interpolate()", "x.expanding().max()", "shift(x)"],
)  # fmt: skip
@pytest.mark.parametrize("way", ["regressor", "where", "terms"])
def test_what_runs_over_the_borders_of_entities(panel: md.Panel, text: str, way: str) -> None:
    with pytest.raises(FormulaError, match=r"L\(x\)|other rows"):
        WAYS[way](panel, f"{text} > 0" if way == "where" else text)


@pytest.mark.parametrize(
    "text",
    ["I(x**9**9**9)", "I(" + "(" * 190 + "x" + ")" * 190 + ")", "I(" + "-" * 50_000 + "x)",
     "I(" + "+".join(["x"] * 20_000) + ")", "I(" + "not " * 20_000 + "x)",
     "(x + z + k + t + r + i)**40", "*".join(["(x + z + k + t + r)"] * 12), "x**999999999",
     "(x + z)**999999999", "bs(x, df=100000000)", "poly(x, 100000000)",
     "I(x * 10" + "0" * 4000 + ")", "x" * 40_000, "x." * 20_000 + "x",
     "L(x, 99999999999999999999)", "round(x, 99999999999999)", "+".join(["x"] * 60_000),
     "I(" * 20_000 + "x" + ")" * 20_000],
    ids=range(18),
)  # fmt: skip
def test_no_text_takes_long(panel: md.Panel, text: str) -> None:
    begun = time.process_time()
    with pytest.raises(FormulaError):
        Design.build(f"y ~ z + {text}", panel)
    assert time.process_time() - begun < 2  # each takes less than 0.1 s where nothing else runs


def test_the_same_text_is_read_once(panel: md.Panel) -> None:
    formula = "y ~ x + I(z**2) + C(r, Treatment('s')) + where(x > 0, z, 0)"
    first = Design.build(formula, panel)
    before = parse.cache_info().misses, read.cache_info().misses
    np.testing.assert_array_equal(Design.build(formula, panel).X, first.X)
    assert (parse.cache_info().misses, read.cache_info().misses) == before


@pytest.mark.filterwarnings("ignore::migdev.errors.MigdevWarning")
def test_the_page_of_the_grammar_lists_every_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions, "_registered", {})
    page = (Path(__file__).parents[3] / "docs/reference/formulas.md").read_text("utf-8")
    assert [name for name in known_names() if not re.search(rf"`{name}[`(]", page)] == []
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec("\n".join(blocks), {})
