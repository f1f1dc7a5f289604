"""Regimes that a threshold divides."""
