"""Generalised method of moments for dynamic panels, on arrays laid out by period."""
