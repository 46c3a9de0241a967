"""The RSNA screening mammography data as Kaggle hands it out, and the paper's cohort within it.

Layout: `train.csv`, and `train_images/<patient_id>/<image_id>.dcm`. Nothing here opens an image, and pandas
is imported where it is used, because the pytest plugin checks the folder at start-up.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from redl.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

TABLE = "train.csv"
IMAGES = "train_images"
MANIFEST = "manifest.json"
NEEDED_COLUMNS = ("patient_id", "image_id", "age", "BIRADS")
MAX_AGE = 55  # exclusive

_REMEDY = (
    "download 'RSNA Screening Mammography Breast Cancer Detection' from Kaggle, "
    "or leave the folder out to use the phantom"
)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Cohort:
    """Hold the images of the cohort in the order of their table.

    Of each of the N images: its file; its label, uint8, 1 where a follow-up scan was called for; and its
    subject, int32, counted from 0 for this run only. `synthetic` tells a phantom from patients.
    """

    paths: tuple[Path, ...] = field(repr=False)  # a path holds the patient
    labels: NDArray[np.uint8]
    subjects: NDArray[np.int32]
    synthetic: bool


def check_root(root: Path) -> None:
    """Raise DataError unless `root` is a folder whose train.csv has the needed columns."""
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; {_REMEDY}")
    try:
        with (root / TABLE).open(newline="", encoding="utf-8-sig") as table:
            header = next(csv.reader(table), [])
    except FileNotFoundError:
        raise DataError(f"{root}: holds no {TABLE}; {_REMEDY}") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{TABLE}: cannot be read ({type(error).__name__}); download it again") from None
    missing = [column for column in NEEDED_COLUMNS if column not in header]
    if missing:
        raise DataError(f"{TABLE}: has no column {', '.join(missing)}; download it again")


def read_cohort(root: Path) -> Cohort:
    """Read the paper's cohort: subjects younger than 55 whose BI-RADS category is known.

    Source: Selvan, Schoen and Dam (2023), section 3. Its text counts categories 1 and 2 as follow-up; BI-RADS
    0 is the category that asks for one, and the positive class here. Raise DataError for a table or a
    folder that cannot be used.
    """
    check_root(root)
    table = _read_table(root / TABLE)
    table = table[(table["age"] < MAX_AGE) & table["BIRADS"].notna()]
    _check_table(table)
    paths = tuple(
        root / IMAGES / str(patient) / f"{image}.dcm"
        for patient, image in zip(table["patient_id"], table["image_id"], strict=True)
    )
    _check_files(paths)
    _, subjects = np.unique(table["patient_id"].to_numpy(), return_inverse=True)
    return Cohort(
        paths=paths,
        labels=(table["BIRADS"] == 0).to_numpy().astype(np.uint8),
        subjects=subjects.astype(np.int32),
        synthetic=_is_synthetic(root),
    )


def _read_table(path: Path) -> pd.DataFrame:
    import pandas as pd

    kinds = {"patient_id": "int64", "image_id": "int64", "age": "float64", "BIRADS": "float64"}
    try:
        return pd.read_csv(path, usecols=NEEDED_COLUMNS, dtype=kinds)
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        # `from None`: the message would quote the value, which can be a patient's.
        raise DataError(
            f"{path.name}: patient_id and image_id must be whole numbers, age and BIRADS numbers or empty "
            f"({type(error).__name__}); download it again"
        ) from None


def _check_table(table: pd.DataFrame) -> None:
    if table.empty:
        raise DataError(f"{TABLE}: no row has an age below {MAX_AGE} and a BIRADS; use the whole table")
    if not table["BIRADS"].isin([0, 1, 2]).all():
        raise DataError(f"{TABLE}: BIRADS holds values other than 0, 1 and 2; download it again")
    repeated = table["image_id"][table["image_id"].duplicated()]
    if len(repeated):
        first = f"{repeated.iloc[0]}.dcm"
        raise DataError(f"{TABLE}: {len(repeated)} rows repeat an image, {first} first; keep one row of each")


def _check_files(paths: tuple[Path, ...]) -> None:
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise DataError(
            f"{IMAGES}: {len(missing)} of {len(paths)} images are missing, {missing[0]} first; download them"
        )


def _is_synthetic(root: Path) -> bool:
    """Tell whether a phantom's manifest lies in `root`; a damaged one must not pass for patients."""
    try:
        manifest = json.loads((root / MANIFEST).read_bytes())
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:
        raise DataError(
            f"{MANIFEST}: cannot be read ({type(error).__name__}); generate the phantom again"
        ) from None
    return isinstance(manifest, dict) and "redl_phantom" in manifest
