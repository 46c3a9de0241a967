"""The gate: whether a run is worse than its baseline, by rules, beyond what equal runs differ by."""
