"""Other libraries at work behind our contracts: one file a library, imported where it is used."""
