"""From case to record, each case in its own process."""
