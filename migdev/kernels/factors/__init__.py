"""Interactive effects, complete and incomplete."""
