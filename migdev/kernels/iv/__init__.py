"""Instrumental variables in an orthonormal basis of the instruments."""
