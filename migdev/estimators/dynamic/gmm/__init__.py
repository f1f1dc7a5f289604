"""The steps that difference and system GMM share."""
