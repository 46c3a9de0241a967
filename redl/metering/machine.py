"""The machine, its system and the versions of packages; nothing here imports torch."""

from __future__ import annotations

import os
import platform
import re
from importlib import metadata
from pathlib import Path

from redl.processors import usable_processors

_CPUINFO = Path("/proc/cpuinfo")
_BOARD = Path("/proc/device-tree/model")


def machine() -> dict[str, str | int | None]:
    """Return processor, cores, system and Python, without the name of a host or a user."""
    return {
        "cpu": cpu_model() or board_model() or platform.processor() or None,
        "logical_cores": os.cpu_count(),
        "usable_cores": usable_processors(),
        "platform": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def cpu_model() -> str | None:
    """Return the processor's name as the kernel gives it; None where it gives none."""
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", _CPUINFO.read_text(), re.MULTILINE)
    except OSError:
        return None
    return found[1].strip() if found else None


def board_model() -> str | None:
    """Return a board's name, e.g. of a Raspberry Pi, as its device tree gives it; None without one."""
    try:
        return _BOARD.read_text(errors="replace").strip("\0\n ") or None
    except OSError:
        return None


def package_version(package: str) -> str | None:
    """Return the version of an installed package; None if it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
