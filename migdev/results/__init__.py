"""Results: the one estimation record, its inference, and test statistics."""
