"""Granger causality."""
