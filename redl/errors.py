"""Errors that a user can mend: one line that says what was wrong, where, and the remedy."""


class RedlError(Exception):
    """Report a fault the user can mend; the message is one line and names no patient."""


class OptionError(RedlError):
    """Report an option whose value cannot be used."""


class DataError(RedlError):
    """Report a data set, table or image that cannot be used."""


class RecordError(RedlError):
    """Report a record that breaks the schema."""


class ModelError(RedlError):
    """Report a model or weights that cannot be had."""
