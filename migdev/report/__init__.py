"""Tables, figures and pages: they read results, never an estimator."""
