"""Case to record, each case in a process of its own."""
