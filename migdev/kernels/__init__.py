"""Numbers: numpy and scipy on arrays. Nothing here knows pandas, panels or formulas."""
