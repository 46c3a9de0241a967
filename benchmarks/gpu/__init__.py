"""What only a GPU can show; without one it runs in small, so that nothing else is untried."""
