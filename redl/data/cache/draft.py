"""A data set in the making: its parts are written on all cores, and an interrupted write resumes.

Until the data set is whole it is in a draft beside its folder, which then appears by one rename. In the draft
`whole` has the parts that are finished, `unfinished` those at work.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from filelock import FileLock, Timeout

from redl.data.cache.pool import Died, Pool
from redl.errors import DataError, RedlError
from redl.processors import usable_processors

Progress = Callable[[int, int], None]  # written, in all


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A folder of a data set, which is whole or absent.

    `place` is its path below the data set's folder, `name` what messages call it, and `size` what it adds to
    the progress. `fill` writes its files into the folder that it is given, in another process too.
    """

    name: str
    place: Path = field(repr=False)  # it may name a patient
    size: int
    fill: Callable[[Path], None] = field(repr=False)


@contextmanager
def drafting(root: Path, identity: str) -> Iterator[Path]:
    """Give the folder in which to write a data set; it becomes `root` when the block ends without an error.

    Otherwise it is kept, and given again for the same `root` and `identity`, a word that stands for all that
    is written. Raise DataError where `root` exists or another process is writing it.
    """
    if root.exists():
        raise DataError(f"{root}: exists already; name a new folder")
    draft = root.with_name(f"{root.name.removesuffix(f'-{identity}')}-{identity}.draft")
    draft.mkdir(parents=True, exist_ok=True)
    try:
        held = FileLock(draft / "lock", timeout=0).acquire()
    except Timeout:
        raise DataError(f"{root}: another process is writing it; wait until it ends") from None
    with held:
        whole = draft / "whole"
        whole.mkdir(exist_ok=True)
        yield whole
        _flush(path for path in whole.iterdir() if path.is_file())
        whole.replace(root)
    shutil.rmtree(draft, ignore_errors=True)


def write_parts(
    folder: Path,
    parts: Sequence[Part],
    *,
    few: float,
    processes: int | None = None,
    on_progress: Progress | None = None,
) -> None:
    """Write into the `folder` of a draft the parts that it lacks, in any order.

    `processes` defaults to one per core, and to this one where the sizes of the missing parts add up to less
    than `few`, so that starting others would take longer. `on_progress` is called with the size of what is
    written and of everything. Raise RedlError for a part that kills its process.
    """
    scratch = folder.with_name("unfinished")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(exist_ok=True)
    left = [part for part in parts if not (folder / part.place).exists()]
    total, to_do = _size(parts), _size(left)
    if on_progress:
        on_progress(total - to_do, total)
    if processes is None:
        processes = 1 if to_do < few else usable_processors()
    for part in _written(folder, scratch, left, processes):
        to_do -= part.size
        if on_progress:
            on_progress(total - to_do, total)


def _size(parts: Sequence[Part]) -> int:
    return sum(part.size for part in parts)


def _written(folder: Path, scratch: Path, parts: Sequence[Part], processes: int) -> Iterator[Part]:
    tasks = ((part, partial(_write, folder, scratch, part)) for part in parts)
    if processes == 1:
        for part, write in tasks:
            write()
            yield part
        return
    with Pool(processes) as pool:
        for part, written in pool.run(tasks):
            if isinstance(written, Died):
                raise RedlError(f"{part.name} of the phantom: a process dies of it; free some memory")
            yield part


def _write(folder: Path, scratch: Path, part: Part) -> None:
    place = folder / part.place
    # In a folder of its own: a process that outlives its parent for a moment may still write this part.
    with TemporaryDirectory(dir=scratch) as own:
        unfinished = Path(own) / place.name
        unfinished.mkdir()
        part.fill(unfinished)
        _flush(unfinished.iterdir())
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            unfinished.replace(place)


def _flush(paths: Iterator[Path]) -> None:
    """Wait until files are on the disk; otherwise a power cut could leave a finished part with empty files.

    Flushing all files of a part at its end takes two thirds of the time of flushing each when it is written.
    """
    for path in paths:
        with path.open("rb") as file:
            os.fsync(file.fileno())
