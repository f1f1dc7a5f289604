"""Estimators: frozen specifications with ``.fit(panel)``."""
