"""Options that several commands share: the data set, where it lies, and what is chosen from it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redl.cli.display import silent
from redl.errors import OptionError
from redl.study.case import Dataset
from redl.study.profile import SMOKE

if TYPE_CHECKING:
    from redl.data.datasets import DataOptions
    from redl.data.lidc.rules import LidcRules
    from redl.data.rsna.cohort import CohortRules
    from redl.data.source import Source
    from redl.results.reference import Reference
    from redl.results.store import Run

_COHORT = ("max_age", "site", "crop")
_PATCHES = ("min_raters", "max_cluster", "spacing_mm", "window_hu")
_ANY_AGE = "none"


def add_dataset(parser: argparse.ArgumentParser) -> None:
    """Add --dataset."""
    parser.add_argument("--dataset", required=True, choices=list(Dataset), help="rsna or lidc")


def add_root(parser: argparse.ArgumentParser, without: str) -> None:
    """Add --root; `without` says what its absence means."""
    parser.add_argument(
        "--root", type=Path, metavar="DIR", help=f"the data (or REDL_RSNA_ROOT, REDL_LIDC_ROOT); {without}"
    )


def add_processes(parser: argparse.ArgumentParser) -> None:
    """Add --processes."""
    parser.add_argument("--processes", type=count, metavar="N", help="at work at once (default: one a core)")


def add_rules(parser: argparse.ArgumentParser) -> None:
    """Add what is chosen from either data set."""
    cohort = parser.add_argument_group("options of --dataset rsna")
    cohort.add_argument(
        "--max-age",
        type=_age,
        metavar="YEARS",
        help="subjects younger than this (default: 55, the paper's cohort), or 'none'",
    )
    cohort.add_argument("--site", type=int, metavar="N", help="subjects of one site, 1 or 2 (default: both)")
    cohort.add_argument(
        "--crop",
        choices=("yes", "no"),
        help="cut mammograms to the breast (default: yes), or squash them whole, as published",
    )
    patches = parser.add_argument_group("options of --dataset lidc")
    patches.add_argument(
        "--min-raters",
        type=int,
        metavar="N",
        help="raters who call a patch positive (default: 2, the paper's text; 3 is its code)",
    )
    patches.add_argument(
        "--max-cluster",
        type=int,
        metavar="N",
        help="leave out nodules of more annotations than this (default: none)",
    )
    patches.add_argument(
        "--spacing-mm",
        type=float,
        metavar="MM",
        help="resample to this pixel spacing (default: the scan's own, or what a profile has)",
    )
    patches.add_argument(
        "--window-hu",
        type=float,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="Hounsfield units that become black and white (default: -1000 400)",
    )


def given(arguments: argparse.Namespace, names: Iterable[str]) -> dict[str, Any]:
    """Return those of the options that were given."""
    return {name: value for name in names if (value := getattr(arguments, name)) is not None}


def root_of(arguments: argparse.Namespace) -> Path | None:
    """Return where the data set lies: what was given, else the environment."""
    fallback = os.environ.get(f"REDL_{arguments.dataset.upper()}_ROOT")
    root: Path | None = arguments.root
    return root or (Path(fallback) if fallback else None)


def needed_root_of(arguments: argparse.Namespace) -> Path:
    """Return where the data set lies; raise OptionError unless it was said."""
    root = root_of(arguments)
    if root is None:
        raise OptionError(
            "--root is missing: name the data's folder; `redl data phantom` writes one without patients"
        )
    return root


def cohort_rules(arguments: argparse.Namespace) -> CohortRules:
    """Return who belongs to the RSNA cohort."""
    from redl.data.rsna.cohort import CohortRules

    chosen = given(arguments, ("max_age", "site"))
    if chosen.get("max_age") == _ANY_AGE:
        chosen["max_age"] = None
    return CohortRules(**chosen)


def lidc_rules(arguments: argparse.Namespace) -> LidcRules:
    """Return how patches of LIDC-IDRI are chosen, labelled and cut."""
    from redl.data.lidc.rules import LidcRules

    chosen = given(arguments, _PATCHES)
    if "window_hu" in chosen:
        chosen["window_hu"] = tuple(chosen["window_hu"])
    return LidcRules(**chosen)


def data_options(
    arguments: argparse.Namespace, *, cache: Path | None = None, max_unreadable: float | None = None
) -> DataOptions:
    """Return what the suite would be told; raise RedlError for what cannot be used."""
    import platformdirs

    from redl.data.cache.preparation import MAX_UNREADABLE
    from redl.data.datasets import DataOptions

    shared: dict[str, Any] = {
        "cache": Path(cache or os.environ.get("REDL_CACHE") or platformdirs.user_cache_dir("redl")),
        "max_unreadable": MAX_UNREADABLE if max_unreadable is None else max_unreadable,
    }
    if arguments.dataset == Dataset.RSNA:
        refuse_foreign(arguments, _PATCHES)
        crop = arguments.crop != "no"
        return DataOptions(rsna_root=root_of(arguments), cohort=cohort_rules(arguments), crop=crop, **shared)
    refuse_foreign(arguments, _COHORT)
    return DataOptions(lidc_root=root_of(arguments), lidc=lidc_rules(arguments), **shared)


def source_of(arguments: argparse.Namespace, *, image_size: int) -> Source:
    """Describe the data set that lies below the root, `image_size` pixels a side."""
    from redl.data.datasets import find_source

    profile = replace(SMOKE, image_size=image_size)  # all that counts where a root is given
    return find_source(arguments.dataset, profile, data_options(arguments), on_progress=silent)


def refuse_foreign(arguments: argparse.Namespace, names: Iterable[str]) -> None:
    """Raise OptionError if one of these was given, for they are another data set's."""
    for name in given(arguments, names):
        raise OptionError(f"{flag(name)}: --dataset {arguments.dataset} has no such option; leave it out")


def flag(name: str) -> str:
    """Spell an option as the user does."""
    return f"--{name.replace('_', '-')}"


def count(text: str) -> int:
    """Read a whole number from 1 on, for argparse."""
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{number}: give 1 or more")
    return number


def _age(text: str) -> float | str:
    try:
        return _ANY_AGE if text == _ANY_AGE else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: give years, or none") from None


def add_reports(parser: argparse.ArgumentParser) -> None:
    """Add --reports."""
    parser.add_argument(
        "--reports",
        type=Path,
        default=Path("reports"),
        metavar="DIR",
        help="where runs are saved (default: reports)",
    )


def add_reference(parser: argparse.ArgumentParser) -> None:
    """Add --reference."""
    parser.add_argument(
        "--reference",
        type=Path,
        metavar="FILE",
        help="accuracies of repeated runs, for rules of noise (default: REPORTS/reference/PROFILE.json)",
    )


def reference_of(arguments: argparse.Namespace, run: Run) -> Reference | None:
    """Return the reference that was named, or that of the run's profile; None if there is none."""
    from redl.results.reference import find_reference, load_reference

    profile = next(iter(run.records.values())).case.profile
    path = arguments.reference or find_reference(profile, arguments.reports)
    return None if path is None else load_reference(path)
