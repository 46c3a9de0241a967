"""A phantom of the RSNA data: synthetic mammograms in real DICOM files, laid out as Kaggle's download.

The table's proportions are those of the paper's cohort. A subject who needs a follow-up has a lesion in every
image; site and machine, and with them everything about a file but its pixels, know nothing of the label.
In the real data they do: of all images of site 2 in the cohort, every one is positive.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from filelock import FileLock
from numpy.random import Generator, SeedSequence

from redl.data.dicom import BITS_STORED, Encoding, write_image
from redl.data.mammogram import Tissue, draw_mammogram
from redl.data.rsna import IMAGES, MANIFEST, MAX_AGE, TABLE
from redl.data.splits import MIN_SUBJECTS
from redl.errors import DataError

FORMAT = 1  # raise it with any change to the files that a Phantom stands for

Row = dict[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Phantom:
    """Hold everything a phantom follows from.

    `subjects` counts those of the cohort; a few outside it are added. `radius_fraction` is a lesion's radius
    over `rows`; for `contrast`, `texture` and `noise` see Tissue.
    """

    subjects: int
    seed: int = 2023
    rows: int = 256
    columns: int = 192
    contrast: float = 0.55
    radius_fraction: float = 0.1
    texture: float = 0.08
    noise: float = 0.01

    def __post_init__(self) -> None:
        """Raise DataError for a phantom too small to split or to draw."""
        if self.subjects < MIN_SUBJECTS:
            raise DataError(f"a phantom of {self.subjects} subjects: at least {MIN_SUBJECTS} are needed")
        if min(self.rows, self.columns) < 32:
            raise DataError(f"a phantom of {self.rows}x{self.columns} pixels: at least 32x32 are needed")

    @property
    def tissue(self) -> Tissue:
        """Return how its mammograms look."""
        radius = self.radius_fraction * self.rows
        return Tissue(texture=self.texture, contrast=self.contrast, radius=radius, noise=self.noise)


def ensure_rsna(cache: Path, phantom: Phantom) -> Path:
    """Return the folder of `phantom` below `cache`, writing it at first use, once for all processes."""
    root = cache / f"rsna-phantom-{hashlib.sha256(_manifest(phantom).encode()).hexdigest()[:16]}"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(root.with_name(f"{root.name}.lock")):
        if not root.exists():
            write_rsna(root, phantom)
    return root


def write_rsna(root: Path, phantom: Phantom) -> None:
    """Write `phantom` to the new folder `root`, all of it or nothing; equal phantoms give equal bytes.

    Raise DataError where `root` exists.
    """
    if root.exists():
        raise DataError(f"{root}: exists already; name a new folder")
    root.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=root.parent, prefix=f".{root.name}-") as scratch:
        whole = Path(scratch) / root.name
        (whole / IMAGES).mkdir(parents=True)
        (whole / MANIFEST).write_text(_manifest(phantom), encoding="utf-8")
        _write_table(whole / TABLE, _write_subjects(whole / IMAGES, phantom))
        whole.replace(root)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Machine:
    id: int
    site: int
    share: float
    encoding: Encoding


_MACHINES = (
    _Machine(id=49, site=1, share=0.38, encoding=Encoding(jpeg2000=True, inverted=True, sigmoid=False)),
    _Machine(id=48, site=1, share=0.22, encoding=Encoding(jpeg2000=False, inverted=False, sigmoid=True)),
    _Machine(id=21, site=1, share=0.20, encoding=Encoding(jpeg2000=False, inverted=True, sigmoid=False)),
    _Machine(id=29, site=2, share=0.20, encoding=Encoding(jpeg2000=False, inverted=False, sigmoid=False)),
)

# Of the paper's cohort: 3953 images of BI-RADS 0, 2.5 a subject; 7082 and 821 of 1 and 2, 4.9 a subject.
_POSITIVE_SUBJECTS = 0.494
_BIRADS_2 = 821 / (7082 + 821)
_IMAGES_OF_POSITIVE = {2: 0.60, 3: 0.30, 4: 0.10}
_IMAGES_OF_NEGATIVE = {4: 0.62, 5: 0.15, 6: 0.13, 8: 0.08, 14: 0.02}
_VIEWS = (("L", "CC"), ("L", "MLO"), ("R", "CC"), ("R", "MLO"))
_COLUMNS = (
    *("site_id", "patient_id", "image_id", "laterality", "view", "age", "cancer", "biopsy", "invasive"),
    *("BIRADS", "implant", "density", "machine_id", "difficult_negative_case"),
)


def _manifest(phantom: Phantom) -> str:
    note = "Synthetic images, written by redl: no patient was imaged."
    return json.dumps({"redl_phantom": {"format": FORMAT, **asdict(phantom)}, "note": note}, indent=2)


def _write_table(path: Path, rows: Iterable[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as table:
        writer = csv.DictWriter(table, _COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Category:
    """Hold what decides whether a subject is in the cohort, and on which side; None where unknown."""

    age: int | None
    birads: int | None


def _write_subjects(folder: Path, phantom: Phantom) -> Iterator[Row]:
    """Write every subject's images and yield their rows of train.csv."""
    rng, *rngs = _generators(phantom)
    for number, category in enumerate(_draw_categories(rng, phantom.subjects)):
        yield from _write_subject(folder, phantom, category, patient=10_000 + number, rng=rngs[number])


