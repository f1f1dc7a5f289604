"""Parameters under inequalities: probabilities of boxes, order-restricted likelihood."""
