"""`redl data describe`: the figures of a data set, without its images; with them, the paper's Figure 1."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from redl.cli.display import (
    one_line,
    positives,
    print_facts,
    print_left_out,
    print_list,
    print_note,
    print_table,
)
from redl.cli.options import (
    add_data_options,
    add_dataset,
    data_options_of,
    needed_root_of,
    root_of,
    source_of,
)
from redl.errors import OptionError
from redl.study.case import Dataset

if TYPE_CHECKING:
    from redl.data.datasets import DataOptions
    from redl.data.figure import Histogram
    from redl.data.lidc.description import AnnotationDescription
    from redl.data.rsna.description import CohortDescription, Difference, Shortcut
    from redl.data.source import Source

_FIGURE_SIZE = 256  # pixels a side of a sample image
_SHORTCUTS = {"site_id": "site", "machine_id": "machine"}


def add(tasks: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = tasks.add_parser("describe", help="show a data set's counts, and draw the paper's Figure 1")
    add_dataset(parser)
    parser.add_argument(
        "--figure",
        type=Path,
        metavar="FILE",
        help="draw sample images and a histogram into a .png or .pdf; needs the images",
    )
    add_data_options(parser, without_root="rsna needs only train.csv there; lidc needs no --root")
    parser.set_defaults(run=run, again="nothing was saved; run it again to start over")


def run(arguments: argparse.Namespace) -> int:
    """Print a data set's figures, and draw its Figure 1 if asked to."""
    if arguments.figure:
        from redl.data.figure import check_figure_path

        check_figure_path(arguments.figure)
    options = data_options_of(arguments)
    if arguments.figure:
        needed_root_of(options, arguments.dataset)
    match arguments.dataset:
        case Dataset.RSNA:
            _describe_rsna(arguments, options)
        case Dataset.LIDC:
            _describe_lidc(arguments, options)
        case _:
            _describe_folder(arguments)
    return 0


# RSNA


def _describe_rsna(arguments: argparse.Namespace, options: DataOptions) -> None:
    from redl.data.rsna.description import describe_cohort, find_differences, majority_accuracy

    rules = options.cohort
    described = describe_cohort(needed_root_of(options, arguments.dataset), rules)
    print_facts(f"RSNA: subjects {rules.said}", _facts(described))
    _print_parts(described)
    for shortcut in described.shortcuts:
        _print_shortcut(shortcut, majority_accuracy(described.labels))
    print_differences(find_differences(described, rules))
    if arguments.figure:
        from redl.data.figure import Histogram

        ages, labels = described.subject_ages, described.subject_labels
        histogram = Histogram(values=ages, labels=labels, axis="age (years)", counted="subjects")
        source = source_of(arguments, image_size=_FIGURE_SIZE)
        _draw(arguments.figure, source, histogram, ("no follow-up", "follow-up"))


def _facts(described: CohortDescription) -> Iterator[tuple[str, str]]:
    counts = described.images_per_subject
    images, subjects = len(described.labels), len(described.subject_labels)
    yield "images", f"{images}{', of a phantom' if described.synthetic else ''}"
    yield "subjects", str(subjects)
    yield "images per subject", f"{min(counts)} to {max(counts)}, mean {images / subjects:.1f}"
    yield "images of BI-RADS", _listed(described.birads)
    for counted, labels in (("images", described.labels), ("subjects", described.subject_labels)):
        yield f"positive {counted}", positives(labels)
    if described.ages:
        youngest, median, oldest = described.ages
        yield "ages", f"{youngest:g} to {oldest:g} years, median {median:g}"
    if described.views is not None:
        yield "images of view", _listed(described.views)
    if described.sides is not None:
        yield "images of side", _listed(described.sides)
    if described.implants is not None:
        yield "images with implants", str(described.implants)
    if described.missing_columns:
        yield "not in the table", ", ".join(described.missing_columns)


def _print_parts(described: CohortDescription) -> None:
    subjects, images = asdict(described.split_subjects), asdict(described.split_images)
    print_table(
        "Parts, no subject in two of them",
        ("", "subjects", "images"),
        [(part, str(subjects[part]), str(images[part])) for part in subjects],
    )


