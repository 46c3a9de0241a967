"""Items to work through; a worker process finds their functions by this module's name."""

import os
import signal
import time
from functools import partial
from pathlib import Path

import numpy as np

from redl.data.source import Images, Item, Source
from redl.errors import DataError

SIZE = 4


def images_of(number: int, rows: int, journal: Path | None) -> Images:
    """Make images that identify their item, and note in `journal` that they were made."""
    if journal is not None:
        with journal.open("a") as file:
            file.write(f"{number}\n")
    return Images(pixels_of(number, rows))


def pixels_of(number: int, rows: int) -> np.ndarray:
    return (
        np.full((rows, SIZE, SIZE), number % 251, np.uint8) + np.arange(rows, dtype=np.uint8)[:, None, None]
    )


def refuse(name: str) -> Images:
    raise DataError(f"{name}: not a DICOM file; download it again")


def die() -> Images:
    os.kill(os.getpid(), signal.SIGSEGV)
    return refuse("unreachable")


def dawdle(number: int, rows: int, journal: Path | None) -> Images:
    time.sleep(0.2)
    return images_of(number, rows, journal)


def item(number: int, *, rows: int = 1, journal: Path | None = None, slow: bool = False) -> Item:
    work = partial(dawdle if slow else images_of, number, rows, journal)
    return Item(name=f"{number}.dcm", stamp=f"{number}", rows=rows, work=work)


def broken(number: int, stamp: str | None = None) -> Item:
    name = f"{number}.dcm"
    return Item(name=name, stamp=stamp or str(number), rows=1, work=partial(refuse, name))


def deadly(number: int) -> Item:
    return Item(name=f"{number}.dcm", stamp=str(number), rows=1, work=die)


def source(*items: Item, **changes) -> Source:
    """Make a source of items, each a separate subject, every second one positive."""
    rows = [item.rows for item in items]
    subjects = np.repeat(np.arange(len(items), dtype=np.int32), rows)
    known = {
        "dataset": "rsna",
        "image_size": SIZE,
        "items": items,
        "labels": (subjects % 2).astype(np.uint8),
        "subjects": subjects,
        "options": {"crop": True},
        "synthetic": True,
    }
    return Source(**known | changes)
