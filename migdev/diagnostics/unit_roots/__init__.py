"""Panel unit-root tests."""
