"""A watch over the resident memory of another process, which it kills above a limit."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

_EVERY_S = 0.005
_NEAR = 64 * 2**20  # bytes below the limit, which a training can take in these 5 ms
_NEAR_EVERY_S = 0.0005
_PAGE = os.sysconf("SC_PAGE_SIZE")


class ResidentWatch:
    """A thread that reads a process's resident size, and kills it above `limit_bytes`.

    It reads every 5 ms, and every half millisecond near the limit.

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
        pause_s = _EVERY_S
        while not self._ended.wait(pause_s):
            try:
                resident = int(self._statm.read_bytes().split()[1]) * _PAGE
            except (OSError, IndexError):  # it has ended
                return
            if resident > self._limit:
                self.over_bytes = resident - self._limit
                self._kill()
                return
            pause_s = _NEAR_EVERY_S if resident > self._limit - _NEAR else _EVERY_S
