"""The RSNA screening mammography data as Kaggle hands it out, and a cohort within it.

Layout: `train.csv`, and `train_images/<patient_id>/<image_id>.dcm`. Nothing here opens an image, and pandas
is imported where it is used, because the pytest plugin checks the folder at start-up.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from redl.data.outside import refuse_outside
from redl.data.source import Item, Option, Source, stamp_of
from redl.errors import DataError, OptionError, RecordError
from redl.record.strict import Share, decode, parse, read_bytes

if TYPE_CHECKING:
    import pandas as pd

TABLE = "train.csv"
IMAGES = "train_images"
MANIFEST = "manifest.json"
NEEDED_COLUMNS = ("patient_id", "image_id", "age", "BIRADS")
BIRADS = (0, 1, 2)  # the categories of the real table; 0 asks for a follow-up
MAX_AGE = 55  # exclusive, of the paper's cohort

_REMEDY = (
    "download 'RSNA Screening Mammography Breast Cancer Detection' from Kaggle, "
    "or leave the folder out to use the phantom"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class CohortRules:
    """Who belongs to a cohort; the defaults are those of Selvan, Schoen and Dam (2023), section 3.

    Subjects younger than `max_age` (None: of any age, known or not), of one `site` (None: of all), whose
    BI-RADS category is known, as a label follows from nothing else.
    """

    max_age: float | None = MAX_AGE
    site: int | None = None

    def __post_init__(self) -> None:
        """Raise OptionError for an age that no one is younger than."""
        if self.max_age is not None and not self.max_age > 0:
            raise OptionError(f"a cohort younger than {self.max_age}: give an age above 0")

    @property
    def needed_columns(self) -> tuple[str, ...]:
        """Return the columns of train.csv that these rules read."""
        return NEEDED_COLUMNS if self.site is None else (*NEEDED_COLUMNS, "site_id")

    @property
    def said(self) -> str:
        """Return the rules in a few words."""
        age = "of any age" if self.max_age is None else f"younger than {self.max_age:g}"
        return f"{age}, with a BIRADS" + ("" if self.site is None else f", of site {self.site}")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Cohort:
    """The images of a cohort in the order of their table.

    Of each of the N images: its file; its label, uint8, 1 where a follow-up scan was called for; and its
    subject, int32, counted from 0 for this run only. `manifest` is a phantom's, empty for patients.
    """

    paths: tuple[Path, ...] = field(repr=False)  # a path holds the patient
    labels: NDArray[np.uint8]
    subjects: NDArray[np.int32]
    manifest: dict[str, Any]


def check_root(root: Path, rules: CohortRules = CohortRules()) -> None:
    """Raise DataError unless `root` is a folder whose train.csv has the columns that `rules` need."""
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; {_REMEDY}")
    path = root / TABLE
    if path.exists() and not path.is_file():  # a pipe would be waited for, a device be read for ever
        raise DataError(f"{TABLE}: not a file but a folder, a pipe or a device; download it again")
    try:
        with path.open(newline="", encoding="utf-8-sig") as table:
            header = next(csv.reader(table), [])
    except FileNotFoundError:
        raise DataError(f"{root}: holds no {TABLE}; {_REMEDY}") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{TABLE}: cannot be read ({type(error).__name__}); download it again") from None
    missing = [column for column in rules.needed_columns if column not in header]
    if missing:
        raise DataError(f"{TABLE}: has no column {', '.join(missing)}; download it again")


def read_cohort(root: Path, rules: CohortRules = CohortRules()) -> Cohort:
    """Read a cohort.

    The paper's text counts categories 1 and 2 as follow-up; BI-RADS 0 is the category that asks for one, and
    the positive class here. Raise DataError for a table or a folder that cannot be used.
    """
    check_root(root, rules)
    table = select(read_table(root, rules.needed_columns), rules)
    paths = tuple(
        root / IMAGES / str(patient) / f"{image}.dcm"
        for patient, image in zip(table["patient_id"], table["image_id"], strict=True)
    )
    labels, subjects = labels_of(table)
    return Cohort(paths=paths, labels=labels, subjects=subjects, manifest=_read_manifest(root))


def labels_of(cohort: pd.DataFrame) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Return labels and subjects, (N,) each, of a cohort's rows; see Cohort."""
    _, subjects = np.unique(cohort["patient_id"].to_numpy(), return_inverse=True)
    return (cohort["BIRADS"] == 0).to_numpy().astype(np.uint8), subjects.astype(np.int32)


