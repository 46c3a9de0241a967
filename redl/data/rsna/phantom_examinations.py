"""A phantom's examinations: each subject's folder of images, whole or absent, drawn on all cores."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from numpy.random import Generator, SeedSequence

from redl.data.cache.pool import Died, Pool
from redl.data.dicom import BITS_STORED, write_image
from redl.data.rsna.phantom_image import draw_anatomy, draw_mammogram
from redl.data.rsna.phantom_subjects import Row, Subject, describe
from redl.errors import RedlError
from redl.processors import usable_processors

if TYPE_CHECKING:
    from redl.data.rsna.phantom import Phantom

_VIEWS = (("L", "CC"), ("L", "MLO"), ("R", "CC"), ("R", "MLO"))
_FEW_PIXELS = 8_000_000  # in all images; at 5 million, two processes take as long as one, starting included


@dataclass(frozen=True, kw_only=True, slots=True)
class Examination:
    """All that a subject's rows and images follow from.

    `patient` and `images` are the names of the folder and of the files in it.
    """

    subject: Subject
    patient: int
    images: list[int]
    seed: SeedSequence

    def draw_rows(self) -> tuple[Generator, list[Row]]:
        """Draw the rows of the table, and return them after the generator that next draws the images."""
        rng = np.random.default_rng(self.seed)
        shared = describe(rng, self.subject) | {"patient_id": self.patient}
        views = [{"laterality": side, "view": view} for side, view in rng.permutation(_VIEWS)]
        rows = zip(self.images, cycle(views), strict=False)
        return rng, [shared | {"image_id": image} | view for image, view in rows]


def write_images(
    folder: Path, scratch: Path, phantom: Phantom, examinations: Sequence[Examination], processes: int | None
) -> Iterator[Examination]:
    """Write each subject's images and yield it, in any order.

    A subject's folder is complete once it is in `folder`; until then it is in `scratch`, on the same disk.
    `processes` defaults to one per core, and to this one where starting others would take longer.
    """
    if processes is None:
        pixels = sum(len(one.images) for one in examinations) * phantom.rows * phantom.columns
        processes = 1 if pixels < _FEW_PIXELS else usable_processors()
    tasks = ((one, partial(_write, folder, scratch, phantom, one)) for one in examinations)
    if processes == 1:
        for one, write in tasks:
            write()
            yield one
        return
    with Pool(processes) as pool:
        for one, written in pool.run(tasks):
            if isinstance(written, Died):
                raise RedlError(
                    f"subject {one.patient} of the phantom: a process dies of it; free some memory"
                )
            yield one


def _write(folder: Path, scratch: Path, phantom: Phantom, one: Examination) -> None:
    rng, rows = one.draw_rows()
    # In a folder of its own: a process that outlives its parent for a moment may still write this subject.
    with TemporaryDirectory(dir=scratch) as own:
        unfinished = Path(own) / str(one.patient)
        unfinished.mkdir()
        for row in rows:
            _write_image(rng, unfinished, phantom, one, row)
        if not (folder / unfinished.name).exists():
            unfinished.replace(folder / unfinished.name)


def _write_image(rng: Generator, folder: Path, phantom: Phantom, one: Examination, row: Row) -> None:
    anatomy = draw_anatomy(rng, phantom.shape, phantom.tissue, oblique=row["view"] == "MLO")
    pixels = draw_mammogram(
        rng, anatomy, phantom.tissue, lesion=one.subject.lesions, mirrored=row["laterality"] == "R"
    )
    path = folder / f"{row['image_id']}.dcm"
    write_image(
        path,
        np.round(pixels * (2**BITS_STORED - 1)).astype(np.uint16),
        one.subject.machine.encoding,
        patient=str(one.patient),
        key=f"{phantom.seed}/{row['image_id']}",
    )
    with path.open("rb") as file:  # or a power cut could leave a finished subject with empty files
        os.fsync(file.fileno())
