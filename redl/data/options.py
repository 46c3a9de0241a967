"""Options about data, in one table from which both pytest's and the command's arguments are made.

Nothing here is heavy to import, because every pytest run in the environment adds these arguments.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redl.errors import OptionError
from redl.study.case import Dataset

if TYPE_CHECKING:
    from redl.data.datasets import DataOptions, OwnData

MAX_UNREADABLE = 0.01  # share of a data set's files
MAX_DUPLICATES = 0.01  # share of a data set's images


@dataclass(frozen=True, kw_only=True, slots=True)
class DataOption:
    """One option: `--redl-<suite_name>` of the suite, `--<name>` of the command with its --dataset.

    `dataset` is the only one that has the option, None where all have it. `read` turns its text into a value,
    or raises ValueError, and `remedy` then says how to write it. `from_environment` lets REDL_<SUITE_NAME>
    stand in for it.
    """

    name: str
    suite_name: str
    dataset: Dataset | None
    metavar: str
    help: str
    read: Callable[[str], Any]
    remedy: str
    from_environment: bool = False

    @property
    def suite_flag(self) -> str:
        """Return the option as it is written for pytest."""
        return f"--redl-{self.suite_name.replace('_', '-')}"

    @property
    def flag(self) -> str:
        """Return the option as it is written for the command."""
        return f"--{self.name.replace('_', '-')}"

    def value(self, text: str, flag: str) -> Any:  # noqa: ANN401 - as many kinds as options
        """Return the value of a text; raise OptionError, with the remedy, for a text without one."""
        try:
            return self.read(text)
        except ValueError:
            raise OptionError(f"{flag} {text}: {self.remedy}") from None


def _number_or_none(text: str) -> float | None:
    return None if text == "none" else float(text)


def _count_or_none(text: str) -> int | None:
    return None if text == "none" else int(text)


def _yes_or_no(text: str) -> bool:
    if text not in {"yes", "no"}:
        raise ValueError(text)
    return text == "yes"


def _pair(text: str) -> tuple[float, float]:
    low, high = text.split(",")
    return float(low), float(high)


OPTIONS = (
    DataOption(
        name="root",
        suite_name="rsna_root",
        dataset=Dataset.RSNA,
        metavar="DIR",
        help="RSNA mammography as downloaded from Kaggle (or REDL_RSNA_ROOT); without it, a phantom",
        read=Path,
        remedy="name a folder",
        from_environment=True,
    ),
    DataOption(
        name="max_age",
        suite_name="rsna_max_age",
        dataset=Dataset.RSNA,
        metavar="YEARS",
        help="take only subjects younger than this (default: 55, the paper's cohort), or 'none' for any age",
        read=_number_or_none,
        remedy="give years, or none",
    ),
    DataOption(
        name="site",
        suite_name="rsna_site",
        dataset=Dataset.RSNA,
        metavar="N",
        help="take only subjects of site 1 or 2, or 'none' for both (default)",
        read=_count_or_none,
        remedy="give a site's number, e.g. 1, or none",
    ),
    DataOption(
        name="crop",
        suite_name="crop",
        dataset=Dataset.RSNA,
        metavar="yes|no",
        help="crop mammograms to the breast (default: yes), or squash them whole, as published",
        read=_yes_or_no,
        remedy="use one of yes, no",
    ),
    DataOption(
        name="root",
        suite_name="lidc_root",
        dataset=Dataset.LIDC,
        metavar="DIR",
        help="LIDC-IDRI as downloaded from TCIA (or REDL_LIDC_ROOT); without it, a phantom",
        read=Path,
        remedy="name a folder",
        from_environment=True,
    ),
    DataOption(
        name="min_raters",
        suite_name="lidc_min_raters",
        dataset=Dataset.LIDC,
        metavar="N",
        help="raters who must call a patch positive (default: 2, the paper's text; its code uses 3)",
        read=int,
        remedy="give 1 to 4",
    ),
    DataOption(
        name="max_cluster",
        suite_name="lidc_max_cluster",
        dataset=Dataset.LIDC,
        metavar="N",
        help="leave out nodules with more annotations than this, or 'none' (default)",
        read=_count_or_none,
        remedy="give a number of annotations, e.g. 4, or none",
    ),
    DataOption(
        name="spacing_mm",
        suite_name="lidc_spacing_mm",
        dataset=Dataset.LIDC,
        metavar="MM",
        help="resample CT scans to pixels of this size first (default: the profile's), or 'none'",
        read=_number_or_none,
        remedy="give millimetres, e.g. 0.7, or none",
    ),
    DataOption(
        name="window_hu",
        suite_name="lidc_window_hu",
        dataset=Dataset.LIDC,
        metavar="LOW,HIGH",
        help="Hounsfield units that become 0 and 1 (default: -1000,400)",
        read=_pair,
        remedy="give two numbers, e.g. -1000,400",
    ),
    DataOption(
        name="max_unreadable",
        suite_name="max_unreadable",
        dataset=None,
        metavar="SHARE",
        help=f"share of unreadable files that is tolerated (default: {MAX_UNREADABLE:g})",
        read=float,
        remedy="give a share from 0 to 1, e.g. 0.01",
    ),
    DataOption(
        name="max_duplicates",
        suite_name="max_duplicates",
        dataset=None,
        metavar="SHARE",
        help=f"share of images that may occur under another subject too (default: {MAX_DUPLICATES:g})",
        read=float,
        remedy="give a share from 0 to 1, e.g. 0.01",
    ),
    DataOption(
        name="prepared",
        suite_name="prepared",
        dataset=None,
        metavar="FILE|DIR",
        help="prepared data sets that `redl data pack` wrote, in place of their raw files",
        read=Path,
        remedy="name a file or a folder",
    ),
    DataOption(
        name="cache",
        suite_name="cache",
        dataset=None,
        metavar="DIR",
        help="where phantoms and prepared images are kept (or REDL_CACHE)",
        read=Path,
        remedy="name a folder",
        from_environment=True,
    ),
)


def data_options(
    texts: Mapping[str, str | None],
    flags: Mapping[str, str],
    *,
    dataset: str | None = None,
    spacing_mm: float | None = None,
    folders: tuple[OwnData, ...] = (),
) -> DataOptions:
    """Return where data lie and what is taken from them; raise RedlError for what cannot be used.

    `texts` and `flags` map each option's `suite_name` to its text and to how the user wrote it. An option
    without a text takes its default, which is `spacing_mm` for the pixels of CT scans. With `dataset`,
    options of other data sets are not read, not even from the environment.
    """
    import platformdirs

    from redl.data.datasets import DataOptions
    from redl.data.lidc.rules import LidcRules
    from redl.data.rsna.cohort import CohortRules

    given: dict[str, Any] = {}
    for option in OPTIONS:
        if dataset is not None and option.dataset not in {None, dataset}:
            continue
        text = texts.get(option.suite_name)
        if text is None and option.from_environment:
            text = os.environ.get(f"REDL_{option.suite_name.upper()}") or None
        if text is not None:
            given[option.suite_name] = option.value(text, flags.get(option.suite_name, option.suite_flag))

    def of(prefix: str, *names: str) -> dict[str, Any]:
        return {name: given[f"{prefix}{name}"] for name in names if f"{prefix}{name}" in given}

    lidc = {"spacing_mm": spacing_mm, **of("lidc_", "min_raters", "max_cluster", "spacing_mm", "window_hu")}
    return DataOptions(
        cache=given.get("cache", Path(platformdirs.user_cache_dir("redl"))),
        cohort=CohortRules(**of("rsna_", "max_age", "site")),
        lidc=LidcRules(**lidc),
        folders=folders,
        **of("", "rsna_root", "lidc_root", "crop", "max_unreadable", "max_duplicates", "prepared"),
    )
