"""The folder of a case's epochs, from outside: where it is, and when it can go. No torch is imported here."""

from __future__ import annotations

import hashlib
import shutil
import time
from contextlib import suppress
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from redl.execution.stamp import Stamp

FOLDER = ".epochs"  # beside the saved runs

_KEPT_S = 14 * 86400  # by then nobody will go on with it


def folder_of(runs: Path, case: str, stamp: Stamp) -> Path:
    """Return the folder of the epochs of a case, beside the runs that are saved in `runs`.

    Only a case with the same stamp, on the same machine and data, finds it again.
    """
    digest = hashlib.sha256(msgspec.json.encode((case, stamp), order="deterministic")).hexdigest()[:16]
    return runs / FOLDER / f"{case[:100]}-{digest}"


def lock_of(folder: Path) -> FileLock:
    """Return the lock that the process has that trains the case."""
    return FileLock(folder / "lock", timeout=0)


def remove_epochs(folder: Path) -> None:
    """Delete the epochs of a case, unless a process trains it now."""
    if folder.is_dir():
        with suppress(Timeout, OSError), lock_of(folder):
            shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # there are others in it, or none was kept
        folder.parent.rmdir()


def remove_outdated(runs: Path) -> None:
    """Delete epochs that nobody went on with for two weeks."""
    for folder in (runs / FOLDER).glob("*"):
        with suppress(OSError):  # taken away just now
            if time.time() - folder.stat().st_mtime > _KEPT_S:
                remove_epochs(folder)
