"""The lock of a GPU: one case at a time computes there, whoever started it."""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_READ_BY_ALL = 0o666  # another user's run locks the same file


@contextmanager
def gpu_lock(uuid: str | None, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock of a GPU of this machine; None: of none.

    `on_wait` is called if another process holds it, which is waited for. It is let go when this process dies.
    """
    if uuid is None:
        yield
        return
    path = Path(tempfile.gettempdir()) / f"redl-gpu-{re.sub(r'[^A-Za-z0-9-]', '', uuid)}.lock"
    lock = _open(path)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, _READ_BY_ALL)
    except PermissionError:  # Linux lets nobody create what another user's file in /tmp is called
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
