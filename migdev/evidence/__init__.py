"""Published evidence, and where a new estimate stands in it."""
