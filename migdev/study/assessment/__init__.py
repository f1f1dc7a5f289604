"""What an answer says beyond its verdict: what could be decided, what is ruled out, how rivals
compare, and what the design lets one call an effect."""
