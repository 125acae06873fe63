"""The decisions, searched for a history that breaks them."""
