"""Ways of doing the same work, timed in turns in a process of their own: their seconds, and what came out.

It imports no torch, so the suite may read what such a process found.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from redl.execution.worker import fork_server


@dataclass(frozen=True, kw_only=True)
class Turns:
    """The seconds of each way's runs, and its validation losses by epoch, which `same` says were the same."""

    seconds: dict[str, list[float]]
    losses: dict[str, list[float]]
    same: dict[str, bool]

    def ratio(self, ours: str, theirs: str) -> float:
        """Return the shortest time of a way over that of another: what made a run longer is the machine."""
        return min(self.seconds[ours]) / min(self.seconds[theirs])


def in_child(name: str, *args: object) -> Turns:
    """Call a function of `bare_loop` in a process like a case's: of the same fork server, without pytest."""
    with ProcessPoolExecutor(1, mp_context=fork_server()) as pool:
        return pool.submit(_call, name, *args).result()


def _call(name: str, *args: object) -> Turns:
    from benchmarks import bare_loop  # torch comes with it

    found: Turns = getattr(bare_loop, name)(*args)
    return found
