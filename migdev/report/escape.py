"""Plain text made safe for each format."""

from __future__ import annotations

import html
import re

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_SPACE = re.compile(r"[\t\r\n\x85\u2028\u2029]+")

_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "`": r"\textasciigrave{}",
    '"': r'\texttt{"}',
    "²": r"\textsuperscript{2}", "³": r"\textsuperscript{3}", "×": r"$\times$", "·": r"$\cdot$",
    "−": "$-$", "–": "--", "—": "---",
    "±": r"$\pm$", "≤": r"$\leq$", "≥": r"$\geq$", "≠": r"$\neq$",
    "…": r"\ldots{}", "→": r"$\to$", "∞": r"$\infty$", "†": r"\textdagger{}",
    "‡": r"\textdaggerdbl{}", "\u00a0": "~", "\u2009": r"\,", "\u2011": "-",
    "α": r"$\alpha$", "β": r"$\beta$", "γ": r"$\gamma$", "δ": r"$\delta$", "Δ": r"$\Delta$",
    "ε": r"$\varepsilon$", "θ": r"$\theta$", "λ": r"$\lambda$", "μ": r"$\mu$", "ρ": r"$\rho$",
    "σ": r"$\sigma$", "Σ": r"$\Sigma$", "τ": r"$\tau$", "φ": r"$\phi$", "χ": r"$\chi$",
    "ψ": r"$\psi$", "ω": r"$\omega$", "η": r"$\eta$", "π": r"$\pi$",
}  # fmt: skip
_LATEX_PATTERN = re.compile("|".join(re.escape(c) for c in _LATEX))
_LIGATURE = re.compile(r"(-|,)(?=\1)")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#+!|$~&^=])")
_LIST = re.compile(r"^(\s*\d*)([-.)])(?=\s|$)")
_CELL = re.compile(r"[-+]?[\d.,\s]+(?:[eE][-+]?\d+)?%?[*†‡§¶\])]*$")
_NUMBER = re.compile(r"^[\[\](){}0-9.,eE+\-%\s]*$")


def plain(text: str) -> str:
    """One line without control characters, which no format can hold."""
    return text if text.isprintable() else _CONTROL.sub("", _SPACE.sub(" ", text))


def to_sheet(text: str) -> str:
    """Text of a CSV cell that no spreadsheet takes for a formula: an apostrophe before what begins
    like one; numbers, with marks of significance or not, stay."""
    line = plain(text)
    return f"'{line}" if line[:1] in {*"=+-@"} and not _CELL.match(line) else line


def to_html(text: str) -> str:
    return html.escape(plain(text), quote=True)


def to_latex(text: str) -> str:
    text = _LIGATURE.sub(lambda m: f"{m[1]}\x00", plain(text))
    return _LATEX_PATTERN.sub(lambda m: _LATEX[m[0]], text).replace("\x00", "{}")


def to_latex_start(text: str) -> str:
    """Text after ``\\\\`` or ``\\item``, which would read a bracket or star as their option."""
    escaped = to_latex(text)
    return f"{{}}{escaped}" if escaped.lstrip()[:1] in ("[", "*") else escaped


def to_latex_number(text: str) -> str:
    """A number with true minus signs."""
    return to_latex(text.replace("-", "−"))


def to_markdown(text: str) -> str:
    """CommonMark with the tables of GitHub."""
    escaped = _MARKDOWN.sub(r"\\\1", plain(text))
    return _LIST.sub(r"\1\\\2", escaped)  # no list where a line starts with "- " or "1. "


def to_markdown_number(text: str) -> str:
    return text if _NUMBER.match(text) else to_markdown(text)


def true_minus(text: str) -> str:
    """A number with the minus sign of typography."""
    return text.replace("-", "−")


def latex_label(text: str) -> str:
    """A name for \\label, of letters, digits and ``:-_.``."""
    return re.sub(r"[^A-Za-z0-9:_.\-]+", "-", text).strip("-")
