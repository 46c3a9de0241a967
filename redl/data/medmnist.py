"""A MedMNIST file: grey images of two classes, with their own split.

Nothing is downloaded: the file is the one that the project hands out, of any image size. It says no subjects,
so that each image counts as one. Source: Yang et al. (2023), "MedMNIST v2", Scientific Data 10:41.
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redl.data.source import Images, Item, Option, Source, stamp_of
from redl.errors import DataError
from redl.study.case import Dataset, check_name

_PARTS = ("train", "val", "test")  # as the file has them
_COLOURS, _VOLUME = 3, 4  # the last side of images in colour; the sides of an array of volumes

# The last three are over headers that are too large or too deep.
_DAMAGE = (
    OSError,
    ValueError,
    LookupError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
    MemoryError,
    RecursionError,
    SyntaxError,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class MedMnist:
    """A data set `name` of a MedMNIST file such as pneumoniamnist_64.npz.

    Of a volume, as in nodulemnist3d.npz, the middle slice is taken.

    >>> from pathlib import Path
    >>> MedMnist(name="pneumonia", npz=Path("pneumoniamnist.npz")).name
    'pneumonia'
    """

    name: str
    npz: Path

    def __post_init__(self) -> None:
        """Raise OptionError for a name that cannot be part of a case's id or of `-k`."""
        check_name(self.name, "data set", Dataset)

    @property
    def place(self) -> Path:
        """Return where the images are."""
        return self.npz


def check_medmnist(own: MedMnist) -> None:
    """Raise DataError unless the file is there and of two classes, without reading an image."""
    _read_labels(own)


def medmnist_source(own: MedMnist, *, image_size: int) -> Source:
    """Return the source of the file's images, `image_size` pixels a side; raise DataError if unusable."""
    labels = _read_labels(own)
    stamp = stamp_of(own.npz, below=own.npz.parent)
    items, options = [], dict[str, Option]()
    for part in _PARTS:
        shape = _shape(own.npz, f"{part}_images")
        if len(shape) == _VOLUME and shape[-1] != _COLOURS:
            options["slice"] = "middle"
        elif len(shape) != 3:
            raise DataError(f"{own.npz.name}: its images are in colour; only grey sets are read")
        if shape[0] != len(labels[part]):
            raise DataError(f"{own.npz.name}: {part} has not as many images as labels; download it again")
        for number in range(shape[0]):
            work = partial(_load, own.npz, stamp, part, number, size=image_size)
            items.append(Item(name=f"{part} image {number}", stamp=f"{stamp} {number}", rows=1, work=work))
    everything = np.concatenate([labels[part] for part in _PARTS])
    parts = np.repeat(np.arange(len(_PARTS), dtype=np.uint8), [len(labels[part]) for part in _PARTS])
    return Source(
        dataset=own.name,
        image_size=image_size,
        items=tuple(items),
        labels=everything,
        subjects=np.arange(len(everything), dtype=np.int32),
        parts=parts,
        options=options,
        synthetic=False,
    )


def _read_labels(own: MedMnist) -> dict[str, NDArray[np.uint8]]:
    if not own.npz.is_file():
        raise DataError(f"{own.npz}: no such file; correct `npz` of data set {own.name}")
    stamp = stamp_of(own.npz, below=own.npz.parent)
    labels = {}
    for part in _PARTS:
        array = _open(own.npz, stamp, f"{part}_labels").reshape(-1)
        rows = len(array)
        if _open(own.npz, stamp, f"{part}_labels").shape not in {(rows,), (rows, 1)}:
            raise DataError(f"{own.npz.name}: an image has several labels; only sets of two classes are read")
        if not np.isin(array, (0, 1)).all():
            raise DataError(
                f"{own.npz.name}: has labels other than 0 and 1; only sets of two classes are read"
            )
        labels[part] = array.astype(np.uint8)
    return labels


def _shape(npz: Path, name: str) -> tuple[int, ...]:
    """Return an array's shape without reading it: images would stay in the memory of the caller."""
    try:
        with zipfile.ZipFile(npz) as archive, archive.open(f"{name}.npy") as file:
            version = np.lib.format.read_magic(file)
            read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
            return tuple(read[version](file)[0])
    except _DAMAGE as error:
        raise _refusal(npz, name, error) from None


def _refusal(npz: Path, name: str, error: Exception) -> DataError:
    if isinstance(error, KeyError):
        return DataError(f"{npz.name}: holds no {name}; only files of MedMNIST are read")
    return DataError(f"{npz.name}: not a whole .npz file; download it again")


# Kept for the next image, in every process that makes some.
@lru_cache(maxsize=6)
def _open(npz: Path, _stamp: str, name: str) -> NDArray[Any]:
    try:
        with npz.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            array: NDArray[Any] = arrays[name]
            return array
    except _DAMAGE as error:
        raise _refusal(npz, name, error) from None


def _load(npz: Path, stamp: str, part: str, number: int, *, size: int) -> Images[np.uint8]:
    from redl.data.rsna.cropping import frame

    image = _open(npz, stamp, f"{part}_images")[number]
    if image.ndim == _COLOURS:
        image = image[len(image) // 2]
    return Images(frame(image.astype(np.float32) / np.float32(255), size, crop=False)[None])
