"""Each format parsed again by a reader of that format: what went in comes out."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis.strategies import text
from markdown_it import MarkdownIt

from migdev.errors import ReportError
from migdev.report.escape import (
    latex_label,
    plain,
    to_html,
    to_latex,
    to_latex_start,
    to_markdown,
    to_sheet,
    true_minus,
)
from migdev.report.frame import frame_table
from migdev.report.table import table
from tests.report.conftest import ODD, make


@pytest.fixture(scope="module")
def odd():
    return table(
        {"a|b & <i>": make(ODD, effects=("a_b", "x^t")), "$m$_2": make(ODD[:5], seed=2)},
        stars={0.9: "*", 0.5: "|", 0.1: "\\"}, stat="ci", title="100% of <R&D>, $x^2$ & [a|b]",
        label="tab:odd & 1", spanners={"<both> *x*": [1, 2]},
        groups={"*group* & _x_": list(ODD[:3])}, rows={"$row$": ["<yes>", "a|b"]},
        add_notes=["* 5% of `code` & <b>bold</b>", "1. not a list"],
    )  # fmt: skip


def expected(layout, minus="-"):
    """Rows of the body as they should be read: label, then cells with their marks."""
    rows = []
    for row in layout.rows:
        cells = [
            (c.text.replace("-", minus) if c.number else c.text) + c.marks for c in row.cells
        ] or [""] * len(layout.columns)
        rows.append([row.label, *cells])
    return rows


# ---------------------------------------------------------------------- HTML


class Reader(HTMLParser):
    """Collects cells, refuses what is not closed or was never opened."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.stack, self.rows, self.caption, self.tags, self.part = [], [], "", set(), ""
        self.notes = []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.stack.append(tag)
        if tag in ("thead", "tbody", "tfoot"):
            self.part = tag
        if tag == "tr":
            self.rows.append((self.part, []))
        if tag in ("th", "td"):
            self.rows[-1][1].append([int(dict(attrs).get("colspan", 1)), ""])
        if tag == "p":
            self.notes.append("")

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        if "style" in self.stack:
            return
        if "caption" in self.stack:
            self.caption += data
        elif "p" in self.stack:
            self.notes[-1] += data
        elif "th" in self.stack or "td" in self.stack:
            self.rows[-1][1][-1][1] += data


def read_html(source):
    reader = Reader()
    reader.feed(source)
    reader.close()
    assert reader.stack == []
    return reader


def test_html_reads_back(odd):
    reader = read_html(odd.to_html())
    body = [[text for _, text in cells] for part, cells in reader.rows if part == "tbody"]
    want = expected(odd.layout, "−")
    assert [row[: len(w)] for row, w in zip(body, want, strict=True)] == [
        w[: len(row)] for row, w in zip(body, want, strict=True)
    ]
    assert reader.caption == odd.layout.title
    assert reader.notes == list(odd.layout.notes)
    assert all(sum(span for span, _ in cells) == 3 for _, cells in reader.rows)
    assert reader.tags == {
        "style", "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "p", "sup",
    }  # fmt: skip


@given(text())
def test_html_escapes_any_text(value):
    class Data(HTMLParser):
        seen = ""

        def handle_data(self, data):
            self.seen += data

        def handle_starttag(self, tag, attrs):
            raise AssertionError(tag)

    data = Data(convert_charrefs=True)
    data.feed(f"{to_html(value)}")
    data.close()
    assert data.seen == plain(value)


def test_html_hides_nothing_in_attributes(odd):
    tags = re.findall(r"<(?:td|th|tr)\b[^>]*>", odd.to_html())
    assert len(tags) > 50
    for tag in tags:
        assert re.fullmatch(r'<(?:td|th|tr)( (class|scope|colspan)="[a-z0-9 ]+")*>', tag)


# ---------------------------------------------------------------------- Markdown


def inline_text(token):
    return "".join(
        c.content for c in token.children if c.type in ("text", "text_special", "code_inline")
    )


def read_markdown(source):
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(source)
    rows, paragraphs, in_row = [], [], False
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
            in_row = True
        elif token.type == "tr_close":
            in_row = False
        elif token.type == "inline":
            kinds = {c.type for c in token.children}
            assert kinds <= {"text", "text_special", "strong_open", "strong_close"}, (kinds, token)
            (rows[-1] if in_row else paragraphs).append(inline_text(token))
    kinds = {t.type for t in tokens}
    assert not kinds & {
        "html_block",
        "bullet_list_open",
        "ordered_list_open",
        "heading_open",
        "fence",
    }
    return rows, paragraphs


