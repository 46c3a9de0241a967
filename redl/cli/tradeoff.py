"""`redl tradeoff`: what the settings of a saved run score, cost and are worth, and which is recommended."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from redl.cli.display import table_width
from redl.errors import OptionError
from redl.results.metric import Metric, metric_named
from redl.results.noninferiority.margin import read_margin


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "tradeoff", help="weigh what settings score against what they cost, and recommend one"
    )
    parser.add_argument("saved", type=Path, metavar="RUN", help="a run saved by pytest-benchmark, a .json")
    parser.add_argument(
        "--margin",
        required=True,
        metavar="LOSS",
        help="the loss that would still be acceptable, fixed before the run, e.g. 0.02 or 2%%",
    )
    parser.add_argument(
        "--metric",
        default=Metric.ACCURACY.value,
        metavar="METRIC",
        help=f"{', '.join(Metric)} (default: accuracy)",
    )
    parser.add_argument(
        "--threshold",
        type=float,
        default=0.5,
        metavar="T",
        help="probability above which a patient is treated (default: 0.5, as for accuracy)",
    )
    parser.add_argument(
        "--patients",
        type=int,
        default=10_000,
        metavar="N",
        help="number of patients that one training will serve (default: 10000)",
    )
    parser.add_argument(
        "--lambda",
        dest="lambdas_wh",
        type=_grid,
        metavar="WH,...",
        help="energies that one more correctly triaged patient may cost (default: 0.01,0.1,1,10,100,1000)",
    )
    parser.add_argument(
        "--format", choices=("table", "json"), default="table", help="table (default) or json"
    )
    parser.set_defaults(run=run, again="nothing was saved; run it again to start over")


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
    margin = read_margin(arguments.margin, option="--margin")
    metric = metric_named(arguments.metric, option="--metric")
    saved = load_run(arguments.saved)
    arms = arms_of(saved.records.values(), saved.predictions)
    judged = verdicts(pairs_of(arms), margin=margin, metric=metric)
    found = tradeoffs(arms, metric=metric, plan=plan)
    if arguments.format == "json":
        sys.stdout.write(f"{to_json(found, judged)}\n")
    else:
        sys.stdout.write(tradeoff_tables(found, judged, width=table_width()))
    return 0


def _grid(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise OptionError(f"--lambda {text}: give energies in Wh, e.g. 0.1,1,10") from None
