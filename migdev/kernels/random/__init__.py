"""Error components and their variances."""
