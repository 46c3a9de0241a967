"""`redl data check`: read every file once, and compare the counts with the published ones."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redl.cli.describe import print_differences
from redl.cli.display import Progress, print_facts, print_findings, print_left_out
from redl.cli.options import (
    add_data_options,
    add_dataset,
    add_processes,
    data_options_of,
    needed_root_of,
    source_of,
)
from redl.study.case import Dataset

if TYPE_CHECKING:
    from redl.data.rsna.cohort import CohortRules

FAULTY = 1  # the exit status where a file cannot be read, or a count differs

# Large enough that no mammogram is decoded at less than its full resolution; patches are never reduced.
_IMAGE_SIZES = {Dataset.RSNA: 2048, Dataset.LIDC: 128}
_DECLARED_IMAGE_SIZE = 256


def add(tasks: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = tasks.add_parser("check", help="read every file, and compare the counts with the published ones")
    add_dataset(parser)
    add_processes(parser)
    add_data_options(parser, without_root="required, except for a declared data set")
    parser.set_defaults(run=run, again="nothing was saved; run it again to start over")


def run(arguments: argparse.Namespace) -> int:
    """Print what is wrong with a data set; return 0 if nothing is, else 1.

    A missing scan of LIDC-IDRI is listed but is no fault, because any subset may be used.
    """
    from redl.data.cache.preparation import read_through
    from redl.data.confidential import confidential

    options, dataset = data_options_of(arguments), arguments.dataset
    root = needed_root_of(options, dataset)
    source = source_of(arguments, image_size=_IMAGE_SIZES.get(dataset, _DECLARED_IMAGE_SIZE))
    with Progress() as progress, confidential(dataset):
        found = read_through(
            source,
            processes=arguments.processes,
            on_progress=progress.counting(f"{arguments.dataset}: reading"),
        )
    readable = len(source.items) - len(found.unreadable)
    print_facts(
        f"{arguments.dataset}, checked",
        [
            ("scans" if dataset == Dataset.LIDC else "files", str(len(source.items))),
            ("readable", str(readable)),
            ("unreadable", str(len(found.unreadable))),
            ("not there, left out", str(len(source.skipped))),
        ],
    )
    print_findings(found)
    print_left_out(source.skipped)
    as_published = dataset != Dataset.RSNA or _check_counts(root, options.cohort)
    return 0 if as_published and not found.unreadable else FAULTY


def _check_counts(root: Path, rules: CohortRules) -> bool:
    from redl.data.rsna.description import describe_cohort, find_differences

    differences = find_differences(describe_cohort(root, rules), rules)
    print_differences(differences)
    return not differences
