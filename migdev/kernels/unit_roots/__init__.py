"""Unit-root statistics and their tables."""
