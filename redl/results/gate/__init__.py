"""The gate: whether a run is worse than its baseline by more than its rules allow."""
