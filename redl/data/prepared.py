"""Images ready to train on: decoded once, squashed to one size, kept on disk and mapped into memory.

One folder an entry, named after what it was made from, complete or absent. Its pixels are checked against
their fingerprint before they are used again, so that a damaged entry is made anew.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from PIL import Image

from redl.data.dicom import read_image
from redl.data.rsna import Cohort, read_cohort
from redl.data.splits import Split, split_by_subject
from redl.errors import DataError
from redl.record import Counts, DataSummary, Fractions

FORMAT = 1  # raise it with any change to how the pixels are made or kept
SPLIT_SEED = 0  # one split for all seeds of training: what varies between them is training alone

_ARRAYS = ("images", "labels", "subjects")
_META = "meta.json"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Prepared:
    """Hold a data set of N images.

    `images` uint8 (N, H, W), mapped from disk; `labels` uint8 (N,), 1 is positive; `subjects` int32 (N,);
    `fingerprint` is the SHA-256 of these three, equal wherever the same data are prepared.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    subjects: NDArray[np.int32]
    split: Split
    fingerprint: str
    synthetic: bool

    def summary(self) -> DataSummary:
        """Count the subjects and images of each part, and what a constant answer scores on the test part."""
        parts = {"train": self.split.train, "valid": self.split.valid, "test": self.split.test}
        positive = {name: float(self.labels[part].mean()) for name, part in parts.items()}
        return DataSummary(
            fingerprint=self.fingerprint,
            synthetic=self.synthetic,
            subjects=Counts(**{name: len(np.unique(self.subjects[part])) for name, part in parts.items()}),
            images=Counts(**{name: len(part) for name, part in parts.items()}),
            positive_fraction=Fractions(**positive),
            majority_accuracy=max(positive["test"], 1 - positive["test"]),
            ideal_accuracy=None,
        )


def prepare_rsna(
    root: Path, *, image_size: int, cache: Path, on_progress: Callable[[int, int], None] | None = None
) -> Path:
    """Prepare the cohort below `root` at `image_size` pixels a side, or find it prepared; return its folder.

    `on_progress` is told how many images are done, and of how many. Raise DataError for data that cannot be
    used.
    """
    cohort = read_cohort(root)
    split_by_subject(cohort.subjects, seed=SPLIT_SEED)  # refuse a cohort too small before hours of decoding
    entry = cache / f"rsna-{image_size}px-{_key(root, cohort, image_size)}"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(entry.with_name(f"{entry.name}.lock")):
        if not _is_whole(entry):
            shutil.rmtree(entry, ignore_errors=True)
            _write(entry, cohort, _squash_all(cohort.paths, image_size, on_progress))
    return entry


def open_prepared(entry: Path) -> Prepared:
    """Open what `prepare_rsna` returned; raise DataError for an entry that is damaged."""
    try:
        meta = json.loads((entry / _META).read_bytes())
        images, labels, subjects = (
            np.load(entry / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _ARRAYS
        )
        return Prepared(
            images=images,
            labels=np.array(labels),
            subjects=np.array(subjects),
            split=split_by_subject(subjects, seed=SPLIT_SEED),
            fingerprint=meta["fingerprint"],
            synthetic=meta["synthetic"],
        )
    except (OSError, EOFError, ValueError, LookupError, TypeError) as error:
        raise DataError(
            f"{entry.name}: damaged cache entry ({type(error).__name__}); delete it to prepare it again"
        ) from error


def _key(root: Path, cohort: Cohort, image_size: int) -> str:
    """Name what an entry is made from: the table's content, and each file's size and time, not its bytes.

    Hashing the 271 GiB of the real data would take longer than a case.
    """
    files = [(path, path.stat()) for path in cohort.paths]
    source = [(path.relative_to(root).as_posix(), stat.st_size, stat.st_mtime_ns) for path, stat in files]
    table = [cohort.labels.tolist(), cohort.subjects.tolist(), cohort.synthetic]
    return hashlib.sha256(json.dumps([FORMAT, image_size, source, table]).encode()).hexdigest()[:16]


def _squash_all(
    paths: tuple[Path, ...], image_size: int, on_progress: Callable[[int, int], None] | None
) -> NDArray[np.uint8]:
    # One after another: the JPEG 2000 decoder holds the GIL, and two threads took as long as one.
    images = np.empty((len(paths), image_size, image_size), np.uint8)
    for number, path in enumerate(paths):
        images[number] = _squash(read_image(path), image_size)
        if on_progress is not None:
            on_progress(number + 1, len(paths))
    return images


def _squash(image: NDArray[np.float32], size: int) -> NDArray[np.uint8]:
    """Resize (H, W) in [0, 1] to (size, size) in 0..255, anti-aliased and regardless of its proportions.

    Pillow's bilinear filter widens with the reduction; the published preprocessing squashes likewise.
    """
    squashed = Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR)
    pixels: NDArray[np.uint8] = np.round(np.clip(np.asarray(squashed), 0, 1) * 255).astype(np.uint8)
    return pixels


def _write(entry: Path, cohort: Cohort, images: NDArray[np.uint8]) -> None:
    """Write an entry, all of it or nothing."""
    arrays: tuple[NDArray[Any], ...] = (images, cohort.labels, cohort.subjects)
    meta = {"fingerprint": _fingerprint(*arrays), "synthetic": cohort.synthetic}
    with TemporaryDirectory(dir=entry.parent, prefix=f".{entry.name}-") as scratch:
        whole = Path(scratch) / entry.name
        whole.mkdir()
        for name, array in zip(_ARRAYS, arrays, strict=True):
            np.save(whole / f"{name}.npy", array, allow_pickle=False)
        (whole / _META).write_text(json.dumps(meta), encoding="utf-8")
        whole.replace(entry)


def _is_whole(entry: Path) -> bool:
    try:
        prepared = open_prepared(entry)
    except DataError:
        return False
    return prepared.fingerprint == _fingerprint(prepared.images, prepared.labels, prepared.subjects)


def _fingerprint(*arrays: NDArray[Any]) -> str:
    """Return the SHA-256 of arrays, their shapes and types included."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
