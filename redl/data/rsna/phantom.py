"""A phantom of the RSNA data: synthetic mammograms in real DICOM files, laid out as Kaggle's download.

A subject who needs a follow-up has a lesion in every image. How well the best possible observer distinguishes
such subjects is in the manifest: a result that beats it has found something other than lesions.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.random import SeedSequence
from numpy.typing import NDArray

from redl.data.cache.draft import Progress, drafting, write_parts
from redl.data.observer import draw_evidence, ideal_accuracy
from redl.data.rsna.cohort import MANIFEST, TABLE, CohortRules, labels_of, select
from redl.data.rsna.phantom_examinations import FEW_PIXELS, Examination
from redl.data.rsna.phantom_image import Tissue, draw_anatomy
from redl.data.rsna.phantom_subjects import COLUMNS, POSITIVE_SUBJECTS, Row, Subject, draw_subjects
from redl.data.splits import MIN_SUBJECTS
from redl.errors import DataError

FORMAT = 3  # raise it with any change to the files that a Phantom stands for

_RANGES = {
    "prevalence": (0, 1),
    "contrast": (0, 1),
    "texture": (0, 1),
    "noise": (0.0001, 1),  # without noise an ideal observer sees through any texture
    "label_noise": (0, 0.49),
}
_OBSERVER = (
    "The ideal observer of brightness, texture and noise on the unmasked field, knowing all else of an image "
    "(outline, thickness, structures, the shape of the lesion it may hold) but not where a lesion may be."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Phantom:
    """Parameters of a phantom, from which all of it follows.

    `subjects` counts those of the cohort; a few outside it are added. `prevalence` is the share of those with
    lesions. `radius_fraction` is a lesion's radius over `rows`; for `contrast`, `texture` and `noise` see
    Tissue. With the chance `label_noise` a subject's label is recorded wrongly. By `site_leak` a third of the
    positive subjects were seen at site 2 and no one else, as in the real data. Negative subjects have more
    images than positive ones, as there, unless `even_counts`.
    """

    subjects: int
    seed: int = 2023
    rows: int = 256
    columns: int = 192
    prevalence: float = POSITIVE_SUBJECTS
    contrast: float = 0.55
    radius_fraction: float = 0.1
    texture: float = 0.08
    noise: float = 0.01
    label_noise: float = 0.0
    site_leak: bool = False
    even_counts: bool = False

    def __post_init__(self) -> None:
        """Raise DataError for a phantom too small to split or to draw, or a value out of its range."""
        if self.subjects < MIN_SUBJECTS:
            raise DataError(f"a phantom of {self.subjects} subjects: at least {MIN_SUBJECTS} are needed")
        if min(self.rows, self.columns) < 32:
            raise DataError(f"a phantom of {self.rows}x{self.columns} pixels: at least 32x32 are needed")
        if self.seed < 0:
            raise DataError(f"a phantom of seed {self.seed}: choose 0 or more")
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise DataError(f"a phantom of {name} {getattr(self, name)}: choose one from {low} to {high}")
        if not 0 < round(self.prevalence * self.subjects) < self.subjects:
            raise DataError(
                f"a phantom of prevalence {self.prevalence}: it leaves a class without subjects; add subjects"
            )
        largest = min(self.rows, self.columns) // 4
        if not 1 <= self.tissue.radius <= largest:
            raise DataError(
                f"a phantom of radius_fraction {self.radius_fraction}: lesions of {self.tissue.radius:.1f} "
                f"pixels in radius; choose 1 to {largest}"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Return its images' rows and columns."""
        return self.rows, self.columns

    @property
    def tissue(self) -> Tissue:
        """Return how its mammograms look."""
        radius = self.radius_fraction * self.rows
        return Tissue(texture=self.texture, contrast=self.contrast, radius=radius, noise=self.noise)


def ensure_rsna(cache: Path, phantom: Phantom, *, on_progress: Progress | None = None) -> Path:
    """Return the folder of `phantom` below `cache`, writing it at first use, once for all processes."""
    root = cache / f"rsna-phantom-{_digest(phantom)}"
    if root.exists():  # also in a cache that cannot be written
        return root
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(root.with_name(f"{root.name}.lock")):
        if not root.exists():
            write_rsna(root, phantom, on_progress=on_progress)
    return root


