"""Thresholds: search, sequential tests, GMM."""
