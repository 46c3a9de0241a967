"""Your own data set: a folder of images, and a table or folders of classes that say what they show.

Messages name an image by its row, or by its number within its class, because the name of the file may be a
patient's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from redl.data.outside import refuse_outside
from redl.data.source import MISSING, Images, Item, Source, stamp_of
from redl.data.table import read_rows
from redl.errors import DataError, OptionError
from redl.study.case import Dataset, check_name

COLUMNS = ("image", "subject", "label")

# What spreadsheets and pandas make of 0 and 1.
_LABELS = {
    **dict.fromkeys(("0", "0.0", "0,0", "false"), 0),
    **dict.fromkeys(("1", "1.0", "1,0", "true"), 1),
}
_NO_IMAGES = {"thumbs.db", "desktop.ini"}  # which file managers leave behind
_HEAD = 132  # bytes by which a file is told


@dataclass(frozen=True, kw_only=True, slots=True)
class Folder:
    """A data set `name` of the images below the folder `images`: DICOM, PNG, JPEG, WebP or TIFF.

    What they show is in `table`, a CSV file with the columns image (a file below the folder), subject and
    label (0 or 1); `columns` maps these to the names that the table has. Without a table, or one with
    labels, the first folder below `images` that a file is in is its label. `positive` lists the labels that
    count as 1, where they are not 0 and 1 themselves; all others count as 0. Without a column of subjects,
    `subject` is a pattern whose one group, found in a file's path below `images`, is its subject.

    With `crop` an image is cropped to its largest bright part, as mammograms are; without, it is resized
    whole.

    >>> from pathlib import Path
    >>> Folder(name="clinic", images=Path("images"), table=Path("labels.csv")).crop
    False
    >>> Folder(name="mri", images=Path("mri"), positive=("yes",), subject=r"(P[0-9]+)_").table
    """

    name: str
    images: Path
    table: Path | None = None
    crop: bool = False
    columns: Mapping[str, str] = field(default_factory=dict)
    positive: tuple[str, ...] = ()
    subject: str | None = None

    def __post_init__(self) -> None:
        """Raise OptionError for what cannot be meant, whatever the folder holds."""
        check_name(self.name, "data set", Dataset)
        if unknown := [use for use in self.columns if use not in COLUMNS]:
            raise OptionError(f"data set {self.name}: no column is used as {unknown[0]}; use {_or(COLUMNS)}")
        if self.table is None and not self.positive:
            raise OptionError(f"data set {self.name}: name its `table`, or the `positive` folders of classes")
        if self.table is None and self.subject is None:
            raise OptionError(
                f"data set {self.name}: say whose image each is by `subject`, a pattern, or by a `table`; "
                "where every image is another subject's, the pattern is (.+)"
            )
        if self.subject is not None and _groups(self.subject) != 1:
            raise OptionError(
                f"data set {self.name}: subject must be a pattern with one group, as (P[0-9]+)_; correct it"
            )

    @property
    def place(self) -> Path:
        """Return where the images are."""
        return self.images


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    """One image: how messages name it, its place below the folder, whose it is and what it shows."""

    name: str
    image: PurePosixPath
    subject: str
    label: int


def check_folder(folder: Folder) -> None:
    """Raise DataError unless the folder exists and all of its images have a subject and a label."""
    _read(folder)


def folder_source(folder: Folder, *, image_size: int) -> Source:
    """Return the source of the folder's images, `image_size` pixels a side; raise DataError if unusable."""
    rows = _read(folder)
    _, subjects = np.unique([row.subject for row in rows], return_inverse=True)
    items = []
    for row in rows:
        path = folder.images / row.image
        work = partial(_load, path, name=row.name, size=image_size, crop=folder.crop)
        items.append(Item(name=row.name, stamp=stamp_of(path, below=folder.images), rows=1, work=work))
    if all(item.stamp == MISSING for item in items):
        raise DataError(f"{folder.images}: holds none of the {len(items)} images that the table lists")
    return Source(
        dataset=folder.name,
        image_size=image_size,
        items=tuple(items),
        labels=np.array([row.label for row in rows], np.uint8),
        subjects=subjects.astype(np.int32),
        options={"crop": folder.crop} | ({"positive": ", ".join(folder.positive)} if folder.positive else {}),
        synthetic=False,
    )


