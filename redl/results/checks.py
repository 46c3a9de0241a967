"""Checks: whether a case did what its setting must, and whether the setting cost accuracy."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from redl.record import DivergenceKind, FinishedRecord, Record, Status
from redl.results.machine import same_machine
from redl.results.reference import Band
from redl.study.case import Case, Setting
from redl.study.profile import Profile

_BEYOND_CHANCE = 3.09  # standard errors; a fair result lies above them once in a thousand


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseCheck:
    """Problems of a record, a sentence each, and how it was compared with its baseline."""

    record: Record
    problems: tuple[str, ...]
    comparison: str


def check_case(
    record: Record, profile: Profile, companion: Record | None, band: Band | None = None
) -> CaseCheck:
    """Check a record against its profile, its companion and its band of repeated runs, where there are any.

    A downsampled case has to finish and train; the loss from fewer pixels is what it is run to measure.
    """
    if problem := _unfinished(record):
        return CaseCheck(record=record, problems=(problem,), comparison="not compared: did not finish")
    finished, profile = record.finished(), profile.of(record.case.model)
    if problem := _divergence(finished, profile):
        return CaseCheck(record=record, problems=(problem,), comparison="not compared: divergence")
    if expects_divergence(finished):
        return CaseCheck(record=record, problems=(), comparison="not compared: diverged, as expected")
    if record.case.downsample > 1:
        comparison, problems = _difference(finished, companion)[0], []
    else:
        comparison, problem = _against_baseline(finished, profile, companion)
        problems = [_against_majority(finished, profile), problem]
    problems += [_against_ideal(finished), _against_band(finished, band)]
    return CaseCheck(record=record, problems=tuple(filter(None, problems)), comparison=comparison)


def companion_of(case: Case, records: Iterable[Record]) -> Record | None:
    """Return the completed record that a case is compared with: its baseline, of the same model and seed.

    A downsampled case is compared with itself at full size. None if there is no such record.
    """
    wanted = replace(case, downsample=1) if case.downsample > 1 else replace(case, setting=Setting.BASELINE)
    fitting = (record for record in records if record.case == wanted and record.status is Status.COMPLETED)
    return next(fitting, None)


def expects_divergence(record: FinishedRecord) -> bool:
    """Return whether the setting is known to diverge: Adam's eps of 1e-8 is 0 beside float16 weights."""
    return record.case.setting == Setting.HALF and record.recipe.weights_dtype == "float16"


def accuracy(record: Record) -> float:
    """Return the test accuracy per image, or NaN without one."""
    if record.metrics is None or record.metrics.test.accuracy is None:
        return math.nan
    return record.metrics.test.accuracy


def _unfinished(record: Record) -> str | None:
    if record.status in {Status.COMPLETED, Status.DIVERGED}:
        return None
    return f"did not finish: {record.status}: {record.reason}"


def _divergence(record: FinishedRecord, profile: Profile) -> str | None:
    """Return the problem if a case diverged that must not, or did not diverge that must.

    Answers no better than chance are no fault of a run that is too small to learn, or of a downsampled one.
    Nor are they where the test part's beat the majority class: the validation part is then too small to tell.
    """
    kinds = set(record.divergence.kinds)
    if profile.min_above_majority is None or record.case.downsample > 1:
        kinds -= {DivergenceKind.COLLAPSE, DivergenceKind.CHANCE}
    if _against_majority(record, profile) is None:
        kinds.discard(DivergenceKind.CHANCE)
    if expects_divergence(record) == (DivergenceKind.HARD in kinds):
        unexpected = kinds - {DivergenceKind.HARD}
        return f"diverged: {'; '.join(record.divergence.reasons)}" if unexpected else None
    if kinds:
        return f"diverged: {'; '.join(record.divergence.reasons)}"
    return "did not diverge, though float16 weights with ordinary Adam are known to"


def _against_majority(record: FinishedRecord, profile: Profile) -> str | None:
    majority = record.data.majority_accuracy
    if profile.min_above_majority is None:
        return None
    if majority is None:
        return "the test part is empty: there is no majority class to beat"
    if accuracy(record) >= majority + profile.min_above_majority:  # False for NaN
        return None
    found, needed = accuracy(record), f"the majority class's {majority:.3f} + {profile.min_above_majority}"
    return f"test accuracy {found:.3f} is below {needed}"


def _against_ideal(record: FinishedRecord) -> str | None:
    """Return the problem if a result beats the best possible observer beyond chance: the label leaks.

    Chance counts subjects, not images, because the images of one subject are right or wrong together.
    """
    ideal, subjects = record.data.ideal_accuracy, record.data.subjects.test
    if ideal is None:
        return None
    bound = ideal + _BEYOND_CHANCE * math.sqrt(ideal * (1 - ideal) / subjects)
    if accuracy(record) <= bound:
        return None
    return (
        f"test accuracy {accuracy(record):.3f} beats the ideal observer's {ideal:.3f} beyond chance "
        f"({bound:.3f} with {subjects} subjects): the label leaks into the images"
    )


def _against_baseline(
    record: FinishedRecord, profile: Profile, baseline: Record | None
) -> tuple[str, str | None]:
    """Return the outcome of the comparison in a few words, and the problem if it is one."""
    if profile.tolerance is None:
        return f"not compared: {profile.name} run", None
    if record.case.setting == Setting.BASELINE:
        return "is the baseline", None
    words, difference = _difference(record, baseline)
    if difference is None or difference >= -profile.tolerance:  # False for NaN
        return words, None
    return (
        words,
        f"test accuracy {difference:+.3f} against the baseline, beyond the tolerance of {profile.tolerance}",
    )


def _difference(record: FinishedRecord, companion: Record | None) -> tuple[str, float | None]:
    """Return how much higher a record scores than its companion, in words and as a number."""
    if companion is None:
        return "not compared: nothing in this run to compare with", None
    if companion.data is None or companion.data.fingerprint != record.data.fingerprint:
        return "not compared: the other case saw other data", None
    if not same_machine(record, companion):
        whose = "its baseline" if record.case.downsample == 1 else "the case in full size"
        return f"not compared: {whose} ran under another fingerprint", None
    difference = accuracy(record) - accuracy(companion)
    return f"{difference:+.3f}", difference


def _against_band(record: FinishedRecord, band: Band | None) -> str | None:
    if band is None or band.difference(record) is not None or accuracy(record) >= band.low:
        return None
    return (
        f"test accuracy {accuracy(record):.3f} is below {band.low:.3f}, what {len(band.seeds)} seeds of the "
        f"reference allow (mean {band.mean:.3f})"
    )
