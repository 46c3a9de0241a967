"""`redl report`: the paper's tables, figures and a page of saved runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from redl.cli.display import print_note
from redl.errors import OptionError
from redl.results.noninferiority.margin import read_margin


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = commands.add_parser("report", help="write the tables, figures and a page of saved runs")
    parser.add_argument(
        "saved", type=Path, nargs="+", metavar="RUN", help="runs saved by pytest-benchmark, .json files"
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write into"
    )
    parser.add_argument(
        "--other", type=Path, metavar="RUN", help="an earlier run to compare with on the page"
    )
    parser.add_argument(
        "--history",
        type=Path,
        metavar="DIR",
        help="a folder of saved runs, e.g. reports: the page shows each figure over all of them",
    )
    parser.add_argument(
        "--margin",
        metavar="LOSS",
        help="the loss that would be acceptable, on which recommendations rest (default: 0.02)",
    )
    parser.add_argument(
        "--formats",
        metavar="NAMES",
        default="png,pdf,svg",
        help="of the figures, separated by commas (default: png,pdf,svg); svg takes the least time",
    )
    parser.set_defaults(run=run, again="what is in the folder may be a part; run it again")


def run(arguments: argparse.Namespace) -> int:
    """Write the report and say where; return 0."""
    from redl.results.gate.history import load_history
    from redl.results.report.report import MARGIN, write_report
    from redl.results.store import load_run

    margin = MARGIN if arguments.margin is None else read_margin(arguments.margin, option="--margin")
    runs = [load_run(path) for path in arguments.saved]
    other = None if arguments.other is None else load_run(arguments.other)
    history, faults = ([], []) if arguments.history is None else load_history(arguments.history)
    for fault in faults:
        print_note(fault)
    try:
        report = write_report(
            runs,
            arguments.output,
            other=other,
            history=history,
            margin=margin,
            formats=arguments.formats.split(","),
        )
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise OptionError(f"-o {arguments.output}: {why}; name a folder that can be written") from error
    for left_out in report.left_out:
        print_note(f"{left_out.name}: left out, because {left_out.reason}")
    sys.stdout.write(f"{report.words}\n")
    return 0
