"""`redl history`: one figure over all saved runs, with its steps marked."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from redl.cli.display import print_note, print_table
from redl.cli.options import add_reference, add_reports, reference_of
from redl.printable import printable_json

if TYPE_CHECKING:
    from redl.results.gate.history import Series


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = commands.add_parser("history", help="show a figure over all saved runs, with its steps marked")
    parser.add_argument(
        "rule",
        nargs="?",
        default="accuracy:noise",
        metavar="RULE",
        help="a figure and the largest change that is not a step, e.g. peak_memory:5%% or swin/auc:0.02 "
        "(default: accuracy:noise)",
    )
    parser.add_argument(
        "--format", choices=("table", "json"), default="table", help="table (default) or json"
    )
    add_reports(parser)
    add_reference(parser)
    parser.set_defaults(run=run, again="nothing was saved; run it again to start over")


def run(arguments: argparse.Namespace) -> int:
    """Print the figure of every cell in every saved run; return 0."""
    from redl.results.gate.history import history_of, load_history
    from redl.results.gate.rule import parse_rule

    rule = parse_rule(arguments.rule if ":" in arguments.rule else f"{arguments.rule}:noise")
    runs, faults = load_history(arguments.reports)
    for fault in faults:
        print_note(fault)
    series = history_of(runs, rule, reference_of(arguments, runs[-1]))
    if arguments.format == "json":
        plain = json.dumps([_plain(cell) for cell in series], indent=1, allow_nan=False)
        sys.stdout.write(f"{printable_json(plain)}\n")
        return 0
    for cell in series:
        rows = [
            (
                point.run.removesuffix(".json"),
                (point.commit or "-")[:12],
                "-" if point.value is None else f"{point.value:.6g}",
                f"{point.step}: {point.reason}" if point.reason else point.step,
            )
            for point in cell.points
        ]
        unit = f" ({rule.figure.unit})" if rule.figure.unit else ""
        print_table(f"{cell.cell}, {rule.figure.name}{unit}", ("run", "commit", "figure", "step"), rows)
    return 0


def _plain(series: Series) -> dict[str, object]:
    points: Sequence[dict[str, object]] = [
        {"run": p.run, "commit": p.commit, "value": p.value, "step": p.step.value, "reason": p.reason}
        for p in series.points
    ]
    figure = series.rule.figure
    return {"cell": series.cell, "figure": figure.name, "unit": figure.unit, "points": points}
