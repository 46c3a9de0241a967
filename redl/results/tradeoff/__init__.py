"""The trade-off: what a setting scores, what it costs, and what it is worth."""
