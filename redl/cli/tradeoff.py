"""`redl tradeoff`: what the settings of a saved run score, cost and are worth, and which is recommended."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from redl.cli.display import table_width
from redl.cli.options import add_judged_run
from redl.errors import OptionError
from redl.results.metric import metric_named
from redl.results.noninferiority.margin import read_margin

if TYPE_CHECKING:
    from redl.results.tradeoff.error_costs import ErrorCosts
    from redl.results.tradeoff.plan import Plan


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "tradeoff", help="weigh what settings score against what they cost, and recommend one"
    )
    add_judged_run(parser)
    parser.add_argument(
        "--threshold",
        type=float,
        metavar="T",
        help="probability above which a patient is treated (default: 0.5, as for accuracy)",
    )
    parser.add_argument(
        "--cost-fn",
        type=float,
        metavar="COST",
        help="what a false negative costs, e.g. 9; with --cost-fp in place of --threshold",
    )
    parser.add_argument(
        "--cost-fp",
        type=float,
        metavar="COST",
        help="what a false positive costs, e.g. 1",
    )
    parser.add_argument(
        "--thresholds",
        metavar="LOW-HIGH",
        help="range of the decision curve, e.g. 0.01-0.3 (default: 0.001 to 0.99)",
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
        "--price-per-kwh",
        metavar="PRICE",
        help="price of energy, e.g. 0.30 or 0.30EUR; prints money beside Wh",
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
    from redl.results.tradeoff.models import across_models
    from redl.results.tradeoff.models_table import models_tables
    from redl.results.tradeoff.table import to_json, tradeoff_tables
    from redl.results.tradeoff.tradeoff import tradeoffs

    plan = _plan(arguments)
    margin = read_margin(arguments.margin, option="--margin")
    metric = metric_named(arguments.metric, option="--metric")
    saved = load_run(arguments.saved)
    arms = arms_of(saved.records.values(), saved.predictions)
    judged = verdicts(pairs_of(arms), margin=margin, metric=metric)
    found = tradeoffs(arms, metric=metric, plan=plan)
    if arguments.format == "json":
        sys.stdout.write(f"{to_json(found, judged)}\n")
    else:
        width = table_width()
        sys.stdout.write(tradeoff_tables(found, judged, width=width))
        sys.stdout.write(models_tables(across_models(arms, metric=metric), width=width))
    return 0


def _plan(arguments: argparse.Namespace) -> Plan:
    from redl.results.tradeoff.plan import LAMBDAS_WH, Plan
    from redl.results.tradeoff.price import read_price
    from redl.results.tradeoff.thresholds import THRESHOLDS, read_thresholds

    costs, price, thresholds = _error_costs(arguments), arguments.price_per_kwh, arguments.thresholds
    threshold = 0.5 if arguments.threshold is None else arguments.threshold
    return Plan(
        threshold=costs.threshold if costs else threshold,
        error_costs=costs,
        thresholds=THRESHOLDS if thresholds is None else read_thresholds(thresholds, option="--thresholds"),
        patients=arguments.patients,
        lambdas_wh=arguments.lambdas_wh or LAMBDAS_WH,
        price=None if price is None else read_price(price, option="--price-per-kwh"),
    )


def _error_costs(arguments: argparse.Namespace) -> ErrorCosts | None:
    from redl.results.tradeoff.error_costs import ErrorCosts

    fn, fp = arguments.cost_fn, arguments.cost_fp
    if fn is None and fp is None:
        return None
    if fn is None or fp is None:
        given, missing = ("--cost-fp", "--cost-fn") if fn is None else ("--cost-fn", "--cost-fp")
        raise OptionError(f"{given}: give {missing} too; only their ratio says which error is worse")
    costs = ErrorCosts(fn=fn, fp=fp)
    if arguments.threshold is not None:
        raise OptionError(
            f"--threshold {arguments.threshold:g}: --cost-fn {fn:g} and --cost-fp {fp:g} imply "
            f"{costs.threshold:.3g}; give the costs or the threshold"
        )
    return costs


def _grid(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise OptionError(f"--lambda {text}: give energies in Wh, e.g. 0.1,1,10") from None
