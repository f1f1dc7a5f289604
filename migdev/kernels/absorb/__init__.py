"""Absorbed fixed effects: connected components, reduced systems, solvers."""
