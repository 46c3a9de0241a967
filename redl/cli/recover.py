"""`redl recover`: a saved run of the journal that an interrupted run left behind."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from redl.cli.display import print_note


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = commands.add_parser("recover", help="make a saved run of what a killed run has finished")
    parser.add_argument(
        "journal", type=Path, metavar="JOURNAL", help="the journal that the run left, reports/*/*.journal"
    )
    parser.set_defaults(run=run, again="the journal is kept; run it again")


def run(arguments: argparse.Namespace) -> int:
    """Save a run beside its journal, and say what was dropped; return 0."""
    from redl.results.journal import recover

    found = recover(arguments.journal)
    cases = len({entry.case for entry in found.entries})
    for fault in found.faults:
        print_note(f"{arguments.journal}: {fault}")
    kept = "journal removed" if found.removed else "the journal is kept, because not all of it could be read"
    tests = len(found.entries)
    sys.stdout.write(f"{found.path}: {tests} tests of {cases} cases; {kept}\n")
    return 0
