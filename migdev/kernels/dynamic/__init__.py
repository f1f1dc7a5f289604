"""Dynamic panels: GMM laid out by period, bias corrections."""
