"""The table of deployments: a row for each runtime of a trained network, over its seeds."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean

from rich.console import Console
from rich.table import Table

from redl.printable import printable
from redl.record import Record
from redl.record.deployment import Deployment
from redl.results.deployments import REFERENCE, runtime_name
from redl.results.layout import named_table, uncut
from redl.results.noninferiority.verdict import Verdict
from redl.results.notation import LOADED, MISSING, megabytes, model_words
from redl.study.case import Setting

_FIGURES = ("p50 ms", "p95 ms", "images/s", "CPU ms", "MB", "file MB", "max |dp|", "flips")
_NO_MARGIN = "not judged: no margin was given; --redl-verdict=2% judges the runtimes over several seeds"
_LEGEND = (
    "p50, p95: one image by itself, from its bytes to its probability. CPU: processor time of it. "
    "images/s: in batches.",
    "MB: resident peak of the whole process, with its libraries, one image at a time. file: what it loads.",
    "max |dp|, flips: the largest difference to the probability that torch gives an image in float32, and "
    "images that get another class.",
    "verdict: on what is lost against torch in float32, over the same trained networks.",
)
_SEVERAL = "over seeds: mean times, the largest memory, file and |dp|, all flips."
_UNDER_LOAD = "! taken while others used the machine: no figure of this work by itself."

Group = tuple[Record, str, int, Sequence[Deployment]]


def deployment_table(
    deployments: Iterable[Deployment],
    records: Mapping[str, Record],
    *,
    width: int,
    verdicts: Sequence[Verdict] = (),
) -> str:
    """Return a row for each runtime and number of threads, and below why figures are missing."""
    deployments = list(deployments)
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False)
    with console.capture() as captured:
        groups = _groups(deployments, records)
        several = max(len(group) for *_, group in groups) > 1
        console.print(_table(groups, verdicts))
        for line in (*_LEGEND, *_notes(deployments, verdicts, several=several)):
            console.print(line)
    return printable(captured.get())


def _groups(deployments: Sequence[Deployment], records: Mapping[str, Record]) -> list[Group]:
    """Return the deployments of each model, setting, runtime and number of threads, with one's record."""
    groups: dict[tuple[object, ...], list[Deployment]] = {}
    for one in deployments:
        case = records[one.case].case
        key = (case.dataset, case.model, case.setting, case.downsample, one.threads, one.runtime)
        groups.setdefault(key, []).append(one)
    return [(records[group[0].case], group[0].runtime, group[0].threads, group) for group in groups.values()]


def _table(groups: Sequence[Group], verdicts: Sequence[Verdict]) -> Table:
    table = named_table(_title(groups), ("runtime",), _FIGURES)
    table.add_column("verdict", no_wrap=True)
    place = ""
    for record, runtime, threads, group in groups:
        case = record.case
        setting = "" if case.setting == Setting.BASELINE else f" {case.setting}"
        here = f"{case.dataset} {model_words(record)}{setting}, {threads} thread{'s' * (threads > 1)}"
        if here != place:
            place = here
            table.add_section()
            table.add_row(place)
        table.add_row(f"  {runtime}", *_figures(group), _verdict(record, runtime, verdicts))
    return uncut(table)


def _title(groups: Sequence[Group]) -> str:
    count = max(len(group) for *_, group in groups)
    seeds = f", over {count} seeds" if count > 1 else ""
    return f"Deployment on the CPU, {groups[0][0].case.profile} profile{seeds}"


def _figures(group: Sequence[Deployment]) -> tuple[str, ...]:
    loaded = LOADED * any(one.conditions.foreign_load for one in group)
    peaks = [one.process.peak_bytes for one in group]
    agreements = [one.agreement for one in group if one.agreement is not None]
    images = sum(len(one.answers.labels) for one in group if one.agreement is not None)
    return (
        _ms(group, lambda one: one.single.p50_seconds) + loaded,
        _ms(group, lambda one: one.single.p95_seconds) + loaded,
        f"{fmean(one.batches.images_per_second for one in group):.0f}{loaded}",
        _ms(group, lambda one: one.single.cpu_seconds_per_image) + loaded,
        MISSING if None in peaks else megabytes(max(peak for peak in peaks if peak is not None)),
        f"{max(one.file.bytes for one in group) / 1e6:.1f}",
        f"{max(one.max_abs_dp for one in agreements):.1g}" if agreements else MISSING,
        f"{sum(one.flips for one in agreements)}/{images}" if agreements else MISSING,
    )


def _ms(group: Sequence[Deployment], seconds: Callable[[Deployment], float]) -> str:
    return f"{1000 * fmean(map(seconds, group)):.2f}"


def _verdict(record: Record, runtime: str, verdicts: Sequence[Verdict]) -> str:
    if runtime == REFERENCE:
        return "reference"
    case = record.case
    name = (case.dataset, case.model, runtime_name(case.setting, runtime), case.downsample)
    for one in verdicts:
        if name == (one.dataset, one.model, one.setting, one.downsample):
            return str(one.outcome)
    return "not judged"


def _notes(deployments: Sequence[Deployment], verdicts: Sequence[Verdict], *, several: bool) -> list[str]:
    notes = [_SEVERAL] if several else []
    notes += [_UNDER_LOAD] if any(one.conditions.foreign_load for one in deployments) else []
    notes += [] if verdicts else [_NO_MARGIN]
    for one in deployments:
        if one.agreement_reason is not None:
            notes.append(f"{one.case}: no agreement: {one.agreement_reason}")
        notes += [
            f"{one.runtime}: {warning}" for warning in one.warnings if not warning.startswith("energy:")
        ]
    return list(dict.fromkeys(notes))
