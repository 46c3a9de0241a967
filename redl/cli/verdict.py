"""`redl verdict`: whether the savings of a saved run cost performance, by a margin fixed beforehand."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

from redl.results.metric import Metric

NOT_SHOWN = 1  # the exit status unless every saving is non-inferior

_NARROWEST = 120


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = commands.add_parser("verdict", help="tell whether the savings of a saved run cost performance")
    parser.add_argument("saved", type=Path, metavar="RUN", help="a run that pytest-benchmark saved as JSON")
    parser.add_argument(
        "--margin",
        type=float,
        required=True,
        metavar="LOSS",
        help="the loss that would still be acceptable, fixed before the run, such as 0.02",
    )
    parser.add_argument(
        "--metric", choices=list(Metric), default=Metric.ACCURACY, help="what is compared (default: accuracy)"
    )
    parser.add_argument("--format", choices=("table", "json"), default="table", help="(default: table)")
    parser.set_defaults(run=run, again="nothing was kept; call again to start over")


def run(arguments: argparse.Namespace) -> int:
    """Print a verdict on each saving; return 0 if every one is non-inferior, else 1."""
    from redl.results.arms import arms_of, pairs_of
    from redl.results.noninferiority.table import verdict_table
    from redl.results.noninferiority.verdict import Outcome, to_json, verdicts
    from redl.results.store import load_run

    saved = load_run(arguments.saved)
    arms = arms_of(saved.records.values(), saved.predictions)
    judged = verdicts(pairs_of(arms), margin=arguments.margin, metric=Metric(arguments.metric))
    if arguments.format == "json":
        sys.stdout.write(f"{to_json(judged)}\n")
    else:
        width = max(shutil.get_terminal_size().columns, _NARROWEST)
        sys.stdout.write(verdict_table(judged, width=width))
    return 0 if all(verdict.outcome is Outcome.NON_INFERIOR for verdict in judged) else NOT_SHOWN
