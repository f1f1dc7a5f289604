"""A page: sections of blocks as one self-contained HTML file, Markdown or LaTeX."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from migdev.errors import ReportError, listing
from migdev.report.blocks import Block, Details, Figure
from migdev.report.escape import to_latex, to_markdown
from migdev.report.figure import as_laid_out
from migdev.report.formats.html import STYLE
from migdev.writing import beside, write_whole

WRITERS = {".html": "to_html", ".htm": "to_html", ".md": "to_markdown", ".tex": "to_latex"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading with what stands under it.

    Attributes
    ----------
    title : str
        ``""`` for a part without a heading.
    blocks : tuple of Block
    """

    title: str = ""
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A report on one page.

    Attributes
    ----------
    title, subtitle : str
    sections : tuple of Section
    notice : str
        A line that stays in sight on top, such as that the data are simulated.
    footer : tuple of str
    """

    title: str
    subtitle: str = ""
    sections: tuple[Section, ...] = field(default=())
    notice: str = ""
    footer: tuple[str, ...] = ()

    def to_html(self) -> str:
        """One file without any outside resource: light and dark, and made to print."""
        from jinja2 import Environment, PackageLoader, StrictUndefined

        environment = Environment(
            loader=PackageLoader("migdev.report", "templates"), autoescape=True,
            undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        named = _anchors(self.sections)
        return environment.get_template("page.html.j2").render(
            page=self, sections=named, table_style=STYLE,
            contents=[(a, s.title) for a, s in named if s.title],
        )  # fmt: skip

    def to_markdown(self) -> str:
        """Markdown; figures are left to their captions."""
        lines = [f"# {to_markdown(self.title)}"]
        lines += [to_markdown(self.subtitle)] if self.subtitle else []
        lines += [f"> **{to_markdown(self.notice)}**"] if self.notice else []
        for section in self.sections:
            lines += [f"## {to_markdown(section.title)}"] if section.title else []
            lines += [block.markdown() for block in section.blocks]
        lines += ["---", *(to_markdown(line) for line in self.footer)] if self.footer else []
        return "\n\n".join(lines) + "\n"

    def to_latex(self) -> str:
        """A LaTeX document; figures are left to their captions."""
        lines = [
            r"\documentclass{article}", r"\usepackage[T1]{fontenc}", r"\usepackage[utf8]{inputenc}",
            r"\usepackage{booktabs}", r"\usepackage[margin=2.5cm]{geometry}",
            r"\usepackage{graphicx}", rf"\title{{{to_latex(self.title)}}}",
            r"\author{}", r"\date{}", r"\emergencystretch=3em", r"\begin{document}",
            r"\maketitle",
        ]  # fmt: skip
        lines += [rf"\noindent\textit{{{to_latex(self.subtitle)}}}\par"] if self.subtitle else []
        lines += [rf"\noindent\textbf{{{to_latex(self.notice)}}}\par"] if self.notice else []
        for section in self.sections:
            lines += [rf"\section*{{{to_latex(section.title)}}}"] if section.title else []
            lines += [block.latex() for block in section.blocks]
        lines += [rf"\par\bigskip\noindent\footnotesize {to_latex(line)}" for line in self.footer]
        return "\n".join([*lines, r"\end{document}"]) + "\n"

    def save(self, path: str | Path) -> Path:
        """Write the page in the format of the suffix: html, md, tex.

        The figures of a Markdown or LaTeX page go to a folder beside it, ``NAME_files``.
        """
        target = Path(path)
        writer = WRITERS.get(target.suffix.lower())
        if writer is None:
            raise ReportError(f"{target.name!r} has no suffix of a page; use {listing(WRITERS)}.")
        shown = self if writer == "to_html" else with_files(self, target)
        write_whole(target, getattr(shown, writer)())
        return target

    def __str__(self) -> str:
        return self.to_markdown()

    def _repr_html_(self) -> str:
        return self.to_html()


def with_files(page: Page, target: Path) -> Page:
    """The page with its figures written to files: SVG beside Markdown, PDF beside LaTeX."""
    folder = target.with_name(f"{target.stem}_files")
    kind = "pdf" if target.suffix.lower() == ".tex" else "svg"
    written: list[str] = []

    def filed(block: Block) -> Block:
        if isinstance(block, Details):
            return replace(block, blocks=tuple(filed(b) for b in block.blocks))
        if not isinstance(block, Figure) or (kind == "pdf" and block.source is None):
            return block
        folder.mkdir(exist_ok=True)
        name = f"figure-{len(written) + 1}.{kind}"
        if kind == "pdf":
            with beside(folder / name) as partial, as_laid_out(block.source):
                block.source.savefig(partial, format=kind, metadata={"CreationDate": None})
        else:
            write_whole(folder / name, block.svg)
        written.append(name)
        return replace(block, path=f"{folder.name}/{name}")

    sections = tuple(
        replace(section, blocks=tuple(filed(b) for b in section.blocks))
        for section in page.sections
    )
    return replace(page, sections=sections)


def _anchors(sections: Sequence[Section]) -> list[tuple[str, Section]]:
    """A name for each section, of letters and digits, none twice."""
    taken: dict[str, int] = {}
    named = []
    for section in sections:
        base = re.sub(r"[^a-z0-9]+", "-", section.title.lower()).strip("-") or "section"
        taken[base] = taken.get(base, 0) + 1
        named.append((base if taken[base] == 1 else f"{base}-{taken[base]}", section))
    return named
