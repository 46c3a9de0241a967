"""Non-inferiority: whether a saving costs performance, over new seeds and new patients."""
