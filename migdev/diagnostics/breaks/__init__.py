"""Breaks at unknown dates."""
