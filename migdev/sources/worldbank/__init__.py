"""The World Bank: its live service, and the files that it hands out."""
