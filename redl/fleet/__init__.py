"""The fleet: cases worked through on several workers at once, of this machine or of a Dask cluster."""
