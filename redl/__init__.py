"""Benchmark what resource-saving tricks save, and what they cost, in critical medical imaging models."""
