"""Images ready to train on, kept on disk and mapped into memory.

One folder an entry, named after what it was made from, complete or absent. Its arrays are checked against
their fingerprint, and what is said of them against a checksum, before they are used again, so that a damaged
entry is made anew.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redl.data.cache.scratch import scratch
from redl.data.source import Option, Source
from redl.data.splits import Split, split_images
from redl.errors import DataError, RecordError
from redl.record import Counts, DataSummary, Duplicates, Fractions
from redl.record.strict import Line, Number, Section, Share, Whole, Word, decode, parse, read_bytes

_ARRAYS = ("images", "labels", "subjects", "raters")
_OWN_SPLIT = "parts"
# The type and dimensions of each, and its largest value where one is known.
_KINDS: dict[str, tuple[type[np.generic], int, int | None]] = {
    "images": (np.uint8, 3, None),
    "labels": (np.uint8, 1, 1),
    "subjects": (np.int32, 1, None),
    "raters": (np.uint8, 1, None),
    _OWN_SPLIT: (np.uint8, 1, 2),
}
META = "meta.json"
FILES = (META, *(f"{name}.npy" for name in (*_ARRAYS, _OWN_SPLIT)))  # all that an entry may have
_MOST_LISTED = 20  # duplicates in a record


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """An item by its name, which contains no patient, and why it was left out or what is to be said of it."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Alike:
    """An image, by its name, that another subject has too; `exact` if no pixel differs."""

    name: str
    like: str
    exact: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """What turned up while images were read: items left out, remarks on others, and duplicates."""

    unreadable: tuple[Named, ...]
    remarks: tuple[Named, ...]
    duplicates: tuple[Alike, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """What is known of the origin of an entry's arrays; see Source for each field."""

    dataset: str
    options: dict[str, Option]
    synthetic: bool
    ideal_accuracy: float | None
    skipped: tuple[str, ...]
    findings: Findings


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Prepared:
    """A prepared data set of N images.

    `images` uint8 (N, H, W), mapped from disk; `labels` uint8 (N,), 1 is positive; `subjects` int32 (N,);
    `raters` uint8 (N,), 0 where no raters are known; `fingerprint` is the SHA-256 of these four, and of a
    split that the data set brings, as saved, equal wherever the same data are prepared.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    subjects: NDArray[np.int32]
    raters: NDArray[np.uint8] = field(repr=False)
    split: Split
    origin: Origin
    fingerprint: str

    def summary(self) -> DataSummary:
        """Count the subjects and images of each part, and what a constant answer scores on the test part."""
        parts = {"train": self.split.train, "valid": self.split.valid, "test": self.split.test}
        positive = {name: float(self.labels[part].mean()) for name, part in parts.items()}
        found = self.origin.findings
        return DataSummary(
            fingerprint=self.fingerprint,
            synthetic=self.origin.synthetic,
            options=self.origin.options,
            subjects=Counts(**{name: len(np.unique(self.subjects[part])) for name, part in parts.items()}),
            images=Counts(**{name: len(part) for name, part in parts.items()}),
            unreadable=len(found.unreadable),
            skipped=len(self.origin.skipped),
            positive_fraction=Fractions(**positive),
            majority_accuracy=max(positive["test"], 1 - positive["test"]),
            ideal_accuracy=self.origin.ideal_accuracy,
            split=self.split.kind,
            remarks=dict(sorted(Counter(one.reason for one in found.remarks).items())),
            duplicates=Duplicates(
                images=len(found.duplicates),
                exact=sum(one.exact for one in found.duplicates),
                rows=tuple((one.name, one.like) for one in found.duplicates[:_MOST_LISTED]),
            ),
        )


class _Meta(Section, frozen=True, kw_only=True):
    """What is written beside the arrays, with a checksum over the rest of it."""

    checksum: Word
    fingerprint: Word
    dataset: Word
    options: dict[Word, Line | Whole | Number | bool | None]
    synthetic: bool
    ideal_accuracy: Share | None
    skipped: tuple[Line, ...]
    findings: Findings


def open_prepared(entry: Path) -> Prepared:
    """Open an entry; raise DataError for one that is damaged, or whose files are links."""
    try:
        meta = _read_meta(entry)
        arrays = {name: _open_array(name, path) for name, path in _files(entry)}
        if len({len(array) for array in arrays.values()}) > 1:
            raise ValueError("arrays of different lengths")
        # Only the images are large enough to be left on disk.
        small = {name: np.array(array) for name, array in arrays.items() if name != "images"}
        split = split_images(small["subjects"], small["labels"], small.pop(_OWN_SPLIT, None))
        return Prepared(
            images=arrays["images"],
            **small,
            split=split,
            origin=Origin(
                dataset=meta.dataset,
                options=meta.options,
                synthetic=meta.synthetic,
                ideal_accuracy=meta.ideal_accuracy,
                skipped=meta.skipped,
                findings=meta.findings,
            ),
            fingerprint=meta.fingerprint,
        )
    except (OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, RecordError) as error:
        raise DataError(
            f"{entry.name}: damaged cache entry ({type(error).__name__}); delete it to prepare it again"
        ) from error


def is_whole(entry: Path) -> bool:
    """Return whether an entry exists and is as it was written."""
    try:
        return open_prepared(entry).fingerprint == _fingerprint(entry)
    except DataError:
        return False


def write_entry(
    entry: Path,
    source: Source,
    chunks: Iterable[NDArray[np.uint8]],
    *,
    kept: NDArray[np.bool_],
    findings: Findings,
) -> None:
    """Write an entry, all of it or nothing.

    `chunks` are the images of the rows of `source` that are `kept`, bool (N,), some at a time.
    """
    raters = np.zeros(len(kept), np.uint8) if source.raters is None else source.raters
    origin = Origin(
        dataset=source.dataset,
        options=source.options,
        synthetic=source.synthetic,
        ideal_accuracy=source.ideal_accuracy,
        skipped=source.skipped,
        findings=findings,
    )
    with scratch(entry) as folder:
        whole = folder / entry.name
        whole.mkdir()
        _save_images(_file(whole, "images"), (int(kept.sum()), source.image_size), chunks)
        small: list[tuple[str, NDArray[Any] | None]] = [
            ("labels", source.labels),
            ("subjects", source.subjects),
            ("raters", raters),
            (_OWN_SPLIT, source.parts),
        ]
        for name, array in small:
            if array is not None:
                np.save(_file(whole, name), array[kept], allow_pickle=False)
        meta: dict[str, Any] = {"fingerprint": _fingerprint(whole), **asdict(origin)}
        (whole / META).write_text(json.dumps({"checksum": _checksum(meta), **meta}), encoding="utf-8")
        whole.replace(entry)


def _read_meta(entry: Path) -> _Meta:
    """Return an entry's description; raise RecordError unless it is as it was written.

    What redl 0.1.0 wrote has no checksum, so that it is prepared again, once.
    """
    plain = parse(read_bytes(_no_link(entry / META)), META)
    meta = decode(plain, _Meta, META)
    if plain.pop("checksum") != _checksum(plain):
        raise RecordError(f"{META}: was changed since it was written")
    return meta


def _checksum(meta: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(meta, sort_keys=True).encode()).hexdigest()


def _open_array(name: str, path: Path) -> NDArray[Any]:
    """Return an array that is as the entry's must be; raise ValueError for another."""
    array: NDArray[Any] = np.load(_no_link(path), mmap_mode="r", allow_pickle=False)
    kind, dimensions, most = _KINDS[name]
    if array.dtype != kind or array.ndim != dimensions or (most is not None and (array > most).any()):
        raise ValueError(name)
    return array


def _no_link(path: Path) -> Path:
    if path.is_symlink() or not path.is_file():  # e.g. a pipe, which would be waited for
        raise ValueError(path.name)
    return path


def _save_images(path: Path, count_and_size: tuple[int, int], chunks: Iterable[NDArray[np.uint8]]) -> None:
    count, size = count_and_size
    with path.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (count, size, size)}
        np.lib.format.write_array_header_1_0(file, header)
        for chunk in chunks:
            file.write(chunk.tobytes())


def _file(entry: Path, name: str) -> Path:
    return entry / f"{name}.npy"


def _files(entry: Path) -> list[tuple[str, Path]]:
    """Return the arrays that an entry has to have, and its own split if it brings one."""
    own = [_OWN_SPLIT] if _file(entry, _OWN_SPLIT).exists() else []
    return [(name, _file(entry, name)) for name in (*_ARRAYS, *own)]


def _fingerprint(entry: Path) -> str:
    """Return the SHA-256 of an entry's arrays, their shapes and types included, as they lie on disk."""
    digest = hashlib.sha256()
    for _, path in _files(entry):
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
