"""Errors that users can fix: one line that says what is wrong, where, and how to fix it."""


class RedlError(Exception):
    """An error that users can fix; the message is one line and names no patient."""


class OptionError(RedlError):
    """An option has a value that cannot be used."""


class DataError(RedlError):
    """A data set, table or image cannot be used."""


class RecordError(RedlError):
    """A record does not follow the schema."""


class ModelError(RedlError):
    """A model or its weights cannot be used."""
