"""Sphinx configuration: ``python -m sphinx -W docs docs/_build``."""

import inspect
from pathlib import Path

import migdev
from migdev import diagnostics, hypotheses, replication, robustness, simulate, testing

project = "migdev"
author = "The migdev developers"
version = release = migdev.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence"]
nb_execution_mode = "off"
autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_use_rtype = False
html_theme = "pydata_sphinx_theme"
exclude_patterns = ["_build"]
suppress_warnings = ["ref.python"]  # fields of the same name in several records

ROOMS = (migdev, diagnostics, hypotheses, robustness, replication, simulate, testing)


def public(room):
    """Names that a user may rely on, with what they are."""
    names = getattr(room, "_HOME", None) or getattr(room, "__all__", None) or vars(room)
    found = {name: getattr(room, name) for name in sorted(names) if not name.startswith("_")}
    return {
        name: item
        for name, item in found.items()
        if getattr(item, "__module__", "").startswith(room.__name__)
    }


def write_api(app):
    """One page per room: every public name with its docstring."""
    folder = Path(app.srcdir) / "api"
    folder.mkdir(exist_ok=True)
    for room in ROOMS:
        title = room.__name__
        lines = [title, "=" * len(title), ""]
        for name, item in public(room).items():
            kind = "autoclass" if inspect.isclass(item) else "autofunction"
            lines += [f".. {kind}:: {title}.{name}"]
            if kind == "autoclass":
                lines += ["   :members:"]
            lines += [""]
        page = folder / f"{title}.rst"
        text = "\n".join(lines)
        if not page.exists() or page.read_text() != text:
            page.write_text(text)


def setup(app):
    app.connect("builder-inited", write_api)
