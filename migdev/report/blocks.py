"""What stands in a page: each block knows itself as HTML, Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from migdev.errors import ReportError
from migdev.options import check_choice
from migdev.report.escape import plain, to_html, to_latex, to_latex_start, to_markdown

Tone = Literal["info", "good", "bad", "warn"]


@runtime_checkable
class Block(Protocol):
    """A part of a page."""

    def html(self) -> str: ...
    def markdown(self) -> str: ...
    def latex(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph of plain text."""

    text: str

    def html(self) -> str:
        return f"<p>{to_html(self.text)}</p>"

    def markdown(self) -> str:
        return to_markdown(self.text)

    def latex(self) -> str:
        return f"{to_latex(self.text)}\n"


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list."""

    items: Sequence[str]

    def html(self) -> str:
        return "<ul>" + "".join(f"<li>{to_html(i)}</li>" for i in self.items) + "</ul>"

    def markdown(self) -> str:
        return "\n".join(f"- {to_markdown(i)}" for i in self.items)

    def latex(self) -> str:
        items = "\n".join(rf"\item {to_latex_start(i)}" for i in self.items)
        return f"\\begin{{itemize}}\n{items}\n\\end{{itemize}}"


@dataclass(frozen=True, slots=True)
class Callout:
    """A statement that stands out: a verdict, a warning.

    Attributes
    ----------
    heading, text : str
    tone : {"info", "good", "bad", "warn"}
    """

    heading: str
    text: str = ""
    tone: Tone = "info"

    def __post_init__(self) -> None:
        check_choice("tone", self.tone, Tone, ReportError)

    def html(self) -> str:
        body = f"<p>{to_html(self.text)}</p>" if self.text else ""
        return (
            f'<aside class="callout {self.tone}"><p class="lead">{to_html(self.heading)}</p>'
            f"{body}</aside>"
        )

    def markdown(self) -> str:
        body = f"\n>\n> {to_markdown(self.text)}" if self.text else ""
        return f"> **{to_markdown(self.heading)}**{body}"

    def latex(self) -> str:
        body = rf"\\ {to_latex_start(self.text)}" if self.text else ""
        return (
            "\\par\\medskip\\noindent\\fbox{\\begin{minipage}{0.96\\linewidth}"
            f"\\textbf{{{to_latex(self.heading)}}}{body}\\end{{minipage}}}}\\par\\medskip"
        )


@dataclass(frozen=True, slots=True)
class Descriptions:
    """Terms, each with what is to be said of it."""

    pairs: Mapping[str, str]

    def html(self) -> str:
        rows = "".join(f"<dt>{to_html(k)}</dt><dd>{to_html(v)}</dd>" for k, v in self.pairs.items())
        return f'<dl class="facts">{rows}</dl>'

    def markdown(self) -> str:
        return "\n".join(f"- **{to_markdown(k)}**: {to_markdown(v)}" for k, v in self.pairs.items())

    def latex(self) -> str:
        rows = "\n".join(rf"\item[{{{to_latex(k)}}}] {to_latex(v)}" for k, v in self.pairs.items())
        return f"\\begin{{description}}\n{rows}\n\\end{{description}}"


@dataclass(frozen=True, slots=True)
class Code:
    """Text set as it stands, such as a script or the printout of a test."""

    text: str

    def html(self) -> str:
        lines = "\n".join(to_html(line) for line in self._lines)
        return f"<pre><code>{lines}</code></pre>"

    def markdown(self) -> str:
        fence = "```"
        while fence in self.text:
            fence += "`"
        return "\n".join([fence, *self._lines, fence])

    def latex(self) -> str:
        # \verb ends at its own delimiter; escaped text in typewriter does not.
        rows = r"\\".join(rf"\mbox{{{to_latex(line).replace(' ', '~')}}}" for line in self._lines)
        return f"{{\\footnotesize\\ttfamily\\noindent {rows}\\par}}"

    @property
    def _lines(self) -> list[str]:
        return [plain(line.expandtabs(4)) for line in self.text.rstrip("\n").split("\n")]


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing as SVG, with a caption and words for those who cannot see it.

    Attributes
    ----------
    svg : str
        As :func:`migdev.report.figure.svg` makes it.
    caption, description : str
    source : matplotlib figure, optional
        From which other formats are drawn.
    path : str
        File beside a Markdown or LaTeX page; set when such a page is saved.
    """

    svg: str
    caption: str = ""
    description: str = ""
    source: Any = None
    path: str = ""

    def __post_init__(self) -> None:
        if not self.svg.lstrip().startswith("<svg"):
            raise ReportError("Figure takes an <svg> element; make it with report.figure.svg(fig).")

    def html(self) -> str:
        label = to_html(self.description or self.caption)
        caption = f"<figcaption>{to_html(self.caption)}</figcaption>" if self.caption else ""
        drawing = f'<div role="img" aria-label="{label}">{self.svg}</div>'
        return f'<figure class="drawing">{drawing}{caption}</figure>'

    def markdown(self) -> str:
        words = to_markdown(self.caption or self.description or "drawing")
        return f"![{words}]({self.path})\n\n*{words}*" if self.path else f"*Figure: {words}*"

    def latex(self) -> str:
        words = to_latex(self.caption or self.description or "drawing")
        if not self.path:
            return rf"\par\noindent\textit{{Figure: {words}}}\par"
        drawing = rf"\includegraphics[width=\linewidth]{{{self.path}}}"
        return rf"\par\medskip\noindent{drawing}\par\noindent\textit{{{words}}}\par"


@dataclass(frozen=True, slots=True)
class Details:
    """Blocks that are folded away on the screen, and shown in print and in other formats."""

    summary: str
    blocks: tuple[Block, ...]

    def html(self) -> str:
        inner = "".join(block.html() for block in self.blocks)
        return f"<details><summary>{to_html(self.summary)}</summary>{inner}</details>"

    def markdown(self) -> str:
        inner = "\n\n".join(block.markdown() for block in self.blocks)
        return f"**{to_markdown(self.summary)}**\n\n{inner}"

    def latex(self) -> str:
        inner = "\n".join(block.latex() for block in self.blocks)
        return f"\\paragraph{{{to_latex(self.summary)}}}\n{inner}"


@dataclass(frozen=True, slots=True)
class TableBlock:
    """A table of results."""

    table: Any

    def html(self) -> str:
        from migdev.report.formats.html import fragment

        return f'<div class="scroll">{fragment(self.table.layout, style=False)}</div>'

    def markdown(self) -> str:
        return str(self.table.to_markdown())

    def latex(self) -> str:
        """Where the text has it, not afloat, and never wider than the page."""
        layout = self.table.layout
        title = rf"\textbf{{{to_latex(layout.title)}}}\par\smallskip" if layout.title else ""
        body = self.table.to_latex(floating=False)
        body = "\n".join(line for line in body.split("\n") if not line.startswith("%"))
        width = r"\ifdim\width>\linewidth\linewidth\else\width\fi"
        notes = "\n".join(rf"{to_latex(note)}\par" for note in layout.notes)
        notes = f"{{\\footnotesize\\noindent {notes}}}" if notes else ""
        return (
            f"\\begin{{center}}\n{title}\\resizebox{{{width}}}{{!}}{{%\n{body}}}\n\\end{{center}}\n"
            f"{notes}"
        )
