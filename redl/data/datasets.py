"""Data sets by name, prepared on disk: a phantom, a download or your own."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from redl.data.cache.entry import open_prepared
from redl.data.cache.packing import Packed, find_packed, unpack
from redl.data.cache.preparation import OnProgress, prepare, silent
from redl.data.confidential import confidential
from redl.data.folder import Folder, check_folder, folder_source
from redl.data.lidc.rules import LidcRules
from redl.data.medmnist import MedMnist, check_medmnist, medmnist_source
from redl.data.options import MAX_DUPLICATES, MAX_UNREADABLE
from redl.data.rsna.cohort import CohortRules, check_root, rsna_source
from redl.data.source import Source, bounded
from redl.data.splits import MIN_SUBJECTS
from redl.errors import DataError, OptionError
from redl.study.case import Dataset
from redl.study.profile import Profile

if TYPE_CHECKING:
    from redl.data.lidc.phantom import LidcPhantom
    from redl.data.rsna.phantom import Phantom

OwnData = Folder | MedMnist

# Of a phantom's subjects, on average.
_IMAGES_OF_SUBJECT = 11856 / 3199
_PATCHES_OF_PATIENT = 11.0  # of those with few slices, who come first; 18 of all


def _silently(what: str) -> OnProgress:  # noqa: ARG001 - shows nothing
    return silent


@dataclass(frozen=True, kw_only=True, slots=True)
class DataOptions:
    """Where data are and what is selected from them; a data set without a root is a phantom.

    `crop` crops mammograms to the breast; without it they are resized whole, as published. `prepared` brings
    data sets that `redl data pack` wrote, which need no root; `packed` are these by name.
    """

    cache: Path
    rsna_root: Path | None = None
    cohort: CohortRules = field(default_factory=CohortRules)
    crop: bool = True
    lidc_root: Path | None = None
    lidc: LidcRules = field(default_factory=LidcRules)
    folders: tuple[OwnData, ...] = ()
    max_unreadable: float = MAX_UNREADABLE
    max_duplicates: float = MAX_DUPLICATES
    prepared: Path | None = None
    packed: dict[str, Packed] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raise OptionError or DataError for what cannot be used, before anything is read."""
        if not 0 <= self.max_unreadable <= 1:
            raise OptionError(f"a share of {self.max_unreadable} unreadable files: give one from 0 to 1")
        if not 0 <= self.max_duplicates <= 1:
            raise OptionError(f"a share of {self.max_duplicates} duplicates: give one from 0 to 1")
        # Looked for once; the class is frozen.
        object.__setattr__(self, "packed", {} if self.prepared is None else find_packed(self.prepared))
        names = [folder.name for folder in self.folders]
        if repeated := {name for name in names if names.count(name) > 1}:
            raise OptionError(f"data set {repeated.pop()} is declared twice; rename one")
        if self.rsna_root is not None:
            with confidential(Dataset.RSNA):
                check_root(self.rsna_root, self.cohort)
        if self.lidc_root is not None:
            from redl.data.lidc.source import find_patients  # scipy and pydicom come with it

            with confidential(Dataset.LIDC):
                find_patients(self.lidc_root)
        for name, root in ((Dataset.RSNA, self.rsna_root), (Dataset.LIDC, self.lidc_root)):
            if root is not None and name in self.packed:
                raise OptionError(f"--redl-prepared brings {name}; leave its root out")
        for own in self.folders:
            with confidential(own.name):
                match own:
                    case Folder():
                        check_folder(own)
                    case MedMnist():
                        check_medmnist(own)

    @property
    def datasets(self) -> tuple[str, ...]:
        """Return the names of all data sets: the study's, then your own."""
        return tuple(dict.fromkeys((*Dataset, *(own.name for own in self.folders), *self.packed)))


