"""Limited dependent variables."""
