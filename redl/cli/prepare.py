"""`redl data prepare`: make the images that the suite trains on, once, before it is run."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from redl.cli.display import (
    OnProgress,
    Progress,
    one_line,
    positives,
    print_facts,
    print_findings,
    print_left_out,
    print_table,
)
from redl.cli.options import add_data_options, add_dataset, add_processes, count, data_options_of
from redl.study.profile import PROFILES, profile_named

if TYPE_CHECKING:
    from redl.data.cache.entry import Prepared
    from redl.data.source import Source


def add(tasks: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = tasks.add_parser("prepare", help="decode the images to train on into the cache")
    add_preparation(parser)
    parser.set_defaults(run=run, again="run it again to resume")


def add_preparation(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what is prepared."""
    add_dataset(parser)
    parser.add_argument(
        "--profile",
        choices=list(PROFILES),
        default="smoke",
        help="profile that sets the image size and the phantom (default: smoke)",
    )
    parser.add_argument(
        "--image-size", type=count, metavar="N", help="pixels per side (default: the profile's)"
    )
    parser.add_argument(
        "--images", type=count, metavar="N", help="at most this many, whole subjects only (default: all)"
    )
    add_processes(parser)
    add_data_options(
        parser, "cache", "max_unreadable", "max_duplicates", without_root="without it, the profile's phantom"
    )


def run(arguments: argparse.Namespace) -> int:
    """Prepare a data set, unless it is prepared already, and print a summary."""
    from redl.data.cache.entry import open_prepared

    source, entry, pace = prepare_as_asked(arguments)
    _print(open_prepared(entry), source, entry, pace)
    return 0


def prepare_as_asked(arguments: argparse.Namespace) -> tuple[Source, Path, _Pace]:
    """Prepare a data set; return its source, its folder in the cache, and what this call worked through."""
    from redl.data.cache.preparation import prepare
    from redl.data.confidential import confidential
    from redl.data.datasets import find_source
    from redl.data.source import bounded

    profile = profile_named(arguments.profile)
    profile = replace(profile, image_size=arguments.image_size or profile.image_size, images=arguments.images)
    options = data_options_of(arguments, spacing_mm=profile.patch_spacing_mm)
    with Progress() as progress, one_line(options.cache), confidential(arguments.dataset):
        source = bounded(
            find_source(arguments.dataset, profile, options, on_progress=progress.counting), profile.images
        )
        pace = _Pace(progress.counting(f"{arguments.dataset}: preparing images"))
        entry = prepare(
            source,
            cache=options.cache,
            max_unreadable=options.max_unreadable,
            max_duplicates=options.max_duplicates,
            processes=arguments.processes,
            on_progress=pace.count,
        )
    return source, entry, pace


class _Pace:
    """Number of items that this call processed, and the seconds it took."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress, self._start = on_progress, time.perf_counter()
        self.items, self.seconds = 0, 0.0

    def count(self, done: int, total: int) -> None:
        self.items, self.seconds = self.items + 1, time.perf_counter() - self._start
        self._on_progress(done, total)


def _print(data: Prepared, source: Source, entry: Path, pace: _Pace) -> None:
    summary = data.summary()
    facts = [
        ("images", f"{len(data.labels)} of {source.image_size}x{source.image_size} pixels"),
        ("subjects", str(len(set(data.subjects.tolist())))),
        ("positive images", positives(data.labels)),
    ]
    if summary.ideal_accuracy is not None:
        facts.append(("ideal accuracy", f"{summary.ideal_accuracy:.3f}, of a phantom"))
    facts += [
        ("unreadable", f"{summary.unreadable} of {len(source.items)}"),
        ("not there, left out", str(summary.skipped)),
        ("seconds", _speed(pace, len(data.labels) / (len(source.items) - summary.unreadable))),
        ("folder", str(entry)),
    ]
    print_facts(f"{source.dataset}, prepared", facts)
    parts = asdict(summary.subjects), asdict(summary.images), asdict(summary.positive_fraction)
    subjects, images, positive = parts
    print_table(
        f"Parts, {summary.split}",
        ("", "subjects", "images", "positive"),
        [(part, str(subjects[part]), str(images[part]), f"{positive[part]:.1%}") for part in subjects],
    )
    print_findings(data.origin.findings)
    print_left_out(source.skipped)


def _speed(pace: _Pace, images_per_item: float) -> str:
    if not pace.items:
        return "0, it was there already"
    return f"{pace.seconds:.1f}, {pace.items * images_per_item / pace.seconds:.1f} images a second"
