"""`redl merge`: one saved run of several, e.g. of one study's seeds on several machines."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from redl.cli.display import print_note
from redl.cli.options import add_reports
from redl.errors import OptionError


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = commands.add_parser("merge", help="make one saved run of several")
    parser.add_argument(
        "saved", nargs="+", metavar="RUN", help="saved runs: a file, or the number or name of one in REPORTS"
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="the file to write, a new one"
    )
    add_reports(parser)
    parser.set_defaults(run=run, again="nothing was written; run it again to start over")


def run(arguments: argparse.Namespace) -> int:
    """Merge, and say what was in several runs; return 0."""
    from redl.results.gate.baseline import find_run
    from redl.results.merging import merge
    from redl.results.saving import save_new, why

    output: Path = arguments.output
    found = merge([find_run(one, arguments.reports) for one in arguments.saved])
    try:
        save_new(output.parent, output, found.content)
    except OSError as error:
        if output.exists():
            raise OptionError(f"-o {output}: there is such a file; name a new one") from error
        raise OptionError(f"-o {output}: {why(error)}; name a file that can be written") from error
    if found.repeated:
        print_note(
            f"{len(found.repeated)} cases are in several runs with the same answers: each is kept once"
        )
    for name in found.finished_elsewhere:
        print_note(f"{name}: ended early in one run and finished in another, which counts")
    runs, missing = len(arguments.saved), f", {found.missing} missing" if found.missing else ""
    sys.stdout.write(f"{output}: {found.cases} cases of {runs} runs{missing}\n")
    return 0
