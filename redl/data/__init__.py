"""Files to arrays: DICOM, cohorts, splits, phantoms and the cache of prepared images."""
