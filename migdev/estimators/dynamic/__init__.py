"""Dynamic panels: GMM, bias corrections, non-linear moments."""
