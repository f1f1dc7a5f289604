"""Instrumental variables: the equation, its result, and the tests of its instruments."""
