"""Margins that the reader moves: the page, without and with its script, says what Python says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import warnings
from pathlib import Path

import numpy as np
import pytest

import migdev as md
from migdev.errors import SpecificationError
from migdev.report.explorer import MarginExplorer
from migdev.report.words import probability
from migdev.simulate import stylised_world
from migdev.study.assessment.at_margins import at_margins
from migdev.study.assessment.parts import Parts

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)


def parts(**changes: object) -> Parts:
    given: dict[str, object] = {
        "names": ("growth", "volatility", "poverty"),
        "theta": np.array([0.12, -0.31, -0.05]),
        "cov": np.diag([0.04, 0.09, 0.06]) ** 2,
        "dfs": (11.3, None, 96.0),
        "bounds": np.array([0.1, 0.2, 0.15]),
        "patterns": {"DF": ("+", "-", "<=0"), "CR": ("<=0", "-", "0"), "null": ("0", "0", "0")},
        "level": 0.05,
    }
    return Parts(**{**given, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def answer():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        question = md.hypotheses.get("X1")
        prepared = question.prepare(stylised_world("critical", seed=2, entities=40))
        return question.study(draws=49).run(prepared)


def test_declared_margins_give_the_verdict(answer):
    said = answer.at_margins()
    assert said.verdict == answer.verdict
    assert said.pvalues == pytest.approx(dict(answer.main.pvalues))
    assert said.rejections == pytest.approx(dict(answer.main.rejections))
    views = answer.components
    for view in answer.study.components[0].hypothesis.rivals:
        words = {"supported": "established"}
        former = [row.split()[1] for row in views[view]]
        assert list(said.standings[view]) == [words.get(word, word) for word in former]


def test_margins_by_part(answer):
    name = answer.study.components[0].name
    wide = answer.at_margins({name: 1e9})
    assert wide.parts.bounds[0] == 1e9
    assert wide.standings["null"][0] == "established"
    with pytest.raises(SpecificationError, match="is no part of this study"):
        answer.at_margins({"growht": 1.0})
    with pytest.raises(SpecificationError, match="a margin is above zero"):
        answer.at_margins({name: 0.0})


def test_every_format_holds_the_declared_margins(answer):
    block = MarginExplorer(answer.at_margins())
    page = answer.page()
    assert "Move the margins" in page.to_html()
    for text in (block.markdown(), block.latex()):
        for name in answer.main.focal:
            assert name in text
    data = json.loads(re.search(r'application/json">(.*?)</script>', block.html())[1])
    assert [part["margin"] for part in data["parts"]] == list(answer.study.bounds)


def test_names_cannot_end_the_script():
    odd = parts(names=("</script><b>", "b", "c"))
    html = MarginExplorer(at_margins(odd, odd.bounds)).html()
    assert "</script><b>" not in html


DRIVER = """
<script>
const set = (name, value) => {
  const field = document.querySelector(`[aria-label="Margin of ${name}"]`);
  field.value = value; field.dispatchEvent(new Event("input"));
};
const read = () => Object.fromEntries([...document.querySelectorAll("[data-out]")].map(
  (cell) => [cell.dataset.out, cell.dataset.value ?? cell.textContent]));
