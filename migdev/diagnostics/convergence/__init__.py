"""Convergence of entities."""
