"""A layout in each format."""
