"""Expressions of columns, in formulas and in ``panel.where``: a closed grammar, and its values."""
