"""`redl choose`: the cheapest model and setting within a memory budget that is as good as the best."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from redl.cli.display import table_width
from redl.cli.options import add_judged_run
from redl.errors import OptionError
from redl.results.metric import metric_named
from redl.results.noninferiority.margin import read_margin
from redl.study.size import bytes_of

NONE_QUALIFIES = 1  # the exit status unless one is chosen on every data set and scale

_BY = ("memory", "energy", "time")


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "choose",
        help="name the cheapest model and setting within a memory budget that is as good as the best",
    )
    add_judged_run(parser)
    parser.add_argument(
        "--budget", required=True, metavar="SIZE", help="memory for training, e.g. 4GB, 512MB or 4GiB"
    )
    parser.add_argument(
        "--by",
        metavar="RESOURCE",
        help=f"{', '.join(_BY)} (default: the first of energy, memory and time that all have)",
    )
    parser.add_argument(
        "--reference",
        metavar="MODEL,SETTING",
        help="what all are judged against (default: the best mean of the run)",
    )
    parser.add_argument(
        "--format", choices=("table", "json"), default="table", help="table (default) or json"
    )
    parser.set_defaults(run=run, again="nothing was saved; run it again to start over")


def run(arguments: argparse.Namespace) -> int:
    """Print what to take on each data set; return 0 if there is one on each, else 1."""
    from redl.results.arms import arms_of
    from redl.results.choice import Wish, choices, read_reference
    from redl.results.choice_table import choice_tables, to_json
    from redl.results.store import load_run
    from redl.results.tradeoff.costs import Resource

    if arguments.by is not None and arguments.by not in _BY:
        raise OptionError(f"--by {arguments.by}: give one of {', '.join(_BY)}")
    named = arguments.reference
    wish = Wish(
        budget_bytes=bytes_of(arguments.budget, option="--budget"),
        margin=read_margin(arguments.margin, option="--margin"),
        metric=metric_named(arguments.metric, option="--metric"),
        by=None if arguments.by is None else Resource(arguments.by),
        reference=None if named is None else read_reference(named, option="--reference"),
    )
    saved = load_run(arguments.saved)
    found = choices(arms_of(saved.records.values(), saved.predictions), wish)
    if arguments.format == "json":
        sys.stdout.write(f"{to_json(found)}\n")
    else:
        sys.stdout.write(choice_tables(found, width=table_width()))
    return 0 if all(choice.chosen for choice in found) else NONE_QUALIFIES
