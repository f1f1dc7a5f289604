"""Pages: self-contained, escaped, the same in three formats."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

import migdev.report
from migdev.errors import ReportError
from migdev.report.blocks import Bullets, Callout, Code, Descriptions, Details, Figure, Text
from migdev.report.coefplot import coefplot
from migdev.report.figure import svg
from migdev.report.page import Section
from migdev.report.render import page
from migdev.report.table import table
from tests.report.conftest import ODD, make
from tests.report.test_formats import read_markdown

NASTY = "<script>alert('x')</script> & 100% of $x$ \\ _a_ `b`"


@pytest.fixture
def full(three):
    figure = coefplot(three)
    return page(
        f"Growth {NASTY}",
        {
            "Verdict": [Callout("Undecided " + NASTY, NASTY, "warn"), NASTY],
            "Tables": [table(three), table(make(ODD))],
            "Figures": Figure(svg(figure), NASTY, source=figure),
            "Verdict!": [
                Descriptions({NASTY: NASTY}), Bullets([NASTY, "[x] y", "* z"]),
                Code(f"if a < b:\n\tx = '{NASTY}'"),
                Details(NASTY, (Text(NASTY), Figure(svg(figure), "again", source=figure))),
            ],
            "Data": pd.DataFrame({"a|b": [1, 2], NASTY: [0.5, None]}),
        },
        subtitle=NASTY, notice=NASTY, footer=[NASTY, ""],
    )  # fmt: skip


class Tree(HTMLParser):
    VOID = frozenset({"meta", "br", "hr"})

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.stack, self.attributes, self.text, self.tags = [], [], "", set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag, tag

    def handle_data(self, data):
        if "style" not in self.stack:
            self.text += data


def test_html_stands_alone_and_is_escaped(full):
    source = full.to_html()
    tree = Tree()
    tree.feed(source)
    tree.close()
    assert tree.stack == []
    assert "script" not in tree.tags
    assert tree.text.count(NASTY) >= 10
    for name, value in tree.attributes:
        if name in ("href", "src", "xlink:href"):
            assert value.startswith("#"), (name, value)
        assert not name.startswith("on")
    assert "@import" not in source
    assert re.findall(r"url\((?!#)", source) == []
    ids = [v for k, v in tree.attributes if k == "id"]
    # The same drawing stands twice on the page: its ids are the same, and so is what they name.
    own = [i for i in ids if not re.match(r"f[0-9a-f]{8}-", i)]
    assert len(own) == len(set(own))
    assert {"verdict", "verdict-2", "tables", "data"} <= set(own)
    assert [v.removeprefix("#") for k, v in tree.attributes if k == "href" and v[1:] in own]
    assert "prefers-color-scheme: dark" in source
    assert "@media print" in source
    assert source.count(".migdev-table {") == 1


def test_page_from_sections_and_loose_contents():
    one = page("T", ["text", Section(title="S", blocks=(Text("more"),))])
    assert [s.title for s in one.sections] == ["", "S"]
    assert "<nav" not in one.to_html()
    assert str(one) == one.to_markdown()
    assert "notice" not in one.to_html().split("</style>")[1]


def test_markdown_of_a_page(full):
    source = full.to_markdown()
    prose, fenced = re.subn(r"(`{3,})\nif a < b:.*?\1", "", source, flags=re.DOTALL)
    assert fenced == 1
    assert "<script>" not in prose
    assert r"\<script\>" in prose
    rows, _ = read_markdown(full.sections[1].blocks[1].markdown())
    assert [r[0] for r in rows[1:] if r[0] in ODD] == list(ODD)


def test_files_beside_markdown_and_latex(full, tmp_path):
    md_path = full.save(tmp_path / "verdict.md")
    names = sorted(p.name for p in (tmp_path / "verdict_files").iterdir())
    assert names == ["figure-1.svg", "figure-2.svg"]
    text = md_path.read_text(encoding="utf-8")
    assert "](verdict_files/figure-1.svg)" in text
    assert "](verdict_files/figure-2.svg)" in text
    tex = full.save(tmp_path / "verdict.tex").read_text(encoding="utf-8")
    assert r"\includegraphics[width=\linewidth]{verdict_files/figure-2.pdf}" in tex
    assert (tmp_path / "verdict_files" / "figure-1.pdf").read_bytes().startswith(b"%PDF")
    assert full.save(tmp_path / "verdict.html").read_text().startswith("<!DOCTYPE html>")
    with pytest.raises(ReportError, match="no suffix of a page"):
        full.save(tmp_path / "verdict.doc")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_of_a_page_compiles(full, tmp_path):
    full.save(tmp_path / "p.tex")
    run = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "p.tex"], cwd=tmp_path,
        capture_output=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-2000:]


def test_what_a_page_cannot_hold():
    with pytest.raises(ReportError, match=r"builtins\.int"):
        page("T", [[1]])
    with pytest.raises(ReportError, match="tone='loud'"):
        Callout("x", tone="loud")
    with pytest.raises(ReportError, match="<svg> element"):
        Figure("<img>")


def test_reports_import_no_estimator():
    """report/ reads results through results/ and protocols alone."""
    allowed = re.compile(r"^migdev\.(report|results|protocols|errors|options|writing)(\.|$)")
    folder = Path(migdev.report.__file__).parent
    found = []
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else []
            )
            found += [
                f"{path.name}: {n}"
                for n in names
                if n.startswith("migdev") and not allowed.match(n)
            ]
    assert found == []
