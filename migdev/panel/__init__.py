"""Panels: entity x time data, their operators, joins, windows and formulas."""
