"""A subset of a data set: some of its subjects, whole, for a run with fewer images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from redl.data.source import Source

_SEED = 1  # the same subjects for every run of as many images


def bounded(source: Source, images: int | None) -> Source:
    """Take subjects at random, each with all its images, as long as they have at most `images` together.

    None takes all. What is left out is never decoded.
    """
    if images is None or len(source.labels) <= images:
        return source
    subjects, counts = np.unique(source.subjects, return_counts=True)
    order = np.random.default_rng(_SEED).permutation(len(subjects))
    taken = subjects[order][np.cumsum(counts[order]) <= images]
    rows = np.isin(source.subjects, taken)
    first_rows = np.cumsum([0, *(item.rows for item in source.items)])[:-1]
    return replace(
        source,
        items=tuple(item for item, row in zip(source.items, first_rows, strict=True) if rows[row]),
        labels=source.labels[rows],
        subjects=source.subjects[rows],
        raters=None if source.raters is None else source.raters[rows],
        options=source.options | {"at_most_images": images},
    )
