"""The CPU time of this process and its descendants, e.g. workers that load data."""

from __future__ import annotations

import os
import time

import psutil


class Family:
    """The CPU-seconds of all threads of this process, of its children, and of theirs.

    A process that has ended counts if its parent waited for it, as multiprocessing and subprocess do. One
    whose parent ended first is no descendant any more: it counts as long as it lives if an earlier reading
    saw it, otherwise not at all.
    """

    def __init__(self) -> None:
        self._self = psutil.Process()
        self._seen: set[psutil.Process] = set()

    def cpu_seconds(self) -> float:
        """Return what the family has used so far; only differences between two readings mean anything.

        It takes some 0.02 ms for each process of the machine, because each may be a descendant.
        """
        # First, so that a child that ends meanwhile is missed once rather than counted twice.
        ended = os.times()
        living = self._living()
        return time.process_time() + ended.children_user + ended.children_system + sum(living)

    def pids(self) -> frozenset[int]:
        """Return the numbers of this process and of its living descendants."""
        return frozenset({self._self.pid, *(child.pid for child in self._descendants())})

    def _living(self) -> list[float]:
        """Return what each living descendant has used, and those of its own that it waited for."""
        seconds: dict[psutil.Process, float] = {}
        for process in self._seen | set(self._descendants()):
            try:
                # A number that was given to another process since is that of a stranger.
                if process.is_running():
                    seconds[process] = sum(process.cpu_times()[:4])
            except psutil.Error:  # it has just ended
                continue
        self._seen = set(seconds)
        return list(seconds.values())

    def _descendants(self) -> list[psutil.Process]:
        try:
            found: list[psutil.Process] = self._self.children(recursive=True)
        except psutil.Error:
            return []
        return found
