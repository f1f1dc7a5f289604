"""Sources: the only code that touches network, cache or files of data. Each gives an Extract."""