def _print_shortcut(shortcut: Shortcut, majority: float) -> None:
    name, accuracy = _SHORTCUTS[shortcut.column], shortcut.accuracy
    print_table(
        f"From only the {name}, without an image: accuracy {accuracy:.3f}, majority class {majority:.3f}",
        (name, "images", "positive", ""),
        [
            (group.name, str(group.images), str(group.positives), f"{group.positives / group.images:.1%}")
            for group in shortcut.groups
        ],
    )


def print_differences(differences: Sequence[Difference] | None) -> None:
    """Print where counts differ from the published ones, if there are such for this cohort."""
    if differences is None:
        print_list("Counts", ["none are published for this cohort"])
    elif not differences:
        print_list("Counts", ["as published"])
    else:
        print_table(
            "Counts that differ from the published",
            ("", "found", "published"),
            [(one.what, str(one.found), str(one.published)) for one in differences],
        )


# LIDC-IDRI


def _describe_lidc(arguments: argparse.Namespace, options: DataOptions) -> None:
    from redl.data.lidc.description import describe_annotations

    rules, root = options.lidc, root_of(options, arguments.dataset)
    source = source_of(arguments, image_size=_FIGURE_SIZE) if root else None
    print_note("lidc: counting the annotations takes a quarter of a minute")
    described = describe_annotations(rules)
    print_facts(f"LIDC-IDRI: positive from {rules.min_raters} raters on", _facts_of_annotations(described))
    if source is None:
        return
    print_facts("On disk", _facts_of_scans(source))
    print_left_out(source.skipped)
    if arguments.figure:
        from redl.data.figure import Histogram

        assert source.raters is not None, "patches have raters"
        raters = Histogram(
            values=source.raters.astype(float),
            labels=source.labels,
            axis="raters who marked the nodule in the slice",
            counted="patches",
            last=4,
        )
        _draw(
            arguments.figure,
            source,
            raters,
            ("negative", f"positive (raters \N{GREATER-THAN OR EQUAL TO} {rules.min_raters})"),
        )


def _facts_of_annotations(described: AnnotationDescription) -> Iterator[tuple[str, str]]:
    yield "scans", str(described.scans)
    yield "patients", f"{described.patients}, {described.annotated_patients} of them annotated"
    yield "annotations", f"{described.annotations}, of {described.contours} contours"
    yield "nodules", str(described.nodules)
    yield "patches", str(described.patches)
    first, second, third, more = described.patches_by_raters
    yield "patches by raters", _listed({"1": first, "2": second, "3": third, "4 or more": more})
    majority = described.majority_accuracy
    yield "positive patches", f"{described.positive_fraction:.1%}, majority accuracy {majority:.3f}"


def _facts_of_scans(source: Source) -> Iterator[tuple[str, str]]:
    yield "scans with nodules", f"{len(source.items)}, {len(source.skipped)} not there"
    yield "patients", str(len(set(source.subjects.tolist())))
    yield "patches", f"{len(source.labels)}{', of a phantom' if source.synthetic else ''}"
    yield "positive patches", positives(source.labels)


# Your own data


def _describe_folder(arguments: argparse.Namespace) -> None:
    from redl.data.splits import split_images

    if arguments.figure:
        raise OptionError("--figure: only drawn for rsna and lidc; leave it out")
    source = source_of(arguments, image_size=_FIGURE_SIZE)
    print_facts(
        source.dataset,
        [
            ("images", str(len(source.labels))),
            ("subjects", str(len(set(source.subjects.tolist())))),
            ("positive images", positives(source.labels)),
        ],
    )
    split = split_images(source.subjects, source.labels, source.parts)
    rows = []
    for part, images in (("train", split.train), ("valid", split.valid), ("test", split.test)):
        subjects, positive = len(set(source.subjects[images].tolist())), source.labels[images].mean()
        rows.append((part, str(subjects), str(len(images)), f"{positive:.1%}"))
    print_table(f"Parts, {split.kind}", ("", "subjects", "images", "positive"), rows)


# The figure


def _draw(path: Path, source: Source, histogram: Histogram, classes: tuple[str, str]) -> None:
    """Draw sample images of either class beside a histogram."""
    from redl.data.figure import SAMPLES, figure_1, save_figure
    from redl.data.rsna.description import sample_images

    images, labels = sample_images(source, of_each=SAMPLES)
    with one_line(path):
        save_figure(figure_1(images, labels, histogram, classes=classes), path)
    print_list("Figure", [str(path)])


def _listed(counts: dict[Any, int]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in counts.items() if count)
