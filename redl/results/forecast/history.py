"""History: the records that saved runs have of this machine, and of the same training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from redl.errors import RecordError
from redl.execution.job import RunOptions
from redl.metering.energy import SensorError
from redl.metering.gpus import visible_gpus
from redl.metering.machine import machine, package_version
from redl.record import FinishedRecord, Record
from redl.results.store import load_run
from redl.study.case import Case
from redl.study.profile import PROFILES

_SAME = ("cpu", "usable_cores", "platform", "gpu", "torch")  # what decides how fast a training is


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """Finished records, the newest run last, and the bytes that a case takes in a saved run, by profile.

    `runs` counts the runs with such a record; `elsewhere` counts records of other machines or versions of
    torch, `early` those of cases that did not train to their end, and `unreadable` damaged runs.
    """

    records: tuple[FinishedRecord, ...] = ()
    runs: int = 0
    elsewhere: int = 0
    early: int = 0
    unreadable: int = 0
    case_bytes: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sort:
    """What decides the time of one image in training: two cases of one sort take equally long for it."""

    model: str
    setting: str
    downsample: int
    image_size: int
    batch_size: int
    reduced: bool
    tf32: bool
    plain: bool


def sort_of(record: FinishedRecord) -> Sort | None:
    """Return the sort of a case that was run; None for a profile that this redl does not have."""
    case, recipe = record.case, record.recipe
    if case.profile not in PROFILES:
        return None
    return Sort(
        model=case.model,
        setting=case.setting,
        downsample=case.downsample,
        image_size=recipe.image_size,
        batch_size=recipe.batch_size,
        reduced=PROFILES[case.profile].reduced,
        tf32=recipe.flags.tf32,
        plain=not any(msgspec.structs.astuple(recipe.fast_path)),
    )


def sort_asked(case: Case, options: RunOptions) -> Sort:
    """Return the sort of a case that is to be run."""
    profile = options.profile.of(case.model)
    return Sort(
        model=case.model,
        setting=case.setting,
        downsample=case.downsample,
        image_size=profile.image_size,
        batch_size=profile.batch_size,
        reduced=profile.reduced,
        tf32=options.tf32,
        plain=options.plain,
    )


def read_history(paths: Iterable[Path], here: Mapping[str, object], *, named: bool = False) -> History:
    """Return what saved runs say of the machine `here`; files that are no run of redl count as unreadable.

    If the runs were `named`, raise RecordError for one that cannot be used.
    """
    records: dict[bytes, FinishedRecord] = {}  # the same record may be in several runs
    case_bytes: dict[str, float] = {}
    runs = elsewhere = early = unreadable = 0
    for path in paths:
        try:
            found = load_run(path).records
        except RecordError:
            if named:
                raise
            unreadable += 1
            continue
        used = [record for record in found.values() if is_of(record, here)]
        whole = [one for record in used if (one := _finished(record)) is not None]
        elsewhere, early = elsewhere + len(found) - len(used), early + len(used) - len(whole)
        runs += bool(whole)
        records |= {msgspec.json.encode(record.to_json()): record for record in whole}
        for profile in {record.case.profile for record in whole}:
            case_bytes[profile] = path.stat().st_size / len(found)
    return History(
        records=tuple(records.values()),
        runs=runs,
        elsewhere=elsewhere,
        early=early,
        unreadable=unreadable,
        case_bytes=case_bytes,
    )


def this_machine() -> dict[str, object]:
    """Return what decides how fast this machine trains, as records name it."""
    try:
        gpus = visible_gpus()
    except SensorError:
        gpus = ()
    return {
        **machine(),
        "gpu": gpus[0].name if gpus else None,
        "torch": package_version("torch"),
    }


def machine_of_workers(environment: Mapping[str, object]) -> dict[str, object]:
    """Return what decides how fast workers train, from what they say of their machine and software."""
    return {**this_machine(), **environment, "gpu": environment["gpus"] or None}


def is_of(record: Record, here: Mapping[str, object]) -> bool:
    """Return whether a case was run on the machine `here`, or on its like, with the same version of torch."""
    there = record.environment or {}
    return all(_public(there.get(name)) == _public(here.get(name)) for name in _SAME)


def _finished(record: Record) -> FinishedRecord | None:
    try:
        return record.finished()
    except RecordError:
        return None


def _public(value: object) -> object:
    """Return a version without its build, e.g. `+cpu`, which its package's metadata may leave out."""
    return value.partition("+")[0] if isinstance(value, str) else value
