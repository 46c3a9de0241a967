"""Arrays to a trained model and its scores."""
