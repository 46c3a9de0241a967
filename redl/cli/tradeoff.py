"""`redl tradeoff`: what the settings of a saved run score, spend and are worth, and which may be taken."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

from redl.errors import OptionError
from redl.results.metric import Metric

_NARROWEST = 120  # columns; what is narrower would break the figures


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "tradeoff", help="weigh what settings score against what they spend, and recommend one"
    )
    parser.add_argument("saved", type=Path, metavar="RUN", help="a run saved by pytest-benchmark, a .json")
    parser.add_argument(
        "--margin", type=float, default=0.02, metavar="LOSS", help="acceptable loss of the metric (0.02)"
    )
    parser.add_argument(
        "--metric", choices=[str(one) for one in Metric], default="accuracy", help="performance (accuracy)"
    )
    parser.add_argument(
        "--threshold",
        type=float,
        default=0.5,
        metavar="T",
        help="probability above which a patient is treated (0.5, as in accuracy)",
    )
    parser.add_argument(
        "--patients", type=int, default=10_000, metavar="N", help="that one training will serve (10000)"
    )
    parser.add_argument(
        "--lambda",
        dest="lambdas_wh",
        type=_grid,
        metavar="WH,...",
        help="energy accepted for one more patient rightly triaged (0.01,0.1,1,10,100,1000)",
    )
    parser.add_argument("--format", choices=("table", "json"), default="table", help="default: table")
    parser.set_defaults(run=run, again="nothing was kept; call again to start over")


def run(arguments: argparse.Namespace) -> int:
    """Print the trade-off of every model of a saved run."""
    from redl.results.arms import arms_of, pairs_of
    from redl.results.noninferiority.verdict import verdicts
    from redl.results.store import load_run
    from redl.results.tradeoff.adjusted import LAMBDAS_WH, Plan
    from redl.results.tradeoff.table import to_json, tradeoff_tables
    from redl.results.tradeoff.tradeoff import tradeoffs

    plan = Plan(
        threshold=arguments.threshold,
        patients=arguments.patients,
        lambdas_wh=arguments.lambdas_wh or LAMBDAS_WH,
    )
    metric = Metric(arguments.metric)
    saved = load_run(arguments.saved)
    arms = arms_of(saved.records.values(), saved.predictions)
    judged = verdicts(pairs_of(arms), margin=arguments.margin, metric=metric)
    found = tradeoffs(arms, metric=metric, plan=plan)
    if arguments.format == "json":
        sys.stdout.write(f"{to_json(found, judged)}\n")
    else:
        width = max(shutil.get_terminal_size().columns, _NARROWEST)
        sys.stdout.write(tradeoff_tables(found, judged, width=width))
    return 0


def _grid(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise OptionError(f"--lambda {text}: name energies in Wh, such as 0.1,1,10") from None
