"""Counting: how many images the parts of a data set have, before anything is prepared or written."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from redl.data.cache.entry import open_prepared
from redl.data.cache.preparation import entry_of
from redl.data.confidential import confidential
from redl.data.datasets import DataOptions, find_source, lidc_phantom, rsna_phantom
from redl.data.source import bounded, select_subjects
from redl.data.splits import Split, split_images
from redl.errors import DataError
from redl.record import Counts
from redl.study.case import Dataset
from redl.study.profile import Profile


def count_images(dataset: str, profile: Profile, options: DataOptions) -> Counts:
    """Return how many images each part of a data set has, or would have if all files can be read.

    Raise DataError for data that cannot be used, or that must be unpacked to be counted.
    """
    with confidential(dataset):
        split = _split(dataset, profile, options)
    return Counts(train=len(split.train), valid=len(split.valid), test=len(split.test))


def is_phantom(dataset: str, options: DataOptions) -> bool:
    """Return whether a phantom stands in for a data set of the study."""
    roots = {Dataset.RSNA: options.rsna_root, Dataset.LIDC: options.lidc_root}
    return dataset not in options.packed and any(dataset == name and not root for name, root in roots.items())


def _split(dataset: str, profile: Profile, options: DataOptions) -> Split:
    if packed := options.packed.get(dataset):
        if not packed.place.is_dir():
            raise DataError(f"{packed.place.name} has to be unpacked first, by a run of any case of it")
        return open_prepared(packed.place).split
    if is_phantom(dataset, options):
        labels, subjects = _drawn(dataset, profile, options)
        kept = select_subjects(subjects, profile.images)
        return split_images(subjects[kept], labels[kept])
    source = bounded(find_source(dataset, profile, options), profile.images)
    entry = entry_of(source, options.cache)
    if entry.is_dir():
        return open_prepared(entry).split
    return split_images(source.subjects, source.labels, source.parts)


def _drawn(
    dataset: str, profile: Profile, options: DataOptions
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Return labels and subjects of all images of a phantom, which need not be written."""
    if dataset == Dataset.RSNA:
        from redl.data.rsna.phantom import draw_cohort  # pydicom and scipy come with it

        return draw_cohort(rsna_phantom(profile), options.cohort)
    from redl.data.lidc.phantom import draw_patches  # pydicom comes with it

    return draw_patches(lidc_phantom(profile), options.lidc)
