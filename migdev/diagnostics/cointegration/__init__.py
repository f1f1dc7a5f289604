"""Panel cointegration tests."""
