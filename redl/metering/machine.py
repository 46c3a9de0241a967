"""The machine, as the kernel and the installed packages tell it; nothing here imports torch."""

from __future__ import annotations

import math
import os
import re
from importlib import metadata
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
_CPU_MAX = Path("/sys/fs/cgroup/cpu.max")


def cpu_model() -> str | None:
    """Return the processor's name as the kernel gives it; None where it gives none."""
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", _CPUINFO.read_text(), re.MULTILINE)
    except OSError:
        return None
    return found[1].strip() if found else None


def usable_cores() -> int:
    """Count the logical cores this process may use, which a batch system or a container often restricts."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(allowed, _quota_cores() or allowed)


def _quota_cores() -> int | None:
    """Return the cores that the container's CPU time amounts to, rounded up (cgroup v2, cpu.max)."""
    try:
        quota, period = _CPU_MAX.read_text().split()
    except (OSError, ValueError):
        return None
    return None if quota == "max" else math.ceil(int(quota) / int(period))


def package_version(package: str) -> str | None:
    """Return the version of an installed package; None if it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
