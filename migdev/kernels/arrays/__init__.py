"""Arrays: groups, shifts, products, least squares."""
