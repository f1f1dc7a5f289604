"""Convergence and clubs."""
