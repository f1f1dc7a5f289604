"""Unobserved common factors."""
