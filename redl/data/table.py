"""A table of images as people write them: by pandas, by hand, by a spreadsheet of any country."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from redl.errors import DataError
from redl.record.strict import read_bytes

_SEPARATORS = (",", ";", "\t", "|")


def read_rows(path: Path, columns: dict[str, str], *, optional: frozenset[str]) -> list[dict[str, str]]:
    """Read the rows of a CSV file: for each the text of every column, by what it is used for.

    `columns` maps a use to the column's name, whose case and surrounding blanks do not matter. Those that are
    not there are left out of every row if they are `optional`. Separators, encodings, a line `sep=;` and
    blank rows are as spreadsheets write them; a blank row is kept as an empty one, so that rows keep their
    numbers. Raise DataError for a file that is none, or lacks a column.
    """
    text = _decode(path).replace("\r\n", "\n").replace("\r", "\n")
    if text[:4].lower() == "sep=":
        text = text.partition("\n")[2]
    try:
        tables = [list(csv.reader(io.StringIO(text), delimiter=one)) for one in _SEPARATORS]
    except csv.Error:
        raise DataError(f"{path.name}: not a table; save it as CSV") from None
    # The separator that yields most of the columns, the usual one where none does.
    table = max(tables, key=lambda rows: len(_places(rows, columns)))
    places = _places(table, columns)
    missing = [columns[use] for use in columns if use not in places and use not in optional]
    if missing:
        # Which columns it has is not said: without a header they are a patient's values.
        raise DataError(
            f"{path.name}: has no column {', '.join(missing)}; add it, or say its name in `columns`"
        )
    return [_row(cells, places) for cells in table[1:]]


def _decode(path: Path) -> str:
    try:
        content = read_bytes(path)
    except FileNotFoundError:
        raise DataError(f"{path.name}: no such table; write one, or correct its path") from None
    except OSError as error:
        raise DataError(f"{path.name}: cannot be read ({error.strerror}); check the file") from None
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    elif content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise DataError(f"{path.name}: a spreadsheet's own file; save it as CSV")
    else:
        encodings = ["utf-8-sig", "cp1252", "latin-1"]  # the last takes any bytes
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            raise DataError(f"{path.name}: not a text file; save the table as CSV")
        return text
    raise DataError(f"{path.name}: cannot be decoded; save it as CSV in UTF-8")


def _names(table: list[list[str]]) -> list[str]:
    return [name.strip() for name in table[0]] if table else []


def _places(table: list[list[str]], columns: dict[str, str]) -> dict[str, int]:
    names = [name.lower() for name in _names(table)]
    wanted = {use: column.strip().lower() for use, column in columns.items()}
    return {use: names.index(name) for use, name in wanted.items() if name in names}


def _row(cells: list[str], places: dict[str, int]) -> dict[str, str]:
    if not any(cell.strip() for cell in cells):
        return {}
    return {use: cells[place].strip() if place < len(cells) else "" for use, place in places.items()}