def _read(folder: Folder) -> list[_Row]:
    if not folder.images.is_dir():
        raise DataError(f"{folder.images}: no such folder; correct `images` of data set {folder.name}")
    rows = list(_walk(folder) if folder.table is None else _listed(folder, folder.table))
    if not rows:
        where = folder.images if folder.table is None else folder.table.name
        raise DataError(f"{where}: lists no image; add a row for each")
    refuse_outside(((row.name, folder.images / row.image) for row in rows), folder.images)
    first: dict[object, str] = {}
    for row in rows:
        if (other := first.setdefault(_identity(folder.images, row.image), row.name)) != row.name:
            raise DataError(f"{folder.name}: {row.name} repeats the image of {other}; keep one row of each")
    return rows


def _identity(images: Path, image: PurePosixPath) -> object:
    """Return what all names of one file share: links to it, and small letters where case does not count."""
    try:
        status = (images / image).stat()
    except OSError:
        return image
    return (status.st_dev, status.st_ino) if status.st_ino else image


def _walk(folder: Folder) -> Iterator[_Row]:
    """Yield the images of the folders of classes, in order."""
    classes = sorted(path for path in folder.images.iterdir() if path.is_dir() and path.name[0] != ".")
    for positive in folder.positive:
        if positive not in {path.name for path in classes}:
            raise DataError(f"{folder.images}: has no folder {positive}; correct `positive` of {folder.name}")
    for each in classes:
        files = (path for path in sorted(each.rglob("*")) if _may_be_image(path))
        for number, path in enumerate(files, 1):
            name, image = f"{each.name} file {number}", PurePosixPath(path.relative_to(folder.images))
            yield _Row(
                name=name,
                image=image,
                subject=_subject(folder, image, name),
                label=int(each.name in folder.positive),
            )


def _may_be_image(path: Path) -> bool:
    return path.is_file() and path.name[0] != "." and path.name.lower() not in _NO_IMAGES


def _listed(folder: Folder, table: Path) -> Iterator[_Row]:
    """Yield the images that a table lists; messages quote none of its values, which may be a patient's."""
    optional = {"subject"} if folder.subject else set()
    optional |= {"label"} if folder.positive else set()
    columns = {use: folder.columns.get(use, use) for use in COLUMNS}
    for number, cells in enumerate(read_rows(table, columns, optional=frozenset(optional)), 1):
        if not cells:
            continue
        where = f"{table.name} row {number}"
        if not all(cells.get(use, "?") for use in ("image", "subject")):
            raise DataError(f"{where}: image or subject is empty; fill it in")
        image = PurePosixPath(cells["image"].replace("\\", "/"))
        if image.is_absolute() or ".." in image.parts or re.match("[A-Za-z]:", str(image)):
            raise DataError(f"{where}: image must name a file below the folder; correct it")
        yield _Row(
            name=f"row {number}",
            image=image,
            subject=cells["subject"] if "subject" in cells else _subject(folder, image, where),
            label=_label(folder, cells.get("label", image.parts[0]), where),
        )


def _subject(folder: Folder, image: PurePosixPath, where: str) -> str:
    found = re.search(folder.subject or "", str(image))
    if not (found and found.group(1)):
        raise DataError(f"{where}: the pattern `subject` of {folder.name} finds none in its path; correct it")
    return found.group(1)


def _label(folder: Folder, text: str, where: str) -> int:
    if folder.positive:
        if not text:
            raise DataError(f"{where}: label is empty; fill it in")
        return int(text in folder.positive)
    if text.lower() not in _LABELS:
        raise DataError(f"{where}: label must be 0 or 1; correct it")
    return _LABELS[text.lower()]


def _load(path: Path, *, name: str, size: int, crop: bool) -> Images[np.uint8]:
    """Read an image of any kind, told by what its file holds, never by its name."""
    from redl.data.dicom.reading import PREFIX, PREFIX_AT
    from redl.data.picture import is_picture, read_picture
    from redl.data.rsna.cropping import frame, load_mammogram  # their decoders come with them

    try:
        head = _head(path)
        if head[PREFIX_AT:] == PREFIX:
            return load_mammogram(path, size=size, crop=crop)
        if is_picture(head):
            picture = read_picture(path)
            return Images(frame(picture.images, size, crop=crop)[None], picture.remarks)
        raise DataError("neither a DICOM, PNG, JPEG, WebP nor TIFF file; convert it to one")
    except DataError as error:
        raise DataError(f"{name}: {str(error).removeprefix(f'{path.name}: ')}") from None


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD)
    except FileNotFoundError:
        raise DataError("its file is not there; add it or correct the table") from None
    except OSError as error:
        raise DataError(f"its file cannot be read ({error.strerror}); check it") from None


def _groups(pattern: str) -> int:
    try:
        return re.compile(pattern).groups
    except re.error:
        return 0


def _or(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
