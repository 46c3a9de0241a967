"""Your own data set: a folder of DICOM or PNG files, and a table of their subjects and labels.

The table is a CSV file with the columns `image` (a file below the folder), `subject` and `label` (0 or 1).
Messages name an image by its row, because the name of the file may be a patient's.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from redl.data.source import Item, Source, stamp_of
from redl.errors import DataError
from redl.study.case import Dataset, check_name

NEEDED_COLUMNS = ("image", "subject", "label")

# What spreadsheets and pandas make of 0 and 1.
_LABELS = {"0": 0, "0.0": 0, "false": 0, "1": 1, "1.0": 1, "true": 1}

_DICOM = {".dcm", ".dicom", ""}
_PNG = {".png"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Folder:
    """A data set `name` of the files below `images` that `table` lists.

    With `crop` an image is cropped to its largest bright part, as mammograms are; without, it is resized
    whole.

    >>> from pathlib import Path
    >>> Folder(name="clinic", images=Path("images"), table=Path("labels.csv")).crop
    False
    """

    name: str
    images: Path
    table: Path
    crop: bool = False

    def __post_init__(self) -> None:
        """Raise OptionError for a name that cannot be part of a case's id or of `-k`."""
        check_name(self.name, "data set", Dataset)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    image: str
    subject: str
    label: int


def check_folder(folder: Folder) -> None:
    """Raise DataError unless the folder exists and its whole table can be read."""
    if not folder.images.is_dir():
        raise DataError(f"{folder.images}: no such folder; correct `images` of data set {folder.name}")
    _read_rows(folder.table)


def folder_source(folder: Folder, *, image_size: int) -> Source:
    """Return the source of the folder's images, `image_size` pixels a side; raise DataError if unusable."""
    check_folder(folder)
    rows = _read_rows(folder.table)
    _, subjects = np.unique([row.subject for row in rows], return_inverse=True)
    items = []
    for number, row in enumerate(rows, 1):
        name, path = f"row {number}", folder.images / row.image
        work = partial(_load, path, name=name, size=image_size, crop=folder.crop)
        items.append(Item(name=name, stamp=stamp_of(path, below=folder.images), rows=1, work=work))
    return Source(
        dataset=folder.name,
        image_size=image_size,
        items=tuple(items),
        labels=np.array([row.label for row in rows], np.uint8),
        subjects=subjects.astype(np.int32),
        options={"crop": folder.crop},
        synthetic=False,
    )


def _read_rows(table: Path) -> list[_Row]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            # As people write them: `Image`, `LABEL `.
            reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
            missing = [column for column in NEEDED_COLUMNS if column not in reader.fieldnames]
            if missing:
                raise DataError(f"{table.name}: has no column {', '.join(missing)}; add it")
            rows = [_parse(line, f"{table.name} row {number}") for number, line in enumerate(reader, 1)]
    except FileNotFoundError:
        raise DataError(f"{table.name}: no such table; write one with {', '.join(NEEDED_COLUMNS)}") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{table.name}: cannot be read ({type(error).__name__}); save it as CSV") from None
    if not rows:
        raise DataError(f"{table.name}: lists no image; add a row for each")
    if repeated := len(rows) - len({row.image for row in rows}):
        raise DataError(f"{table.name}: {repeated} rows repeat an image; keep one row of each")
    return rows


def _parse(line: dict[str, str | None], where: str) -> _Row:
    """Read a row; messages quote none of its values, which may be a patient's."""
    image, subject, label = ((line[column] or "").strip() for column in NEEDED_COLUMNS)
    if not image or not subject:
        raise DataError(f"{where}: image or subject is empty; fill it in")
    if Path(image).is_absolute() or ".." in Path(image).parts:
        raise DataError(f"{where}: image must name a file below the folder; correct it")
    if Path(image).suffix.lower() not in _DICOM | _PNG:
        raise DataError(f"{where}: neither a DICOM nor a PNG file; convert it to one")
    if label.lower() not in _LABELS:
        raise DataError(f"{where}: label must be 0 or 1; correct it")
    return _Row(image=image, subject=subject, label=_LABELS[label.lower()])


def _load(path: Path, *, name: str, size: int, crop: bool) -> NDArray[np.uint8]:
    from redl.data.rsna.cropping import frame, load_mammogram  # their decoders come with them

    try:
        if path.suffix.lower() in _PNG:
            return frame(_read_png(path), size, crop=crop)[None]
        return load_mammogram(path, size=size, crop=crop)
    except DataError as error:
        raise DataError(f"{name}: {str(error).removeprefix(f'{path.name}: ')}") from None


def _read_png(path: Path) -> NDArray[np.float32]:
    """Read a grey PNG of 8 or 16 bits, shape (H, W), 0 black to 1 white, on the scale of its bits."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path, formats=["PNG"]) as image:
            if image.mode not in {"1", "L", "I;16", "I"}:
                raise DataError(f"{path.name}: not a grey image; convert it to one channel")
            full = {"1": 1, "L": 255}.get(image.mode, 65535)
            return np.asarray(image, np.float32) / np.float32(full)
    except (UnidentifiedImageError, SyntaxError):
        raise DataError(f"{path.name}: not a PNG file; export it again") from None
    except (OSError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(f"{path.name}: cannot be read ({type(error).__name__}); check the file") from None
