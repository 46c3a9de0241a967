"""Faults that nobody foresaw in strangers' data, told without what the data hold."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redl.errors import DataError, RedlError


@contextmanager
def confidential(dataset: str) -> Iterator[None]:
    """Turn an unforeseen error within the block into a DataError that names only its kind and its place.

    Its message and the variables of its traceback may hold a patient's name, and logs keep both.
    """
    try:
        yield
    except (RedlError, OSError):  # OSErrors are told, without paths, by those who know what was asked for
        raise
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}"
        raise DataError(
            f"{dataset}: cannot be read ({where}); check the files, and report this if they are whole"
        ) from None
