"""`redl export`: a saved run for other programs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from redl.errors import OptionError

_FORMATS = ("csv", "parquet", "jsonl", "croissant")


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = commands.add_parser("export", help="write a saved run for other programs")
    parser.add_argument("saved", type=Path, metavar="RUN", help="a run saved by pytest-benchmark, a .json")
    parser.add_argument(
        "--format",
        choices=_FORMATS,
        default="csv",
        help="csv (default) or parquet: a row a case; jsonl: whole records; croissant: the data sets",
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="the file to write (default: the output)"
    )
    parser.set_defaults(run=run, again="nothing was written; run it again to start over")


def run(arguments: argparse.Namespace) -> int:
    """Write the run; return 0."""
    from redl.results.export import Format, export
    from redl.results.saving import replace_whole
    from redl.results.store import load_run

    content = export(list(load_run(arguments.saved).records.values()), Format(arguments.format))
    if arguments.output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        return 0
    try:
        replace_whole(arguments.output, content)
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise OptionError(f"-o {arguments.output}: {why}; name a file that can be written") from error
    return 0
