"""The parser of the command line: every command with its options, and nothing that takes time to import."""

from __future__ import annotations

import argparse
import sys
from importlib.metadata import version
from typing import Any, NoReturn

from redl.cli import (
    baseline,
    check,
    choose,
    compare,
    describe,
    export,
    fit,
    history,
    merge,
    pack,
    phantom,
    prepare,
    recover,
    report,
    tradeoff,
    verdict,
    workers,
)
from redl.errors import OptionError

_NO_COMMAND = 2  # as argparse has it


class Parser(argparse.ArgumentParser):
    """Parser that accepts options only by their full names, and reports errors in one line."""

    def __init__(self, **words: Any) -> None:  # noqa: ANN401 - argparse's own
        super().__init__(allow_abbrev=False, **words)

    def error(self, message: str) -> NoReturn:
        """Raise OptionError."""
        raise OptionError(f"{message}; see {self.prog} --help") from None


_SUITE = """
Cases are run by pytest:
  pytest benchmarks -k "densenet and rsna"             in a checkout
  pytest --pyargs redl.suite -k "densenet and rsna"    anywhere redl is installed; saves into ./reports
"""


def build_parser() -> Parser:
    """Return the parser; what it parses has `run`, to call with it, and `again`, what to say after Ctrl-C."""
    parser = Parser(
        prog="redl", description="What resource-saving training settings save, and what they cost."
    )
    parser.add_argument("--version", action="store_true", help="print the version")
    parser.set_defaults(run=lambda arguments: _without_command(parser, arguments), again="nothing was done")
    commands = parser.add_subparsers(metavar="COMMAND")
    data = commands.add_parser("data", help="write, prepare, describe and check data sets")
    tasks = data.add_subparsers(metavar="TASK", required=True)
    for task in (phantom, prepare, pack, describe, check):
        task.add(tasks)
    for command in (
        compare,
        verdict,
        tradeoff,
        choose,
        history,
        baseline,
        recover,
        merge,
        report,
        export,
        fit,
        workers,
    ):
        command.add(commands)
    return parser


def _without_command(parser: Parser, arguments: argparse.Namespace) -> int:
    if arguments.version:
        sys.stdout.write(f"redl {version('redl')}\n")
        return 0
    sys.stderr.write(f"{parser.format_help()}{_SUITE}")
    return _NO_COMMAND
