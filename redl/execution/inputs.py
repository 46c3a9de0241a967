"""Inputs: from a data set's name to prepared images on disk, phantom or real."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from redl.case import Dataset
from redl.profile import Profile


def prepare(
    dataset: Dataset,
    profile: Profile,
    *,
    root: Path | None,
    cache: Path,
    on_progress: Callable[[int, int], None],
) -> Path:
    """Prepare a data set at the profile's size, once, and return where it lies.

    Without a `root` of real files a phantom is written into the cache first. Raise DataError for files that
    cannot be used.
    """
    match dataset:
        case Dataset.RSNA:
            from redl.data.phantom import Phantom, ensure_rsna  # pydicom and pandas come with them
            from redl.data.prepared import prepare_rsna

            rows = profile.phantom_rows
            phantom = Phantom(subjects=profile.phantom_subjects, rows=rows, columns=rows * 3 // 4)
            source = root or ensure_rsna(cache, phantom)
            return prepare_rsna(source, image_size=profile.image_size, cache=cache, on_progress=on_progress)
