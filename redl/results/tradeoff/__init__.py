"""The trade-off: what a setting is worth, of what it scores and what it spends."""
