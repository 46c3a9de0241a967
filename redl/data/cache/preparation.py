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

from filelock import FileLock

from redl.data.cache.entry import Unreadable, is_whole, open_prepared, write_entry
from redl.data.cache.partial import Partial
from redl.data.cache.pool import Made, Pool
from redl.data.options import MAX_UNREADABLE
from redl.data.source import MISSING, Item, Source
from redl.data.splits import SPLIT_SEED, split_by_subject
from redl.errors import DataError

FORMAT = 2  # raise it with any change to how the pixels are made or kept

OnProgress = Callable[[int, int], None]


def silent(done: int, total: int) -> None:
    """Show no progress."""


def prepare(
    source: Source,
    *,
    cache: Path,
    max_unreadable: float = MAX_UNREADABLE,
    processes: int | None = None,
    on_progress: OnProgress = silent,
) -> Path:
    """Prepare the images of a source unless they are prepared already, and return their folder below `cache`.

    `processes` defaults to one per core; `on_progress` is called with the items done and their total. Raise
    DataError for data that cannot be used, and if more than the share `max_unreadable` cannot be read.
    """
    split_by_subject(source.subjects, seed=SPLIT_SEED)  # refuse data too small before hours of decoding
    entry = cache / f"{source.dataset}-{source.image_size}px-{_key(source)}"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(entry.with_name(f"{entry.name}.lock")):
        if not is_whole(entry):
            shutil.rmtree(entry, ignore_errors=True)
            _make(entry, source, max_unreadable, processes, on_progress)
    # The entry may come from a run that tolerated more.
    _refuse_too_many(open_prepared(entry).origin.unreadable, len(source.items), max_unreadable)
    return entry


def find_unreadable(
    source: Source, *, processes: int | None = None, on_progress: OnProgress = silent
) -> tuple[Unreadable, ...]:
    """Decode every image of a source without keeping any, and return the items that cannot be read."""
    with Pool(processes) as pool:
        made = _counted(pool.work_through(enumerate(source.items)), 0, len(source.items), on_progress)
        found = {number: error for number, error in made if isinstance(error, DataError)}
    return tuple(_unreadable(source.items[number], found[number]) for number in sorted(found))


def _make(
    entry: Path, source: Source, max_unreadable: float, processes: int | None, on_progress: OnProgress
) -> None:
    folder = entry.with_name(f"{entry.name}.draft")
    with Partial(folder, rows=[item.rows for item in source.items], image_size=source.image_size) as partial:
        done = partial.done()
        left = [(number, item) for number, item in enumerate(source.items) if not done[number]]
        unreadable: dict[int, Unreadable] = {}
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
                    partial.put(number, images)
                    done[number] = True
        kept = partial.rows_of(done)
        split_by_subject(source.subjects[kept], seed=SPLIT_SEED)
        listed = tuple(unreadable[number] for number in sorted(unreadable))
        write_entry(entry, source, partial.chunks(kept), kept=kept, unreadable=listed)
    shutil.rmtree(folder)


def _counted(
    made: Iterable[tuple[int, Made]], done: int, total: int, on_progress: OnProgress
) -> Iterator[tuple[int, Made]]:
    for count, one in enumerate(made, done + 1):
        yield one
        on_progress(count, total)


def _unreadable(item: Item, error: DataError) -> Unreadable:
    return Unreadable(name=item.name, reason=str(error).removeprefix(f"{item.name}: "))


def _refuse_too_many(
    unreadable: Iterable[Unreadable], total: int, max_unreadable: float, *, counted: str = ""
) -> None:
    listed = list(unreadable)
    if len(listed) > max_unreadable * total:
        first = listed[0]
        raise DataError(
            f"{counted}{len(listed)} of {total} files cannot be read, more than {max_unreadable:.1%}; "
            f"the first is {first.name}: {first.reason}"
        )


def _key(source: Source) -> str:
    """Return a digest of what an entry is made from: stamps of the files, labels, and chosen options."""
    files = [(item.stamp, item.rows) for item in source.items]
    table = [
        None if array is None else array.tolist() for array in (source.labels, source.subjects, source.raters)
    ]
    origin = [source.dataset, source.image_size, source.options, source.synthetic, source.ideal_accuracy]
    key = [FORMAT, origin, files, table, source.skipped]
    return hashlib.sha256(json.dumps(key).encode()).hexdigest()[:16]
