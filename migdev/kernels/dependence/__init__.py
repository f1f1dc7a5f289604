"""Dependence between entities."""
