"""Saving: files that appear whole or not at all, under names that no other run can take.

Everything is first written to a draft in the same folder, and reaches the disk before it gets its name.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock

from redl.errors import OptionError

ROOM_BYTES = 16 * 2**20  # that must be free: a run of the suite saves some MB

_LOCK = ".redl.lock"  # while a file gets its name; the names of runs are counted
_WAIT_S = 60.0  # for another run that is saving
_DRAFTS = ".*.redl-draft"
_NUMBER = re.compile(r"(\d{4,})_")


def prove_writable(folder: Path, flag: str) -> None:
    """Raise OptionError, naming the option `flag`, unless a file of some MB can be written there now."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with named(folder) as draft:
            _write(draft, bytes(ROOM_BYTES))
    except OSError as error:
        raise OptionError(
            f"{flag} {folder}: {why(error)}; name a folder where a run of {ROOM_BYTES >> 20} MB can be saved"
        ) from error


def save_numbered(folder: Path, name: str, content: bytes) -> Path:
    """Save a run as `NNNN_<name>.json`, the next number of a folder, and return its path; raise OSError.

    Numbers are those of pytest-benchmark, which counts the runs of the folder and of the one above it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with named(folder) as draft:
        _write(draft, content)
        number = 1 + max(_numbers(folder), default=0)
        while True:  # a run without redl may be saving too
            path = folder / f"{number:04}_{name}.json"
            with suppress(FileExistsError):
                _give_name(draft, path)
                return path
            number += 1


def save_new(folder: Path, path: Path, content: bytes) -> None:
    """Save a file of a folder under a name that must be free; raise OSError, e.g. FileExistsError."""
    with named(folder) as draft:
        _write(draft, content)
        _give_name(draft, path)


def replace_whole(path: Path, content: bytes) -> None:
    """Write a file whole, in place of an old one, which stays as it is if that fails; raise OSError."""
    target = path.resolve()
    if target.exists() and not target.is_file():  # e.g. /dev/stdout
        target.write_bytes(content)
        return
    draft = target.with_name(f".{target.name}.{secrets.token_hex(8)}.redl-draft")
    try:
        _write(draft, content)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the file system can tell."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems cannot
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def why(error: OSError) -> str:
    """Return in words why a file cannot be written."""
    if isinstance(error, TimeoutError):
        return f"another run has been saving there for {_WAIT_S:.0f} s"
    return (error.strerror or type(error).__name__).lower()


@contextmanager
def named(folder: Path) -> Iterator[Path]:
    """Yield the path of a draft, which is removed at the end, while no other run saves in the folder."""
    with FileLock(folder / _LOCK, timeout=_WAIT_S):
        for left in folder.glob(_DRAFTS):  # by a run that was killed: there is one only under the lock
            left.unlink(missing_ok=True)
        draft = folder / f".{secrets.token_hex(8)}.redl-draft"
        try:
            yield draft
        finally:
            draft.unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _give_name(draft: Path, path: Path) -> None:
    """Name a draft, unless the name is taken (FileExistsError)."""
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        with path.open("xb"):  # which takes the name
            draft.replace(path)
    sync_folder(path.parent)


def _numbers(folder: Path) -> Iterator[int]:
    for place in (folder, folder.parent):
        for path in place.glob("*.json"):
            if found := _NUMBER.match(path.name):
                yield int(found[1])
