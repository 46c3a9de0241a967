"""Preparation: the items of a source, decoded on all cores into an entry that later runs map into memory.

The parent writes what its pool returns, one item after another, so memory does not grow with their number. An
interrupted preparation resumes. An item that cannot be read is listed and left out.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from redl.data.cache.entry import Alike, Findings, Named, is_whole, open_prepared, write_entry
from redl.data.cache.partial import Partial
from redl.data.cache.pool import Made, Pool
from redl.data.cache.scratch import remove_left
from redl.data.duplicates import find_duplicates
from redl.data.greyscale import FEW_LEVELS, count_levels
from redl.data.options import MAX_DUPLICATES, MAX_UNREADABLE
from redl.data.source import MISSING, Images, Item, Source
from redl.data.splits import check_classes, split_images
from redl.errors import DataError

FORMAT = 3  # raise it with any change to how the pixels are made or kept

OnProgress = Callable[[int, int], None]


def silent(done: int, total: int) -> None:
    """Show no progress."""


def prepare(
    source: Source,
    *,
    cache: Path,
    max_unreadable: float = MAX_UNREADABLE,
    max_duplicates: float = MAX_DUPLICATES,
    processes: int | None = None,
    on_progress: OnProgress = silent,
) -> Path:
    """Prepare the images of a source unless they are prepared already, and return their folder below `cache`.

    `processes` defaults to one per core; `on_progress` is called with the items done and their total. Raise
    DataError for data that cannot be used, if more than the share `max_unreadable` cannot be read, or if more
    than `max_duplicates` of the images occur under another subject too.
    """
    # Refuse data too small before hours of decoding.
    check_classes(split_images(source.subjects, source.labels, source.parts), source.labels)
    entry = entry_of(source, cache)
    if not is_whole(entry):  # a whole one may be in a cache that cannot be written
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(entry.with_name(f"{entry.name}.lock")):
            if not is_whole(entry):
                shutil.rmtree(entry, ignore_errors=True)
                _make(entry, source, max_unreadable, processes, on_progress)
    remove_left(cache)
    # The entry may come from a run that tolerated more.
    prepared = open_prepared(entry)
    found = prepared.origin.findings
    _refuse_too_many(found.unreadable, len(source.items), max_unreadable)
    _refuse_duplicates(found.duplicates, len(prepared.labels), max_duplicates)
    return entry


def entry_of(source: Source, cache: Path) -> Path:
    """Return the folder below `cache` in which the prepared images of a source are, or would be."""
    return cache / f"{source.dataset}-{source.image_size}px-{_key(source)}"


def read_through(
    source: Source, *, processes: int | None = None, on_progress: OnProgress = silent
) -> Findings:
    """Decode every image of a source without keeping any, and return what was found, but for duplicates."""
    unreadable: dict[int, Named] = {}
    remarks: dict[int, tuple[str, ...]] = {}
    with Pool(processes) as pool:
        made = pool.work_through(enumerate(source.items))
        for number, images in _counted(made, 0, len(source.items), on_progress):
            if isinstance(images, DataError):
                unreadable[number] = _unreadable(source.items[number], images)
            else:
                remarks[number] = _remarks(images)
    return _findings(source, unreadable, remarks, ())


def _make(
    entry: Path, source: Source, max_unreadable: float, processes: int | None, on_progress: OnProgress
) -> None:
    folder = entry.with_name(f"{entry.name}.draft")
    with Partial(folder, rows=[item.rows for item in source.items], image_size=source.image_size) as partial:
        done = partial.done()
        left = [(number, item) for number, item in enumerate(source.items) if not done[number]]
        unreadable: dict[int, Named] = {}
        # Missing files come first, because finding too many of them costs no decoding.
        left.sort(key=lambda one: one[1].stamp != MISSING)
        with Pool(processes) as pool:
            made = pool.work_through(left)
            for number, images in _counted(made, int(done.sum()), len(done), on_progress):
                if isinstance(images, DataError):
                    unreadable[number] = _unreadable(source.items[number], images)
                    # Too many already: the rest need not be decoded to know.
                    _refuse_too_many(unreadable.values(), len(done), max_unreadable, counted="at least ")
                else:
                    partial.put(number, images.images, _remarks(images))
                    done[number] = True
        kept = partial.rows_of(done)
        parts = None if source.parts is None else source.parts[kept]
        check_classes(split_images(source.subjects[kept], source.labels[kept], parts), source.labels[kept])
        remarks = {number: of for number, of in enumerate(partial.remarks()) if done[number]}
        alike = _find_alike(partial, source, kept)
        findings = _findings(source, unreadable, remarks, alike)
        write_entry(entry, source, partial.chunks(kept), kept=kept, findings=findings)
    shutil.rmtree(folder)


def _find_alike(partial: Partial, source: Source, kept: NDArray[np.bool_]) -> tuple[Alike, ...]:
    rows, names = np.flatnonzero(kept), source.row_names()
    found = find_duplicates(
        partial.chunks(kept), lambda row: partial.image(int(rows[row])), source.subjects[kept]
    )
    return tuple(Alike(name=names[rows[one.row]], like=names[rows[one.of]], exact=one.exact) for one in found)


def _findings(
    source: Source,
    unreadable: dict[int, Named],
    remarks: dict[int, tuple[str, ...]],
    duplicates: tuple[Alike, ...],
) -> Findings:
    return Findings(
        unreadable=tuple(unreadable[number] for number in sorted(unreadable)),
        remarks=tuple(
            Named(name=source.items[number].name, reason=remark)
            for number in sorted(remarks)
            for remark in remarks[number]
        ),
        duplicates=duplicates,
    )


def _remarks(made: Images[np.uint8]) -> tuple[str, ...]:
    if any(count_levels(image) < FEW_LEVELS for image in made.images):
        return (*made.remarks, f"fewer than {FEW_LEVELS} grey levels")
    return made.remarks


def _counted(
    made: Iterable[tuple[int, Made]], done: int, total: int, on_progress: OnProgress
) -> Iterator[tuple[int, Made]]:
    for count, one in enumerate(made, done + 1):
        yield one
        on_progress(count, total)


def _unreadable(item: Item, error: DataError) -> Named:
    return Named(name=item.name, reason=str(error).removeprefix(f"{item.name}: "))


def _refuse_too_many(
    unreadable: Iterable[Named], total: int, max_unreadable: float, *, counted: str = ""
) -> None:
    listed = list(unreadable)
    if len(listed) > max_unreadable * total:
        first = listed[0]
        raise DataError(
            f"{counted}{len(listed)} of {total} files cannot be read, more than {max_unreadable:.1%}; "
            f"the first is {first.name}: {first.reason}"
        )


def _refuse_duplicates(duplicates: tuple[Alike, ...], total: int, max_duplicates: float) -> None:
    if len(duplicates) > max_duplicates * total:
        first = duplicates[0]
        raise DataError(
            f"{len(duplicates)} of {total} images occur under another subject too, more than "
            f"{max_duplicates:.1%}; the first is {first.name}, which is like {first.like}: give copies one "
            "subject or leave them out, or raise --redl-max-duplicates"
        )


def _key(source: Source) -> str:
    """Return a digest of what an entry is made from: stamps of the files, labels, and chosen options."""
    files = [(item.stamp, item.rows) for item in source.items]
    table = [
        None if array is None else array.tolist()
        for array in (source.labels, source.subjects, source.raters, source.parts)
    ]
    origin = [source.dataset, source.image_size, source.options, source.synthetic, source.ideal_accuracy]
    key = [FORMAT, origin, files, table, source.skipped]
    return hashlib.sha256(json.dumps(key).encode()).hexdigest()[:16]
