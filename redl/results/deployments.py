"""Deployments of a run: what is judged of the runtimes, over the seeds that were trained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from redl.errors import RecordError
from redl.record import Predictions, Record
from redl.record.deployment import Deployment
from redl.results.arms import Arm, Pair, arms_of, pairs_of
from redl.results.metric import Metric
from redl.results.noninferiority.verdict import Verdict, verdicts
from redl.study.case import Setting

REFERENCE = "torch"  # the runtime whose answers are those that others are compared with


def runtime_pairs(deployments: Iterable[Deployment], records: Mapping[str, Record]) -> list[Pair]:
    """Pair each runtime with torch's float32 answers over the same trained networks, a row a seed.

    Of several numbers of threads the smallest counts. Raise RecordError if the record of a case is missing,
    or if its seeds saw different images.
    """
    groups: dict[tuple[str, ...], dict[str, Deployment]] = {}
    for found in sorted(deployments, key=lambda one: one.threads):
        if found.runtime == REFERENCE:
            continue
        record = records.get(found.case)
        if record is None:
            raise RecordError(f"{found.case}: was deployed in {found.runtime}, but has no record in this run")
        case = record.case
        key = (case.dataset, case.model, case.setting, str(case.downsample), found.runtime)
        groups.setdefault(key, {}).setdefault(found.case, found)
    return [_pair(list(group.values()), records) for _, group in sorted(groups.items())]


def judged(
    records: Mapping[str, Record],
    predictions: Mapping[str, Predictions],
    deployments: Sequence[Deployment],
    *,
    margin: float,
    metric: Metric,
    pool_seeds: bool = False,
) -> tuple[list[Verdict], list[Verdict]]:
    """Return the verdicts on settings, then those on runtimes, each corrected for its own kind only.

    Raise RedlError where `verdicts` does; a run may have either kind.
    """
    runtimes = runtime_pairs(deployments, records)
    settings = pairs_of(arms_of(records.values(), predictions))
    of_runtimes = verdicts(runtimes, margin=margin, metric=metric, pool_seeds=pool_seeds) if runtimes else []
    if runtimes and not settings:
        return [], of_runtimes
    return verdicts(settings, margin=margin, metric=metric, pool_seeds=pool_seeds), of_runtimes


def runtime_name(setting: str, runtime: str) -> str:
    """Return the name under which a runtime is judged; it says whose network it runs unless a baseline's."""
    return runtime if setting == Setting.BASELINE else f"{setting}, {runtime}"


def _pair(group: Sequence[Deployment], records: Mapping[str, Record]) -> Pair:
    if len({(one.answers.subjects, one.answers.labels) for one in group}) > 1:
        raise RecordError(f"{group[0].case} in {group[0].runtime}: its seeds saw other test images")
    of_cases = [records[one.case] for one in group]
    name = runtime_name(of_cases[0].case.setting, group[0].runtime)
    new = _matrix([one.answers.probabilities for one in group])
    old = _matrix([one.reference for one in group])
    answers = group[0].answers
    return Pair(
        saving=_arm(name, of_cases, answers, new),
        baseline=_arm(REFERENCE, of_cases, answers, old),
        seeds=tuple(record.case.seed for record in of_cases),
        new=new,
        old=old,
    )


def _arm(
    name: str, records: Sequence[Record], answers: Predictions, probabilities: NDArray[np.float64]
) -> Arm:
    case = records[0].case
    return Arm(
        dataset=case.dataset,
        model=case.model,
        setting=name,
        downsample=case.downsample,
        seeds=tuple(record.case.seed for record in records),
        records=tuple(records),
        broken=(),
        labels=np.array(answers.labels, dtype=np.int64),
        subjects=np.array(answers.subjects, dtype=np.int64),
        probabilities=probabilities,
    )


def _matrix(rows: Sequence[Sequence[float | None]]) -> NDArray[np.float64]:
    return np.array([[np.nan if p is None else p for p in row] for row in rows], dtype=np.float64)