def write_rsna(
    root: Path, phantom: Phantom, *, processes: int | None = None, on_progress: Progress | None = None
) -> None:
    """Write `phantom` to the new folder `root`, all of it or nothing; equal phantoms give equal bytes.

    Finished subjects are kept in a draft beside `root`: an interrupted write resumes when it is called again.
    `processes` defaults to one per core, and to this one where starting others would take longer.
    `on_progress` is called with the images written and their total. Raise DataError where `root` exists.
    """
    with drafting(root, _digest(phantom)) as folder:
        examinations = _examinations(phantom)
        parts = [one.part(phantom) for one in examinations]
        few = FEW_PIXELS / (phantom.rows * phantom.columns)
        write_parts(folder, parts, few=few, processes=processes, on_progress=on_progress)
        _write_table(folder / TABLE, (row for one in examinations for row in one.draw_rows()[1]))
        (folder / MANIFEST).write_text(json.dumps(_manifest(phantom), indent=2), encoding="utf-8")


def draw_cohort(phantom: Phantom, rules: CohortRules) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Return labels and subjects, (N,) each, of the images that `rules` choose, without writing anything.

    They are those of `read_cohort` once the phantom is written.
    """
    import pandas as pd

    rows = [row for one in _examinations(phantom) for row in one.draw_rows()[1]]
    return labels_of(select(pd.DataFrame(rows), rules))


def _digest(phantom: Phantom) -> str:
    identity = json.dumps({"format": FORMAT, **asdict(phantom)})
    return hashlib.sha256(identity.encode()).hexdigest()[:16]


def _write_table(path: Path, rows: Iterable[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as table:
        writer = csv.DictWriter(table, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def _examinations(phantom: Phantom) -> list[Examination]:
    subjects, seeds = _subjects_and_seeds(phantom)
    total = sum(subject.images for subject in subjects)
    # In random order: consecutive, a high number within a subject would reveal a negative one.
    images = iter((100_000 + np.random.default_rng(seeds[0]).permutation(total)).tolist())
    return [
        Examination(
            subject=subject, patient=10_000 + number, images=list(islice(images, subject.images)), seed=seed
        )
        for number, (subject, seed) in enumerate(zip(subjects, seeds[1:], strict=True))
    ]


def _subjects_and_seeds(phantom: Phantom) -> tuple[list[Subject], list[SeedSequence]]:
    """Return the subjects, and a seed for the images' names and one a subject: none draws from another's."""
    first, *seeds = SeedSequence(phantom.seed).spawn(2)
    subjects = draw_subjects(
        np.random.default_rng(first),
        phantom.subjects,
        prevalence=phantom.prevalence,
        label_noise=phantom.label_noise,
        site_leak=phantom.site_leak,
        even_counts=phantom.even_counts,
    )
    return subjects, seeds + seeds[0].spawn(len(subjects))


# What can be known of it


def _manifest(phantom: Phantom) -> dict[str, object]:
    return {
        "dataset": "rsna",
        "redl_phantom": {"format": FORMAT, **asdict(phantom)},
        "ideal_accuracy": _ideal_accuracy(phantom),
        "note": "Synthetic images, written by redl: no patient was imaged.",
    }


def _ideal_accuracy(phantom: Phantom) -> dict[str, object]:
    """Return the accuracy, at the proportions of the images written, that can be exceeded only by chance."""
    absent, present = _evidence(phantom.shape, phantom.tissue)
    accuracy, error = ideal_accuracy(absent, present, _shares(phantom))
    known = " It knows the site as well." if phantom.site_leak else ""
    return {
        "accuracy": round(accuracy, 6),
        "standard_error": round(error, 6),
        "samples": len(absent),
        "observer": _OBSERVER + known,
    }


def _shares(phantom: Phantom) -> NDArray[np.float64]:
    """Return the shares of the cohort's images by group, lesions and recorded label, shape (2, 2, 2)."""
    counts = np.zeros((2, 2, 2))
    for subject in _subjects_and_seeds(phantom)[0]:
        if subject.in_cohort:
            # A leak is in the pixels too, because a machine's window shows in them: knowing it gains nothing.
            group = int(phantom.site_leak and subject.machine.site == 2)
            counts[group, int(subject.lesions), int(subject.birads == 0)] += subject.images
    shares: NDArray[np.float64] = counts / counts.sum()
    return shares


@cache
def _evidence(shape: tuple[int, int], tissue: Tissue) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return log likelihood ratios of simulated images without and with a lesion, fewer of large ones."""
    rng = np.random.default_rng(2001)
    power = tissue.power(shape)
    samples = int(np.clip(4e7 / power.size, 32, 500))
    anatomies = (draw_anatomy(rng, shape, tissue, oblique=bool(rng.integers(2))) for _ in range(samples))
    absent, present = np.array([draw_evidence(rng, it.lesion, power, it.places) for it in anatomies]).T
    return absent, present