def rsna_source(root: Path, *, rules: CohortRules, image_size: int, crop: bool) -> Source:
    """Return the source of a cohort's mammograms, `image_size` pixels a side, cropped or resized whole."""
    from redl.data.rsna.cropping import load_mammogram  # its decoders come with it

    cohort = read_cohort(root, rules)
    refuse_outside(((path.name, path) for path in cohort.paths), root)
    options: dict[str, Option] = {"max_age": rules.max_age, "site": rules.site, "crop": crop}
    return Source(
        dataset="rsna",
        image_size=image_size,
        items=tuple(
            Item(
                name=path.name,
                stamp=stamp_of(path, below=root),
                rows=1,
                work=partial(load_mammogram, path, size=image_size, crop=crop),
            )
            for path in cohort.paths
        ),
        labels=cohort.labels,
        subjects=cohort.subjects,
        options=options,
        synthetic=bool(cohort.manifest),
        ideal_accuracy=_ideal_accuracy(cohort.manifest) if rules == CohortRules() else None,
    )


def read_table(root: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """Read columns of train.csv, numbers as numbers; raise DataError for any other value."""
    import pandas as pd

    path = root / TABLE
    kinds = {"patient_id": "int64", "image_id": "int64", "age": "float64", "BIRADS": "float64"}
    try:
        return pd.read_csv(path, usecols=list(columns), dtype=kinds | {"site_id": "int64"})
    except (OSError, ValueError, OverflowError) as error:  # pandas' parser errors are ValueErrors
        # `from None`: the message would quote the value, which can be a patient's.
        raise DataError(
            f"{path.name}: patient_id, image_id and site_id must be whole numbers, age and BIRADS numbers or "
            f"empty ({type(error).__name__}); download it again"
        ) from None


def select(table: pd.DataFrame, rules: CohortRules) -> pd.DataFrame:
    """Return the rows of the cohort; raise DataError if it is empty or has a row that cannot be used."""
    chosen = table["BIRADS"].notna()
    if rules.max_age is not None:
        chosen &= table["age"] < rules.max_age
    if rules.site is not None:
        chosen &= table["site_id"] == rules.site
    cohort = table[chosen]
    if cohort.empty:
        raise DataError(f"{TABLE}: no row is {rules.said}; use the whole table or other rules")
    if not cohort["BIRADS"].isin(BIRADS).all():
        raise DataError(f"{TABLE}: BIRADS holds values other than 0, 1 and 2; download it again")
    repeated = cohort["image_id"][cohort["image_id"].duplicated()]
    if len(repeated):
        first = f"{repeated.iloc[0]}.dcm"
        raise DataError(f"{TABLE}: {len(repeated)} rows repeat an image, {first} first; keep one row of each")
    return cohort


def _read_manifest(root: Path) -> dict[str, Any]:
    """Return a phantom's manifest, empty without one; a damaged one must not pass for patients."""
    try:
        manifest = parse(read_bytes(root / MANIFEST), MANIFEST)
    except FileNotFoundError:
        return {}
    except (OSError, RecordError) as error:
        reason = "no JSON" if isinstance(error, RecordError) else type(error).__name__
        raise DataError(f"{MANIFEST}: cannot be read ({reason}); generate the phantom again") from None
    return manifest if isinstance(manifest, dict) and "redl_phantom" in manifest else {}


def _ideal_accuracy(manifest: dict[str, Any]) -> float | None:
    """Return a phantom's bound, which holds at the proportions of its default cohort; None for patients."""
    if not manifest:
        return None
    try:
        return decode(manifest["ideal_accuracy"]["accuracy"], Share, MANIFEST)
    except (LookupError, TypeError, RecordError):
        raise DataError(f"{MANIFEST}: holds no ideal accuracy; generate the phantom again") from None
