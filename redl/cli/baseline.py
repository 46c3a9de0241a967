"""`redl baseline set|show`: the only way to replace the run that gates compare with."""

from __future__ import annotations

import argparse
from typing import Any

from redl.cli.display import one_line, print_note, print_table, print_text
from redl.cli.options import add_reports

FAULTY = 1  # the exit status where a baseline cannot be used


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the commands."""
    tasks = commands.add_parser("baseline", help="set and show the runs that gates compare with")
    given = tasks.add_subparsers(metavar="TASK", required=True)
    setting = given.add_parser("set", help="make a saved run the baseline of its profile")
    setting.add_argument("saved", metavar="RUN", help="a saved run's file, number or name")
    setting.add_argument("--name", help="a name other than that of its profile, e.g. main or h100")
    showing = given.add_parser("show", help="list the baselines, and whether each can be used")
    for parser, run in ((setting, run_set), (showing, run_show)):
        add_reports(parser)
        parser.set_defaults(run=run, again="the old baseline is kept, or refused until it is set again")


def run_set(arguments: argparse.Namespace) -> int:
    """Set a baseline and print what it was before; return 0."""
    from redl.results.gate.baseline import find_run, set_baseline

    with one_line(arguments.reports):
        moved = set_baseline(find_run(arguments.saved, arguments.reports), arguments.reports, arguments.name)
    before = "none before" if moved.before is None else f"{moved.before} before"
    print_text(f"{moved.path}: {moved.after} cases, {before}; commit it together with its .sha256\n")
    return 0


def run_show(arguments: argparse.Namespace) -> int:
    """List the baselines; return 0 if each can be used, else 1."""
    from redl.errors import RedlError
    from redl.results.gate.baseline import baselines, load_base

    rows, faults = [], []
    for path in baselines(arguments.reports):
        try:
            run = load_base(path)
        except RedlError as error:
            faults.append(str(error))
            continue
        record = next(iter(run.records.values()))
        known = record.environment or {}
        words = (known.get(name) for name in ("gpu", "cpu", "torch", "git_commit"))
        gpu, cpu, torch, commit = (str(word) if word else "-" for word in words)
        seeds = len({one.case.seed for one in run.records.values()})
        rows.append(
            (path.stem, str(len(run.records)), str(seeds), gpu if gpu != "-" else cpu, torch, commit[:12])
        )
    if rows:
        print_table("Baselines", ("name", "cases", "seeds", "machine", "torch", "commit"), rows)
    elif not faults:
        print_note(f"{arguments.reports}: no baseline; set one by `redl baseline set RUN`")
    for fault in faults:
        print_note(fault)
    return FAULTY if faults else 0
