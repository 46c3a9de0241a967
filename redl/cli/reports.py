"""Options of the commands that read saved runs: where these lie, and the reference of repeated runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redl.results.reference import Reference
    from redl.results.store import Run


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
    from redl.results.reference import load_reference

    if arguments.reference is not None:
        return load_reference(arguments.reference)
    profile = next(iter(run.records.values())).case.profile
    path: Path = arguments.reports / "reference" / f"{profile}.json"
    return load_reference(path) if path.is_file() else None
