"""Options that several commands share: the data set, where it lies, and what is chosen from it."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redl.cli.display import silent
from redl.data.options import OPTIONS, data_options
from redl.errors import OptionError
from redl.nearest import one_of
from redl.results.metric import Metric
from redl.study.case import Dataset
from redl.study.profile import SMOKE

if TYPE_CHECKING:
    from redl.data.datasets import DataOptions
    from redl.data.source import Source
    from redl.results.reference import Reference
    from redl.results.store import Run

_PYPROJECT = Path("pyproject.toml")


def add_dataset(parser: argparse.ArgumentParser) -> None:
    """Add --dataset."""
    parser.add_argument(
        "--dataset",
        required=True,
        metavar="NAME",
        help="rsna, lidc, or a name that ./pyproject.toml declares",
    )


def add_processes(parser: argparse.ArgumentParser) -> None:
    """Add --processes."""
    parser.add_argument(
        "--processes", type=count, metavar="N", help="number of worker processes (default: one per core)"
    )


def add_data_options(parser: argparse.ArgumentParser, *names: str, without_root: str) -> None:
    """Add --root and the options of single data sets, and those of all data sets that `names` lists.

    `without_root` says what the absence of --root means.
    """
    parser.add_argument(
        "--root",
        metavar="DIR",
        help=f"folder of the data (or REDL_RSNA_ROOT, REDL_LIDC_ROOT); {without_root}",
    )
    groups = {one: parser.add_argument_group(f"options of --dataset {one}") for one in Dataset}
    for option in OPTIONS:
        if option.name == "root" or (option.dataset is None and option.name not in names):
            continue
        where = parser if option.dataset is None else groups[option.dataset]
        where.add_argument(option.flag, metavar=option.metavar, help=option.help)


def data_options_of(arguments: argparse.Namespace, *, spacing_mm: float | None = None) -> DataOptions:
    """Return the data options as the suite would read them; raise RedlError for unusable ones.

    `spacing_mm` is the pixel spacing of CT scans for which none is given.
    """
    from redl.execution.declared import declared_in

    declared = declared_in(_PYPROJECT).folders
    folders = tuple(one for one in declared if one.name == arguments.dataset)
    if arguments.dataset not in list(Dataset) and not folders:
        raise OptionError(_unknown(arguments.dataset, [one.name for one in declared]))
    own = [option for option in OPTIONS if option.dataset in {None, arguments.dataset}]
    refuse_foreign(arguments, {option.name for option in OPTIONS} - {option.name for option in own})
    return data_options(
        {option.suite_name: getattr(arguments, option.name, None) for option in own},
        {option.suite_name: option.flag for option in own},
        dataset=arguments.dataset,
        spacing_mm=spacing_mm,
        folders=folders,
    )


def root_of(options: DataOptions, dataset: str) -> Path | None:
    """Return the folder of a data set, as given or from the environment; None if neither names one."""
    for own in options.folders:
        return own.place
    return options.rsna_root if dataset == Dataset.RSNA else options.lidc_root


def needed_root_of(options: DataOptions, dataset: str) -> Path:
    """Return the folder of a data set; raise OptionError if nothing names one."""
    root = root_of(options, dataset)
    if root is None:
        raise OptionError(
            "--root is missing: name the data's folder; `redl data phantom` writes a synthetic one"
        )
    return root


def source_of(arguments: argparse.Namespace, *, image_size: int) -> Source:
    """Return the source of the data set below the root, with images of `image_size` pixels per side."""
    from redl.data.confidential import confidential
    from redl.data.datasets import find_source

    profile = replace(SMOKE, image_size=image_size)  # all that matters where a root is given
    with confidential(arguments.dataset):
        return find_source(arguments.dataset, profile, data_options_of(arguments), on_progress=silent)


def given(arguments: argparse.Namespace, names: Iterable[str]) -> dict[str, Any]:
    """Return those of the options that were given."""
    return {name: value for name in names if (value := getattr(arguments, name, None)) is not None}


def refuse_foreign(arguments: argparse.Namespace, names: Iterable[str]) -> None:
    """Raise OptionError if one of these was given, because they belong to another data set."""
    for name in given(arguments, sorted(names)):
        raise OptionError(f"{flag(name)}: --dataset {arguments.dataset} has no such option; leave it out")


def _unknown(name: str, declared: Iterable[str]) -> str:
    return (
        f"--dataset {name}: no such data set; {one_of(name, [*Dataset, *declared])}, or declare "
        f"[tool.redl.datasets.{name}] in ./pyproject.toml"
    )


def flag(name: str) -> str:
    """Return an option as the user writes it."""
    return f"--{name.replace('_', '-')}"


def count(text: str) -> int:
    """Read a whole number above 0, for argparse."""
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{number}: give 1 or more")
    return number


def add_judged_run(parser: argparse.ArgumentParser) -> None:
    """Add RUN, and the margin and the metric by which it is judged."""
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


def add_reports(parser: argparse.ArgumentParser) -> None:
    """Add --reports."""
    parser.add_argument(
        "--reports",
        type=Path,
        default=Path("reports"),
        metavar="DIR",
        help="where runs are saved (default: reports)",
    )


def add_reference(parser: argparse.ArgumentParser) -> None:
    """Add --reference."""
    parser.add_argument(
        "--reference",
        type=Path,
        metavar="FILE",
        help="accuracies of repeated runs, for rules of noise (default: REPORTS/reference/PROFILE.json)",
    )


def reference_of(arguments: argparse.Namespace, run: Run) -> Reference | None:
    """Return the reference that was named, or that of the run's profile; None without one."""
    from redl.results.reference import find_reference, load_reference

    profile = next(iter(run.records.values())).case.profile
    path = arguments.reference or find_reference(profile, arguments.reports)
    return None if path is None else load_reference(path)
