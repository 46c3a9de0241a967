"""What pydicom does over damaged input: it raises all kinds of things, and warns in words from the header."""

from __future__ import annotations

import logging
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from pydicom.errors import BytesLengthException

# Of pydicom and of its decoders. Not MemoryError: that is the machine's fault.
PYDICOM_ERRORS = (
    ArithmeticError,
    AttributeError,
    BytesLengthException,
    EOFError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence pydicom for a while: it warns of what is then read or refused, and quotes the header."""
    logger = logging.getLogger("pydicom")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


class UnreadableImage(Exception):  # noqa: N818 - it never leaves this package
    """Reason why a file is not read, and the remedy; `read_image` puts the file's name before it."""
