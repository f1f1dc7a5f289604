"""Granger causality in panels."""
