"""Faults that nobody foresaw in strangers' data, told without what the data hold."""

from __future__ import annotations

import traceback
from pathlib import Path
from types import TracebackType

from redl.errors import DataError, RedlError


class confidential:  # noqa: N801 - used like a function, as those of contextlib
    """Block in which an unforeseen error becomes a DataError that names only its kind and its place.

    Its message and the variables of its traceback may hold a patient's name, and logs keep both. OSErrors
    pass: they are told, without paths, by those who know what was asked for.
    """

    def __init__(self, dataset: str) -> None:
        self._dataset = dataset

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, Exception) or isinstance(error, RedlError | OSError):
            return
        place = traceback.extract_tb(trace)[-1]
        where = f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}"
        del error, trace, place  # a traceback with variables would show them
        raise DataError(
            f"{self._dataset}: cannot be read ({where}); check the files, and report this if they are whole"
        ) from None
