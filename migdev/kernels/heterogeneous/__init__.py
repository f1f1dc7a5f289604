"""Regressions entity by entity and their averages."""
