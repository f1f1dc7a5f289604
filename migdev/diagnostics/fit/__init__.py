"""Tests of a specification: effects, serial correlation, pooling."""
