"""Questions: hypotheses with rival predictions, the rule that judges them, plans, answers."""
