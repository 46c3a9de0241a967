"""A folder that cannot be written, in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redl.errors import OptionError


@contextmanager
def one_line(place: Path) -> Iterator[None]:
    """Turn what the system says about writing below `place` into an OptionError.

    Faults of the data themselves are DataErrors already.
    """
    try:
        yield
    except OSError as error:
        # `from None`, and without its file name: a path below can hold a patient.
        raise OptionError(
            f"{place}: {error.strerror or type(error).__name__}; name a folder that can be written, with room"
        ) from None
