"""Systems of equations."""
