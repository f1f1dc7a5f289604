"""Robustness: detectable effects, equivalence, multiplicity."""
