"""What a GPU must show of redl; skipped where there is none."""
