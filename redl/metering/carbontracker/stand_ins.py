"""Stand-ins for what CarbonTracker would do behind the user's back."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from redl.errors import OptionError


class SilentLog:
    """Stand in for CarbonTracker's Logger: print nothing, open nothing, keep the first fault."""

    def __init__(self) -> None:
        self.fault: str | None = None

    def err_critical(self, message: str) -> None:
        """Keep the error that CarbonTracker is handling as it calls this, or else the message."""
        self.keep(f"CarbonTracker failed: {one_line(sys.exception() or message)}")

    def _ignore(self, *_: object, **__: object) -> None:
        pass

    output = info = err_debug = err_info = err_warn = _ignore

    @contextmanager
    def faults_kept(self) -> Iterator[None]:
        """Keep what is raised inside in place of raising it, also CarbonTracker's sys.exit."""
        try:
            yield
        except OptionError:
            raise
        except (Exception, SystemExit) as error:
            self.keep(f"CarbonTracker failed: {one_line(error)}")

    def keep(self, fault: str) -> None:
        """Keep a fault unless one is kept: what follows the first is mostly its consequence."""
        if self.fault is None:
            self.fault = fault


@contextmanager
def swapped(owner: object, name: str, stand_in: object) -> Iterator[None]:
    """Put `stand_in` in place of an attribute that must exist."""
    original = getattr(owner, name)
    setattr(owner, name, stand_in)
    try:
        yield
    finally:
        setattr(owner, name, original)


def one_line(fault: BaseException | str) -> str:
    """Return a fault in one short line that names no folder."""
    text = (getattr(fault, "strerror", None) or str(fault)) if isinstance(fault, BaseException) else fault
    kind = f"{type(fault).__name__}: " if isinstance(fault, BaseException) else ""
    return (kind + re.sub(r"/\S*/", "", " ".join(text.split())))[:200].removesuffix(": ")
