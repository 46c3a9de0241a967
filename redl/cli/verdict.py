"""`redl verdict`: whether the settings of a saved run cost performance, by a margin fixed beforehand."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from redl.cli.display import table_width
from redl.cli.options import add_judged_run
from redl.results.metric import metric_named
from redl.results.noninferiority.margin import read_margin

NOT_SHOWN = 1  # the exit status unless every setting is non-inferior


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = commands.add_parser("verdict", help="judge whether the settings of a saved run cost performance")
    add_judged_run(parser)
    parser.add_argument(
        "--pool-seeds",
        action="store_true",
        help="let the settings share what they show of the variance over seeds, if it is alike",
    )
    parser.add_argument(
        "--format", choices=("table", "json"), default="table", help="table (default) or json"
    )
    parser.set_defaults(run=run, again="nothing was saved; run it again to start over")


def run(arguments: argparse.Namespace) -> int:
    """Print a verdict on each setting and runtime; return 0 if every one is non-inferior, else 1."""
    from redl.results.deployments import judged
    from redl.results.noninferiority.table import verdict_table
    from redl.results.noninferiority.verdict import Outcome, to_json
    from redl.results.store import load_run

    margin = read_margin(arguments.margin, option="--margin")
    metric = metric_named(arguments.metric, option="--metric")
    saved = load_run(arguments.saved)
    settings, runtimes = judged(
        saved.records,
        saved.predictions,
        saved.deployments,
        margin=margin,
        metric=metric,
        pool_seeds=arguments.pool_seeds,
    )
    found = [*settings, *runtimes]
    if arguments.format == "json":
        sys.stdout.write(f"{to_json(found)}\n")
    else:
        sys.stdout.write(verdict_table(found, width=table_width()))
    return 0 if all(verdict.outcome is Outcome.NON_INFERIOR for verdict in found) else NOT_SHOWN
