"""Marginal effects and predictions of a fit, with what they depend on."""
