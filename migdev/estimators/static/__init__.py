"""Static panels: pooled, fixed, random, between, first differences."""
