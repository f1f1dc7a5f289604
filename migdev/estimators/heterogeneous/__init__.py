"""Slopes that differ by entity."""