def prepare_dataset(
    dataset: str,
    profile: Profile,
    options: DataOptions,
    *,
    on_progress: Callable[[str], OnProgress] = _silently,
) -> Path:
    """Prepare a data set at the profile's size, unless it is prepared already, and return its folder.

    `on_progress` is called with the name of a long step and returns a function of (done, total).
    Raise DataError for files that cannot be used.
    """
    if packed := options.packed.get(dataset):
        return _brought(packed, profile, options)
    source = bounded(find_source(dataset, profile, options, on_progress=on_progress), profile.images)
    return prepare(
        source,
        cache=options.cache,
        max_unreadable=options.max_unreadable,
        max_duplicates=options.max_duplicates,
        on_progress=on_progress(f"{dataset}: preparing images"),
    )


def _brought(packed: Packed, profile: Profile, options: DataOptions) -> Path:
    """Return the folder of a data set that was brought; raise DataError if it is not what is asked for."""
    entry = unpack(packed, options.cache)
    prepared = open_prepared(entry)
    size, images = prepared.images.shape[1], len(prepared.labels)
    if size != profile.image_size:
        raise DataError(
            f"--redl-prepared: {packed.dataset} has images of {size} pixels and the profile wants "
            f"{profile.image_size}; pack it with --image-size={profile.image_size}"
        )
    if profile.images is not None and images > profile.images:
        raise DataError(
            f"--redl-prepared: {packed.dataset} has {images} images and --redl-images asks for at most "
            f"{profile.images}; pack it with --images={profile.images}"
        )
    return entry


def find_source(
    dataset: str,
    profile: Profile,
    options: DataOptions,
    *,
    on_progress: Callable[[str], OnProgress] = _silently,
) -> Source:
    """Return the source of a data set; a phantom in its place is written to the cache at first use."""
    on_phantom = on_progress(f"{dataset}: writing the phantom")
    match dataset:
        case Dataset.RSNA:
            root = options.rsna_root
            if root is None:
                from redl.data.rsna.phantom import ensure_rsna  # pydicom and scipy come with it

                root = ensure_rsna(options.cache, rsna_phantom(profile), on_progress=on_phantom)
            return rsna_source(root, rules=options.cohort, image_size=profile.image_size, crop=options.crop)
        case Dataset.LIDC:
            from redl.data.lidc.source import lidc_source  # scipy and pydicom come with it

            root = options.lidc_root
            if root is None:
                from redl.data.lidc.phantom import ensure_lidc  # pydicom comes with it

                root = ensure_lidc(options.cache, lidc_phantom(profile), on_progress=on_phantom)
            return lidc_source(root, options.lidc, image_size=profile.image_size)
        case _:
            (own,) = (folder for folder in options.folders if folder.name == dataset)
            if isinstance(own, MedMnist):
                return medmnist_source(own, image_size=profile.image_size)
            return folder_source(own, image_size=profile.image_size)


def rsna_phantom(profile: Profile) -> Phantom:
    """Return the profile's phantom: only as many subjects as the profile's `images` need."""
    from redl.data.rsna.phantom import Phantom  # pydicom and scipy come with it

    rows = profile.phantom_rows
    contrast, radius, texture = profile.phantom_lesions
    return Phantom(
        subjects=_needed(profile.images, _IMAGES_OF_SUBJECT, profile.phantom_subjects),
        rows=rows,
        columns=rows * 3 // 4,
        contrast=contrast,
        radius_fraction=radius,
        texture=texture,
    )


def lidc_phantom(profile: Profile) -> LidcPhantom:
    """Return the profile's phantom: only as many patients as the profile's `images` need."""
    from redl.data.lidc.phantom import LidcPhantom  # pydicom comes with it

    contrast, texture, noise = profile.phantom_hu
    return LidcPhantom(
        patients=_needed(profile.images, _PATCHES_OF_PATIENT, profile.phantom_patients),
        contrast_hu=contrast,
        texture_hu=texture,
        noise_hu=noise,
    )


def _needed(images: int | None, of_subject: float, most: int) -> int:
    """Return how many of at most `most` subjects have `images` images; where that is None, all.

    A phantom is made to order, so those whom `bounded` would leave out need not be drawn: at the paper's size
    all of them take minutes and 2 GB. A tenth and five are added, because some have fewer images than others,
    and so that the fewest can be split.
    """
    return most if images is None else min(most, math.ceil(1.1 * images / of_subject) + MIN_SUBJECTS)
