"""`redl data pack`: put a prepared data set into one file, for a machine without network or raw files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from redl.cli.display import one_line, print_facts
from redl.cli.prepare import add_preparation, prepare_as_asked


def add(tasks: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = tasks.add_parser("pack", help="put a prepared data set into a file, for --redl-prepared")
    parser.add_argument("file", type=Path, metavar="FILE", help="a new file, e.g. rsna.zip")
    add_preparation(parser)
    parser.set_defaults(run=run, again="run it again to resume")


def run(arguments: argparse.Namespace) -> int:
    """Prepare a data set, unless it is prepared already, write it to a file and print a summary."""
    from redl.data.cache.entry import open_prepared
    from redl.data.cache.packing import pack, refuse_existing

    refuse_existing(arguments.file)  # before hours of decoding
    _, entry, _ = prepare_as_asked(arguments)
    with one_line(arguments.file):
        pack(entry, arguments.file)
    prepared = open_prepared(entry)
    print_facts(
        f"{prepared.origin.dataset}, packed",
        [
            (
                "images",
                f"{len(prepared.labels)} of {prepared.images.shape[1]}x{prepared.images.shape[2]} pixels",
            ),
            ("size", f"{arguments.file.stat().st_size / 2**20:.1f} MiB"),
            ("fingerprint", prepared.fingerprint),
            ("file", str(arguments.file)),
            ("use", f"pytest benchmarks --redl-prepared={arguments.file}"),
        ],
    )
    return 0
