"""The forecast: what a run would take, told from saved runs of the same machine before it begins."""
