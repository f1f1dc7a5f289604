"""The command line: study a question, see the demo, verify a package, list the hypotheses."""

from migdev.cli.entry import main

__all__ = ["main"]
