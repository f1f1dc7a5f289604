"""Moments of linear fits and the covariances built from them."""
