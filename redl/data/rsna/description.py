"""Description of a cohort before anything is trained on it, compared with the published counts.

Only the table is read. What the site or the machine reveals about the label is counted too: a network that
finds either in the pixels has learnt nothing about breasts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from redl.data.cache.pool import Pool
from redl.data.rsna.cohort import BIRADS, TABLE, CohortRules, read_cohort, read_table, select
from redl.data.source import Source
from redl.data.splits import split_images
from redl.errors import DataError
from redl.record import Counts

if TYPE_CHECKING:
    import pandas as pd

OPTIONAL_COLUMNS = ("site_id", "machine_id", "view", "laterality", "implant")

# Any other value is not shown: in a table with shifted columns it can be a patient's.
_VIEWS = ("CC", "MLO", "AT", "LM", "ML", "LMO")
_SIDES = ("L", "R")
_OTHER = "other"

_BLOCK = 8  # images decoded at a time, which is how many are shown of a class

# Counted in the train.csv that Kaggle hands out; the first five are those of Selvan, Schoen and Dam (2023).
PUBLISHED = {
    CohortRules(): {
        "images": 11856,
        "subjects": 3199,
        "images of BI-RADS 0": 3953,
        "images of BI-RADS 1": 7082,
        "images of BI-RADS 2": 821,
        "youngest": 26,
        "oldest": 54,
        "images of site 2": 1342,
        "positive images of site 2": 1342,
        "machines": 10,
        "images with implants": 704,
        "images of view CC": 5869,
        "images of view MLO": 5982,
    },
    # By the figures above, which leave a share of 24.8 % positive.
    CohortRules(site=1): {"images": 11856 - 1342, "images of BI-RADS 0": 3953 - 1342},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Number of images that share a value of a column, and of the positive ones among them."""

    name: str
    images: int
    positives: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Shortcut:
    """What a column reveals about the label, by its groups of images."""

    column: str
    groups: tuple[Group, ...]

    @property
    def accuracy(self) -> float:
        """Return the accuracy of answering every image with the majority of its group, seeing none."""
        right = sum(max(group.positives, group.images - group.positives) for group in self.groups)
        return right / sum(group.images for group in self.groups)


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A count that differs from the published one."""

    what: str
    found: int
    published: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CohortDescription:
    """Figures of a cohort.

    `birads`, `views`, `sides` and `implants` count images, `images_per_subject` the subjects of so many
    images. `subject_ages`, float64 (S,) in years, is NaN where unknown; `subject_labels`, uint8 (S,).
    What depends on a column in `missing_columns` is None, or no shortcut.
    """

    synthetic: bool
    labels: NDArray[np.uint8] = field(repr=False)
    birads: dict[int, int]
    subject_ages: NDArray[np.float64] = field(repr=False)
    subject_labels: NDArray[np.uint8] = field(repr=False)
    images_per_subject: dict[int, int]
    views: dict[str, int] | None
    sides: dict[str, int] | None
    implants: int | None
    shortcuts: tuple[Shortcut, ...]
    split_subjects: Counts
    split_images: Counts
    missing_columns: tuple[str, ...]

    @property
    def ages(self) -> tuple[float, float, float] | None:
        """Return the youngest, median and oldest age in years; None where none is known."""
        known = self.subject_ages[~np.isnan(self.subject_ages)]
        return (float(known.min()), float(np.median(known)), float(known.max())) if len(known) else None

    @property
    def counts(self) -> dict[str, int]:
        """Return what can be compared with the published counts, by the same names."""
        named = {
            "images": len(self.labels),
            "subjects": len(self.subject_labels),
            **{f"images of BI-RADS {category}": count for category, count in self.birads.items()},
        }
        if self.ages:
            named["youngest"], named["oldest"] = int(self.ages[0]), int(self.ages[2])
        if self.implants is not None:
            named["images with implants"] = self.implants
        for view, count in (self.views or {}).items():
            named[f"images of view {view}"] = count
        for shortcut in self.shortcuts:
            if shortcut.column == "machine_id":
                named["machines"] = len(shortcut.groups)
            else:
                found = {group.name: group for group in shortcut.groups}
                two = found.get("2", Group(name="2", images=0, positives=0))
                named["images of site 2"] = two.images
                named["positive images of site 2"] = two.positives
        return named


def majority_accuracy(labels: NDArray[np.uint8]) -> float:
    """Return the accuracy of always answering the larger class."""
    share = float(labels.mean())
    return max(share, 1 - share)


def describe_cohort(root: Path, rules: CohortRules) -> CohortDescription:
    """Count a cohort from train.csv; raise DataError for a table that cannot be used."""
    cohort = read_cohort(root, rules)
    header = _columns(root)
    present = tuple(column for column in OPTIONAL_COLUMNS if column in header)
    table = select(read_table(root, (*rules.needed_columns, *_new(present, rules.needed_columns))), rules)
    _, first, counts = np.unique(cohort.subjects, return_index=True, return_counts=True)
    split = split_images(cohort.subjects, cohort.labels)
    parts = {"train": split.train, "valid": split.valid, "test": split.test}
    return CohortDescription(
        synthetic=bool(cohort.manifest),
        labels=cohort.labels,
        birads=_count(table["BIRADS"].astype(int).to_numpy(), BIRADS),
        subject_ages=table["age"].to_numpy(np.float64)[first],
        subject_labels=cohort.labels[first],
        images_per_subject=_count(counts),
        views=_count(_words(table["view"], _VIEWS), _VIEWS) if "view" in present else None,
        sides=_count(_words(table["laterality"], _SIDES), _SIDES) if "laterality" in present else None,
        implants=int((_numbers(table["implant"]) == 1).sum()) if "implant" in present else None,
        shortcuts=tuple(
            _shortcut(column, _numbers(table[column]), cohort.labels)
            for column in ("site_id", "machine_id")
            if column in present
        ),
        split_subjects=Counts(
            **{name: len(np.unique(cohort.subjects[rows])) for name, rows in parts.items()}
        ),
        split_images=Counts(**{name: len(rows) for name, rows in parts.items()}),
        missing_columns=tuple(column for column in OPTIONAL_COLUMNS if column not in present),
    )


def find_differences(description: CohortDescription, rules: CohortRules) -> tuple[Difference, ...] | None:
    """Return where a cohort's counts differ from the published ones; None if none are published for it."""
    published = PUBLISHED.get(rules)
    if published is None or description.synthetic:
        return None
    counts = description.counts  # without those of a column that is missing
    return tuple(
        Difference(what=what, found=counts[what], published=count)
        for what, count in published.items()
        if counts.get(what, count) != count
    )


