"""The number of processors that this process may use.

Not `os.cpu_count()`, which counts those of the machine: a batch system restricts a process to some of them
(affinity), and a container to a share of their time (a control group's quota).
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")


def usable_processors() -> int:
    """Return how many processors this process may keep busy, at least 1.

    A quota is rounded up, e.g. that of `docker run --cpus=2.5` to 3. Control groups of both versions are
    read (cgroups(7)); a system without them, or without affinity, has no such limit.
    """
    return min([_in_affinity(), *_quotas()])


def _in_affinity() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows have no such call
        return os.cpu_count() or 1


def _quotas() -> Iterator[int]:
    """Yield the quota of each control group around this process, in processors, where one is set."""
    for folder in _folders():
        quota, period = _read(folder / "cpu.max"), ""  # version 2: quota and period in one file
        if not quota:
            quota, period = _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")
        try:
            share, whole = map(int, f"{quota} {period}".split())
        except ValueError:  # "max", or no such file
            continue
        if share > 0 and whole > 0:  # version 1 writes -1 for no quota
            yield math.ceil(share / whole)


def _folders() -> Iterator[Path]:
    """Yield the folders of this process's control groups, and of those that contain them.

    Inside a container the group's path may be that of the host, whose folders are not there; its own group
    then is the topmost folder.
    """
    for line in _read(_OWN_GROUPS).splitlines():
        _, controllers, path = line.split(":", 2)
        top = _GROUPS / controllers  # version 2 names no controllers, and is mounted at the top itself
        folder = top / path.lstrip("/")
        yield folder
        yield from (parent for parent in folder.parents if parent.is_relative_to(top))


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
