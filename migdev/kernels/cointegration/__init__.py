"""Cointegrating regressions and tests."""
