"""Scratch folders, in which what a cache keeps is made; those of processes that were killed are removed."""

from __future__ import annotations

import glob
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from filelock import FileLock, Timeout

_LOCK = "lock"
_BEGUN_S = 60  # by when a new scratch folder has its lock
_RESUMED_S = 14 * 86400  # by then nobody will go on with a draft


@contextmanager
def scratch(target: Path) -> Iterator[Path]:
    """Yield a new folder beside `target`, on its file system, in which to make it; the folder is removed.

    So are those that killed processes have left there for the same target. Nothing else is touched, because
    the target may lie in a folder of the user's.
    """
    for left in target.parent.glob(f".{glob.escape(target.name)}-*.scratch"):
        _remove(left, left / _LOCK)
    with (
        TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-", suffix=".scratch") as folder,
        FileLock(Path(folder) / _LOCK),
    ):
        yield Path(folder)


def remove_left(cache: Path) -> None:
    """Remove from a cache what killed processes left, and drafts that nobody went on with for two weeks."""
    for folder in cache.glob(".*.scratch"):
        _remove(folder, folder / _LOCK)
    for folder in cache.glob("*.draft"):
        beside = folder.with_suffix(".lock")
        _remove(folder, beside if beside.exists() else folder / _LOCK, _RESUMED_S)


def _remove(folder: Path, lock: Path, least_s: float = 0) -> None:
    """Remove a folder that was last changed so long ago, unless a process holds its lock.

    One without a lock is not redl's, or is just being made: it stays, unless it has long been empty.
    """
    with suppress(OSError, Timeout):  # taken away just now, or not ours to remove
        age_s = time.time() - folder.stat().st_mtime
        if not lock.exists():
            if age_s >= _BEGUN_S:
                folder.rmdir()
        elif age_s >= least_s:
            with FileLock(lock, timeout=0):
                shutil.rmtree(folder, ignore_errors=True)
