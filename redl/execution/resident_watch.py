"""A watch over the resident memory of another process, which it kills above a limit."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

_EVERY_S = 0.005  # at 500 MB more a second, 2.5 MB go by unseen
_PAGE = os.sysconf("SC_PAGE_SIZE")


class ResidentWatch:
    """A thread that reads a process's resident size every 5 ms, and kills it above `limit_bytes`.

    `over_bytes` is how far it was above the limit when it was killed; None as long as it was not. What comes
    and goes between two readings shows in the process's own peak, which is to be checked besides.
    """

    def __init__(self, process: int, limit_bytes: int, kill: Callable[[], None]) -> None:
        self.over_bytes: int | None = None
        self._statm = Path(f"/proc/{process}/statm")
        self._limit = limit_bytes
        self._kill = kill
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop watching."""
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(_EVERY_S):
            try:
                resident = int(self._statm.read_bytes().split()[1]) * _PAGE
            except (OSError, IndexError):  # it has ended
                return
            if resident > self._limit:
                self.over_bytes = resident - self._limit
                self._kill()
                return
