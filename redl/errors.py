"""Errors that users can fix: one line that says what is wrong, where, and how to fix it."""

from redl.printable import printable_line


class RedlError(Exception):
    """An error that users can fix; the message is one printable line and names no patient."""

    def __init__(self, message: str = "") -> None:
        super().__init__(printable_line(message, longest=2000))


class OptionError(RedlError):
    """An option has a value that cannot be used."""


class DataError(RedlError):
    """A data set, table or image cannot be used."""


class RecordError(RedlError):
    """A record does not follow the schema."""


class ModelError(RedlError):
    """A model or its weights cannot be used."""