def test_markdown_reads_back(odd):
    rows, paragraphs = read_markdown(odd.to_markdown())
    assert rows[0] == ["", "<both> *x*: (1) a|b & <i>", "<both> *x*: (2) $m$_2"]
    assert rows[1:] == expected(odd.layout)
    assert paragraphs == [odd.layout.title, *odd.layout.notes]


@settings(max_examples=300)
@given(text(min_size=1))
def test_markdown_escapes_any_text(value):
    source = f"| h | i |\n|---|---|\n| {to_markdown(value)} | end |"
    rows, _ = read_markdown(source)
    # Cells are trimmed of spaces; nothing else is lost.
    assert rows[1] == [plain(value).strip(), "end"]


# ---------------------------------------------------------------------- LaTeX

INVERSE = [
    (r"\\textbackslash\{\}", "\\\\"), (r"\\textasciicircum\{\}", "^"),
    (r"\\textasciitilde\{\}", "~"),
    (r"\\textless\{\}", "<"), (r"\\textgreater\{\}", ">"), (r"\\textbar\{\}", "|"),
    (r"\\textasciigrave\{\}", "`"), (r'\\texttt\{"\}', '"'), (r"\\textsuperscript\{2\}", "²"),
    (r"\$\\times\$", "×"), (r"\$-\$", "−"), (r"\\([{}$&#%_])", r"\1"),
]  # fmt: skip


def unlatex(source):
    """Read escaped text token by token."""
    out, at = "", 0
    patterns = [(re.compile(p), r) for p, r in INVERSE]
    while at < len(source):
        for pattern, replacement in patterns:
            m = pattern.match(source, at)
            if m:
                out += m.expand(replacement)
                at = m.end()
                break
        else:
            if source.startswith("{}", at):
                at += 2
                continue
            assert source[at] not in "\\{}$&#%_^~", source[at:]
            out += source[at]
            at += 1
    return out


@given(text('abc -,\\{}$&#%_^~<>|`"[]*²×−\n\x00'))
def test_latex_escapes_any_text(value):
    assert unlatex(to_latex(value)) == plain(value)
    start = to_latex_start(value)
    assert not re.match(r"\s*[\[*]", start)
    assert unlatex(start) == plain(value)
    assert "--" not in to_latex(value)  # no dash out of two hyphens


def test_latex_reads_back(odd):
    source = odd.to_latex()
    body = source.split(r"\midrule", 1)[1].split(r"\bottomrule")[0]
    lines = [line for line in body.splitlines() if line.endswith(r"\\")]
    rows = []
    for line in lines:
        group = re.fullmatch(r"\\multicolumn\{3\}\{l\}\{\\textit\{(.*)\}\} \\\\", line)
        if group:
            rows.append([unlatex(group[1]), "", ""])
            continue
        cells = re.split(r"(?<!\\) & ", line.removesuffix(r" \\"))
        cells[0] = cells[0].removeprefix(r"\quad ")
        cells[1:] = [re.sub(r"\\textsuperscript\{(.*)\}$", r"\1", c) for c in cells[1:]]
        rows.append([unlatex(c).strip() for c in cells])
    assert rows == expected(odd.layout, "−")
    assert rf"\caption{{{to_latex(odd.layout.title)}}}" in source
    assert r"\label{tab:odd-1}" in source
    assert r"\cmidrule(lr){2-3}" in source
    assert r"\begin{table}" not in odd.to_latex(floating=False)
    assert latex_label("tab: a%b") == "tab:-a-b"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles(odd, tmp_path):
    document = (
        "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n"
        f"{odd.to_latex()}\n{odd.to_latex(floating=False)}\n\\end{{document}}"
    )
    (tmp_path / "t.tex").write_text(document, encoding="utf-8")
    run = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"], cwd=tmp_path,
        capture_output=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-2000:]


# ---------------------------------------------------------------------- Word


def test_word_reads_back(odd, tmp_path):
    docx = pytest.importorskip("docx")
    path = odd.save(tmp_path / "t.docx")
    document = docx.Document(str(path))
    (read,) = document.tables
    head = len(odd.layout.head)
    assert [c.text for c in read.rows[0].cells] == ["", "<both> *x*", "<both> *x*"]
    for row, line in zip(expected(odd.layout, "−"), read.rows[head:], strict=True):
        cells = [c.text for c in line.cells]
        assert cells == row if any(row[1:]) else cells[0] == row[0]
    texts = [p.text for p in document.paragraphs]
    assert texts[0] == odd.layout.title
    assert texts[1:] == list(odd.layout.notes)
    marks = [
        run.text
        for line in read.rows
        for cell in line.cells
        for run in cell.paragraphs[0].runs
        if run.font.superscript
    ]
    assert marks


