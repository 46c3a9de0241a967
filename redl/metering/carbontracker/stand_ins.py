"""Stand-ins for what CarbonTracker would do unasked."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from redl.errors import OptionError


class SilentLog:
    """A stand-in for CarbonTracker's Logger that prints nothing, opens nothing and keeps the first fault."""

    def __init__(self) -> None:
        self.fault: str | None = None

    def err_critical(self, message: str) -> None:
        """Keep the error that CarbonTracker is handling as it calls this, otherwise the message."""
        self.keep(f"CarbonTracker failed: {one_line(sys.exception() or message)}")

    def _ignore(self, *_: object, **__: object) -> None:
        pass

    output = info = err_debug = err_info = err_warn = _ignore

    @contextmanager
    def faults_kept(self) -> Iterator[None]:
        """Keep what is raised inside instead of raising it, including CarbonTracker's sys.exit."""
        try:
            yield
        except OptionError:
            raise
        except (Exception, SystemExit) as error:
            self.keep(f"CarbonTracker failed: {one_line(error)}")

    def keep(self, fault: str) -> None:
        """Keep the first fault, because those that follow are mostly its consequences."""
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