def sample_images(
    source: Source, *, of_each: int, seed: int = 0
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Make up to `of_each` images of either class, each of another subject, drawn by chance.

    Return them, uint8 (n, size, size), with their labels, positives first. Unreadable
    images are skipped; raise DataError if none is readable.
    """
    rng = np.random.default_rng(seed)
    images: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    with Pool() as pool:
        for label in (1, 0):
            rows = rng.permutation(np.flatnonzero(source.labels == label))
            one_a_subject = rows[np.sort(np.unique(source.subjects[rows], return_index=True)[1])]
            made = list(islice(_readable(source, one_a_subject, pool), of_each))
            images += made
            labels += [label] * len(made)
    if not images:
        raise DataError(
            f"{source.dataset}: no image can be read; `redl data check` lists them with the reasons"
        )
    return np.stack(images), np.array(labels, np.uint8)


def _readable(source: Source, rows: NDArray[np.intp], pool: Pool) -> Iterator[NDArray[np.uint8]]:
    """Yield the images of rows in their order, made elsewhere, because a file may kill its decoder."""
    ends = np.cumsum([item.rows for item in source.items])
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        items = [source.items[number] for number in np.searchsorted(ends, block, side="right")]
        made = dict(pool.work_through(enumerate(items)))
        for place, (row, item) in enumerate(zip(block, items, strict=True)):
            if not isinstance(images := made[place], DataError):
                yield images.images[row - _end(ends, row) + item.rows]


def _end(ends: NDArray[np.intp], row: int) -> int:
    return int(ends[np.searchsorted(ends, row, side="right")])


def _columns(root: Path) -> tuple[str, ...]:
    import pandas as pd

    return tuple(pd.read_csv(root / TABLE, nrows=0).columns)


def _new(columns: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(column for column in columns if column not in known)


def _numbers(column: pd.Series) -> NDArray[np.float64]:
    """Return a column as numbers, NaN for anything else."""
    import pandas as pd

    return pd.to_numeric(column, errors="coerce").to_numpy(np.float64)


def _words(column: pd.Series, known: tuple[str, ...]) -> NDArray[np.str_]:
    """Return a column with the words it may hold, `other` for any else."""
    return column.where(column.isin(known), _OTHER).to_numpy(str)


def _shortcut(column: str, values: NDArray[np.float64], labels: NDArray[np.uint8]) -> Shortcut:
    names = np.array([_OTHER if np.isnan(value) else f"{value:g}" for value in values])
    groups = (
        Group(name=str(name), images=int((names == name).sum()), positives=int(labels[names == name].sum()))
        for name in np.unique(names)
    )
    return Shortcut(column=column, groups=tuple(sorted(groups, key=lambda group: -group.images)))


def _count(values: NDArray[Any], known: Iterable[Any] = ()) -> dict[Any, int]:
    """Count each value, including those that are `known` but absent."""
    found, counts = np.unique(values, return_counts=True)
    return dict.fromkeys(known, 0) | dict(zip(found.tolist(), counts.tolist(), strict=True))