def test_word_refuses_no_character(tmp_path):
    docx = pytest.importorskip("docx")
    fit = make(("a\x00b\x0bc\ufffe", "tab\tnew\nline"))
    path = table(fit).to_word(tmp_path / "c.docx")
    assert docx.Document(str(path)).tables[0].cell(1, 0).text == "abc"


# ---------------------------------------------------------------------- text, files, notebooks


def test_text_is_aligned(odd):
    lines = odd.to_text().splitlines()
    rules = {len(line) for line in lines if set(line) == {"="}}
    assert len(rules) == 1
    wide = table(make(("北京市", "e\u0301")), notes=False).to_text().splitlines()
    signs = {line.index("(") + 3 * ("北" in line) for line in wide if "(0" in line}
    assert len(signs) == 1


def test_saving_by_suffix(odd, tmp_path):
    for suffix, first in {
        ".txt": "100%", ".md": "**100%", ".tex": "% \\usepackage", ".html": "<!DOCTYPE html>",
        ".csv": "row,statistic",
    }.items():  # fmt: skip
        path = odd.save(tmp_path / f"t{suffix}")
        content = path.read_text(encoding="utf-8")
        assert content.startswith(first)
        assert content.endswith("\n")
    with pytest.raises(ReportError, match="no suffix of a table"):
        odd.save(tmp_path / "t.pdf")


@pytest.mark.parametrize("label", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "=0.1", "-x"])
def test_labels_are_no_formulas_of_a_spreadsheet(label, tmp_path):
    saved = table({label: make((label, "x2"))}).save(tmp_path / "t.csv").read_text("utf-8")
    cells = [cell for line in csv.reader(io.StringIO(saved)) for cell in line]
    assert cells.count(f"'{label}") == 3  # the column, and the row of each statistic
    assert not any(cell.startswith(("=", "+", "@")) for cell in cells)


@pytest.mark.parametrize("cell", ["-0.05***", "-1,234.5", "+2", "(0.3)", "-1.2e-05†", "x - 1", ""])
def test_numbers_and_plain_labels_are_left_as_they_are(cell):
    assert to_sheet(cell) == cell


def test_notebooks_find_what_they_look_for(odd):
    assert odd._repr_html_() == odd.to_html()
    assert odd._repr_markdown_() == odd.to_markdown()
    assert odd._repr_latex_() == odd.to_latex()
    assert str(odd) == odd.to_text()
    assert odd.to_frame().shape == (sum(r.kind != "group" for r in odd.layout.rows), 2)


def test_missing_python_docx_is_named(odd, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "docx", None)
    with pytest.raises(ReportError, match=r"migdev\[word\]"):
        odd.to_word(tmp_path / "t.docx")


# ---------------------------------------------------------------------- data frames


def test_any_frame_becomes_a_table():
    import numpy as np
    import pandas as pd

    frame = pd.DataFrame(
        {
            "country": ["Tajikistan", "R&D|land", None], "year": [2013, 2023, 1999],
            "share": [41.73, 3.7, np.nan], "usd": [1_234_567, 5, 6], "ok": [True, False, True],
        }
    )  # fmt: skip
    t = frame_table(frame, title="Shares", notes=["Own."])
    assert t.layout.columns == ("year", "share", "usd", "ok")
    assert [r.label for r in t.layout.rows] == ["Tajikistan", "R&D|land", ""]
    assert list(t.to_frame()["share"]) == ["41.730", "3.700", ""]
    assert list(t.to_frame()["year"]) == ["2013", "2023", "1999"]
    assert list(t.to_frame()["usd"]) == ["1,234,567", "5", "6"]
    assert list(t.to_frame()["ok"]) == ["Yes", "No", "Yes"]
    rows, _ = read_markdown(t.to_markdown())
    assert rows[2][0] == "R&D|land"
    indexed = frame_table(frame.set_index(["country", "year"])[["share"]], digits=1)
    assert next(indexed.layout.rows).label == "Tajikistan, 2013"
    assert frame_table(frame.iloc[:0]).layout.blocks == ()
    assert true_minus("-1") == "−1"
