"""Sphinx configuration: ``python -m sphinx -W docs docs/_build``."""

from migdev import __version__

project = "migdev"
author = "The migdev developers"
version = release = __version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence"]
nb_execution_mode = "off"
html_theme = "pydata_sphinx_theme"
exclude_patterns = ["_build"]