def _generators(phantom: Phantom) -> list[Generator]:
    """Return one generator for the table and one a subject: what one draws can't shift another's."""
    seeds = SeedSequence(phantom.seed).spawn(1 + phantom.subjects + _outsiders(phantom.subjects))
    return [np.random.default_rng(seed) for seed in seeds]


def _outsiders(subjects: int) -> int:
    """Return how many subjects to add outside the cohort, so that selecting it has something to do."""
    return max(3, subjects // 20)


def _draw_categories(rng: Generator, subjects: int) -> list[_Category]:
    positive = round(_POSITIVE_SUBJECTS * subjects)
    benign = round(_BIRADS_2 * (subjects - positive))
    known = [0] * positive + [2] * benign + [1] * (subjects - positive - benign)
    categories = [_Category(age=_draw_young(rng), birads=birads) for birads in known]
    for number in range(_outsiders(subjects)):
        old = int(rng.integers(MAX_AGE, 90))
        outside = (
            _Category(age=old, birads=int(rng.integers(3))),
            _Category(age=_draw_young(rng), birads=None),
            _Category(age=None, birads=1),
        )
        categories.append(outside[number % 3])
    return [categories[place] for place in rng.permutation(len(categories))]


def _draw_young(rng: Generator) -> int:
    return int(rng.triangular(26, 50, MAX_AGE))


def _write_subject(
    folder: Path, phantom: Phantom, category: _Category, *, patient: int, rng: Generator
) -> Iterator[Row]:
    positive = category.birads == 0
    machine = _MACHINES[rng.choice(len(_MACHINES), p=[machine.share for machine in _MACHINES])]
    shared = _shared_columns(rng, category) | {
        "site_id": machine.site,
        "machine_id": machine.id,
        "patient_id": patient,
    }
    (folder / str(patient)).mkdir()
    views = rng.permutation(_VIEWS)
    for number in range(_draw_count(rng, _IMAGES_OF_POSITIVE if positive else _IMAGES_OF_NEGATIVE)):
        image, (laterality, view) = patient * 100 + number, views[number % len(views)]
        pixels = draw_mammogram(
            rng, (phantom.rows, phantom.columns), phantom.tissue, lesion=positive, mirrored=laterality == "R"
        )
        write_image(
            folder / str(patient) / f"{image}.dcm",
            np.round(pixels * (2**BITS_STORED - 1)).astype(np.uint16),
            machine.encoding,
            patient=str(patient),
            key=f"{phantom.seed}/{image}",
        )
        yield shared | {"image_id": image, "laterality": laterality, "view": view}


def _draw_count(rng: Generator, chances: dict[int, float]) -> int:
    return int(rng.choice(list(chances), p=list(chances.values())))


def _shared_columns(rng: Generator, category: _Category) -> Row:
    """Draw the columns of a subject that nothing here reads, as they are in the real table; None is empty."""
    recalled = category.birads == 0
    cancer = int(recalled and rng.random() < 0.05)
    return {
        "age": category.age,
        "BIRADS": category.birads,
        "cancer": cancer,
        "biopsy": int(cancer or (recalled and rng.random() < 0.15)),
        "invasive": int(cancer and rng.random() < 0.7),
        "implant": int(rng.random() < 0.06),
        "density": None if rng.random() < 0.46 else str(rng.choice(["A", "B", "C", "D"])),
        "difficult_negative_case": bool(recalled and not cancer and rng.random() < 0.3),
    }