const found = [];
for (const margins of MARGINS) {
  Object.entries(margins).forEach(([name, value]) => set(name, value));
  found.push(read());
}
document.querySelector(".explorer button").click();
found.push(read());
document.title = "done";
document.body.innerHTML = "";
const out = document.createElement("pre");
out.textContent = JSON.stringify(found);
document.body.append(out);
</script>
"""


@pytest.mark.slow
@pytest.mark.skipif(not BROWSER, reason="no Chromium here: install the system's package chromium")
def test_moving_a_margin_changes_what_python_computes(tmp_path: Path) -> None:
    """Standings, p-values and verdict in a browser at many margins, to twelve digits."""
    rng = np.random.default_rng(1)
    cases = []
    for _ in range(6):
        cases.append(
            parts(
                theta=rng.normal(0, 0.2, 3),
                cov=np.diag(rng.uniform(0.01, 0.2, 3)) ** 2,
                dfs=(float(rng.uniform(1, 300)), None, float(rng.integers(1, 2000))),
                patterns={
                    "DF": tuple(rng.choice(["+", "-", "<=0", ">=0"], 3)),
                    "CR": tuple(rng.choice(["!=0", "any", "-", "<=0"], 3)),
                    "null": ("0", "0", "0"),
                },
            )
        )
    for number, case in enumerate(cases):
        moved = [
            dict(zip(case.names, rng.uniform(0.01, 0.6, 3).round(4).tolist(), strict=True))
            for _ in range(8)
        ]
        block = MarginExplorer(at_margins(case, case.bounds, "null"))
        page = tmp_path / f"{number}.html"
        body = block.html() + DRIVER.replace("MARGINS", json.dumps(moved))
        page.write_text(f"<!DOCTYPE html><html><head></head><body>{body}</body></html>")
        seen = _run(page)
        assert len(seen) == len(moved) + 1
        wanted = [list(margins.values()) for margins in moved] + [case.bounds.tolist()]
        for shown, bounds in zip(seen, wanted, strict=True):
            said = at_margins(case, np.array(bounds), "null")
            assert shown["verdict"] == said.verdict
            for k, view in enumerate(case.patterns):
                for key, value in (
                    ("p", said.pvalues), ("against", said.rejections),
                    ("attainable", said.attainable),
                ):  # fmt: skip
                    # Lanczos' gamma function holds some thirteen digits
                    assert float(shown[f"{key}-{k}"]) == pytest.approx(
                        value[view], rel=1e-10, abs=1e-14
                    )
                for j in range(3):
                    assert shown[f"part-{j}-{k}"] == said.standings[view][j]


@pytest.mark.slow
@pytest.mark.skipif(not BROWSER, reason="no Chromium here: install the system's package chromium")
def test_a_page_opens_with_the_numbers_it_was_written_with(answer, tmp_path: Path) -> None:
    path = answer.report(tmp_path / "page.html")
    text = path.read_text().replace("</body>", DRIVER.replace("MARGINS", "[]") + "</body>")
    (tmp_path / "driven.html").write_text(text)
    [shown] = _run(tmp_path / "driven.html")
    said = answer.at_margins()
    assert shown["verdict"] == answer.verdict
    for k, view in enumerate(said.parts.patterns):
        assert probability(float(shown[f"p-{k}"])) == probability(said.pvalues[view])


@pytest.mark.slow
@pytest.mark.skipif(not BROWSER, reason="no Chromium here: install the system's package chromium")
def test_no_column_is_hidden_on_a_laptop(answer, tmp_path: Path) -> None:
    """At 1,200 pixels every table fits, those that are folded away too."""
    script = """<script>
    document.querySelectorAll("details").forEach((part) => { part.open = true; });
    const wide = [...document.querySelectorAll(".scroll")].filter(
      (part) => part.scrollWidth > part.clientWidth);
    const found = wide.map((part) => ({ [part.closest("section").id]: part.innerText }));
    document.body.innerHTML = "";
    const out = document.createElement("pre");
    out.textContent = JSON.stringify(found);
    document.body.append(out);
    </script>"""
    path = answer.report(tmp_path / "page.html")
    path.write_text(path.read_text().replace("</body>", script + "</body>"))
    assert _run(path) == []


def _run(page: Path) -> list[dict[str, str]]:
    done = subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000",
         "--window-size=1200,900", f"--user-data-dir={page.parent / 'profile'}", "--dump-dom",
         page.as_uri()],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    found = re.search(r"<pre>(\[.*\])</pre>", done.stdout, re.S)
    assert found, done.stderr[-2000:]
    return json.loads(found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
