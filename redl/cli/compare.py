"""`redl compare`: one saved run against another, with an exit status for CI."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redl.cli.display import one_line, table_width
from redl.cli.options import add_reference, add_reports, reference_of

if TYPE_CHECKING:
    from redl.results.gate.comparison import Comparison

FORMATS = ("table", "markdown", "json", "github")


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "compare", help="compare two saved runs: status 0 fine, 1 regressed, 2 could not be compared"
    )
    parser.add_argument(
        "base", metavar="BASE", help="a saved run's file, number or name, or a baseline's name"
    )
    parser.add_argument("new", metavar="NEW", help="the later run, given in the same way")
    parser.add_argument(
        "--fail",
        action="append",
        default=[],
        metavar="RULE",
        help="by how much a figure may get worse, e.g. accuracy:0.02 (absolute) or peak_memory:5%% (of the "
        "baseline); may be repeated",
    )
    parser.add_argument(
        "--other-machine",
        action="store_true",
        help="compare across machines and software, without time and energy",
    )
    parser.add_argument("--format", choices=FORMATS, default="table", help="(default: table)")
    add_reports(parser)
    add_reference(parser)
    parser.set_defaults(run=run, again="nothing was saved; run it again to start over")


def run(arguments: argparse.Namespace) -> int:
    """Print how two runs compare; return 1 if a figure regressed, else 2 if any was not compared, else 0."""
    from redl.results.gate.baseline import find_run, load_base
    from redl.results.gate.comparison import compare
    from redl.results.gate.rule import rules_from
    from redl.results.side_by_side import side_by_side
    from redl.results.store import load_run, without_collection

    rules = rules_from(arguments.fail, Path("pyproject.toml"))
    with without_collection():
        base = load_base(find_run(arguments.base, arguments.reports))
        new = load_run(find_run(arguments.new, arguments.reports))
        comparison = compare(
            base,
            new,
            rules,
            reference=reference_of(arguments, new),
            other_machine=arguments.other_machine,
        )
    if arguments.format == "table":
        sys.stdout.write(side_by_side([base, new], width=table_width()))
    sys.stdout.write(_text(comparison, arguments.format))
    return int(comparison.outcome)


def _text(comparison: Comparison, form: str) -> str:
    from redl.results.gate import report

    match form:
        case "markdown":
            return report.as_markdown(comparison)
        case "json":
            return report.as_json(comparison)
        case "github":
            if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
                with one_line(Path(summary)), Path(summary).open("a", encoding="utf-8") as file:
                    file.write(report.as_markdown(comparison))
            return report.as_annotations(comparison)
        case _:
            return report.as_table(comparison, width=table_width(), changed_only=False)
