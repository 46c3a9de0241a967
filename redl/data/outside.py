"""What lies outside of a data set's folder: no link leads there, and no pipe is waited for."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from redl.errors import DataError


def refuse_outside(files: Iterable[tuple[str, Path]], root: Path) -> None:
    """Raise DataError for a file that a link leads to outside of `root`, or that is a pipe, device or folder.

    `files` are paths below `root` with the names by which messages may call them; one that is missing is none
    of this. `root` itself may be a link, because it was named on purpose.
    """
    real = _resolved(root)
    inside: dict[Path, bool] = {}
    for name, path in files:
        if path.parent not in inside:
            inside[path.parent] = _resolved(path.parent).is_relative_to(real)
        try:
            link, kind = path.is_symlink(), path.stat().st_mode
        except OSError:  # also a name that is too long for any file
            continue
        if not inside[path.parent] or (link and not path.resolve().is_relative_to(real)):
            raise DataError(f"{name}: a link leads out of {root.name}; copy its file there")
        if not stat.S_ISREG(kind):
            raise DataError(f"{name}: not a file but a folder, a pipe or a device; replace it by an image")


def _resolved(path: Path) -> Path:
    """Return where all links of a path lead; unlike Path.resolve, without an error over those in a circle."""
    return Path(os.path.realpath(path))
