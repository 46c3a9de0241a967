"""A phantom's examinations: the rows and the folder of images of each subject, none drawn from another's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.random import Generator, SeedSequence

from redl.data.cache.draft import Part
from redl.data.dicom import BITS_STORED, write_image
from redl.data.rsna.cohort import IMAGES
from redl.data.rsna.phantom_image import draw_anatomy, draw_mammogram
from redl.data.rsna.phantom_subjects import Row, Subject, describe

if TYPE_CHECKING:
    from redl.data.rsna.phantom import Phantom

_VIEWS = (("L", "CC"), ("L", "MLO"), ("R", "CC"), ("R", "MLO"))
FEW_PIXELS = 8_000_000  # in all images; at 5 million, two processes take as long as one, starting included


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

    def part(self, phantom: Phantom) -> Part:
        """Return the folder of the images, which count for its size."""
        return Part(
            name=f"subject {self.patient}",
            place=Path(IMAGES, str(self.patient)),
            size=len(self.images),
            fill=partial(_fill, phantom, self),
        )


def _fill(phantom: Phantom, one: Examination, folder: Path) -> None:
    rng, rows = one.draw_rows()
    for row in rows:
        _write_image(rng, folder, phantom, one, row)


def _write_image(rng: Generator, folder: Path, phantom: Phantom, one: Examination, row: Row) -> None:
    anatomy = draw_anatomy(rng, phantom.shape, phantom.tissue, oblique=row["view"] == "MLO")
    pixels = draw_mammogram(
        rng, anatomy, phantom.tissue, lesion=one.subject.lesions, mirrored=row["laterality"] == "R"
    )
    write_image(
        folder / f"{row['image_id']}.dcm",
        np.round(pixels * (2**BITS_STORED - 1)).astype(np.uint16),
        one.subject.machine.encoding,
        patient=str(one.patient),
        key=f"{phantom.seed}/{row['image_id']}",
    )
