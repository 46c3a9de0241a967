"""DICOM files to read, good ones and spoilt ones."""

import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file

from redl.data.dicom import Encoding, Syntax, read_image, write_image
from redl.errors import DataError

PATIENT = "DOE_JANE_1970"


def encoding(
    syntax: Syntax = Syntax.UNCOMPRESSED, *, inverted: bool = False, sigmoid: bool = False
) -> Encoding:
    return Encoding(syntax=syntax, inverted=inverted, sigmoid=sigmoid)


def draw(rows: int, columns: int) -> np.ndarray:
    """Draw something like a breast with its chest wall on the left, 12 bits."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:rows, :columns]
    thickness = np.maximum(1 - ((y / rows - 0.5) / 0.42) ** 2 - (x / columns / 0.75) ** 2, 0) ** 0.3
    waves = np.sin(2 * np.pi * 9 * y / rows) * np.cos(2 * np.pi * 7 * x / columns)
    tissue = thickness * (0.45 + 0.1 * waves + 0.03 * rng.standard_normal((rows, columns)))
    return np.round(4095 * np.clip(tissue, 0, 1)).astype(np.uint16)


def write(path: Path, brightness: np.ndarray, syntax: Syntax = Syntax.UNCOMPRESSED) -> Path:
    write_image(path, brightness, encoding(syntax), patient="7", key="1")
    return path


def edit(path: Path, *, without: tuple[str, ...] = (), **values: object) -> Path:
    """Change and delete tags of a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some of these values are wrong on purpose
        header = pydicom.dcmread(path)
        for tag in without:
            del header[tag]
        for tag, value in values.items():
            setattr(header, tag, value)
        header.save_as(path)
    return path


def store(path: Path, stored: np.ndarray, **values: object) -> Path:
    """Put `stored` into a file as it is, whatever its header says."""
    rows, columns = stored.shape
    return edit(path, PixelData=stored.tobytes(), Rows=rows, Columns=columns, **values)


def sample(name: str) -> Path:
    path = get_testdata_file(name, download=False)
    assert isinstance(path, str)
    return Path(path)


def refusal(path: Path, **options: int) -> str:
    with pytest.raises(DataError) as caught:
        read_image(path, **options)
    return str(caught.value)
