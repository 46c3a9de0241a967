"""Contents of the page: what the template shows, and the data that its script shows on demand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from redl.record import DataSummary, Record
from redl.results.report.page.advice import Advice, advice_of
from redl.results.report.page.calibration import calibration_of
from redl.results.report.page.cells import cells_of, costs_of
from redl.results.report.page.charts import specifications
from redl.results.report.page.embedded import records_of
from redl.results.report.page.fields import COSTS, FIELDS, MISSING, SCORES, TABLE, Field
from redl.results.report.page.groups import groups_of
from redl.results.report.page.looks import looks_of
from redl.results.report.page.past import Past, groups_by_cell, past_of
from redl.results.report.page.provenance import provenance_of
from redl.results.report.page.second import second_of
from redl.results.store import Run, merged

_REPORTS = Path("reports")  # whose reference knows what equal runs differ by
_NAMES = {
    "dataset": "data",
    "model": "model",
    "setting": "setting",
    "seed": "seed",
    "downsample": "S",
    "profile": "profile",
}


def contents_of(
    runs: Sequence[Run], *, other: Run | None, history: Sequence[Run], margin: float
) -> dict[str, Any]:
    """Return the variables of the template; `data` is for its script."""
    by_id, predictions = merged(runs)
    records = list(by_id.values())
    groups = groups_of(records)
    advice = advice_of(groups, predictions, margin)
    past = past_of(history, _REPORTS)
    looks = looks_of(record.case.setting for record in records)
    return {
        "runs": [run.name for run in runs],
        "records": records,
        "groups": groups,
        "profiles": sorted({record.case.profile for record in records}),
        "synthetic": any(record.data and record.data.synthetic for record in records),
        "margin": margin,
        "advice": advice,
        "table": TABLE,
        "columns": _columns(records),
        "names": _NAMES,
        "scores": SCORES,
        "costs": COSTS,
        "costs_of": costs_of,
        "missing": MISSING,
        "second": None if other is None else second_of(other, by_id, predictions, _REPORTS),
        "past": past,
        "data_sets": list(_data_sets(records)),
        "provenance": provenance_of(records),
        "data": records_of(records)
        | {
            "fields": [_plain(field) for field in FIELDS],
            "groups": [group.name for group in groups],
            "margin": margin,
            "looks": {name: asdict(look) for name, look in looks.items()},
            "cells": [asdict(cell) for cell in cells_of(records)],
            "calibration": [asdict(one) for one in calibration_of(advice)],
            "decision": list(_decision(advice)),
            "history": list(_history(past, history)),
            "specifications": specifications(looks),
        },
    }


def _columns(records: Sequence[Record]) -> list[str]:
    """Return the parts of a case that are columns; scale and profile only where they differ."""
    cases = [record.case for record in records]
    scales, profiles = {case.downsample for case in cases}, {case.profile for case in cases}
    constant = ["downsample"] * (len(scales) < 2) + ["profile"] * (len(profiles) < 2)
    return [name for name in _NAMES if name not in constant]


def _plain(field: Field) -> dict[str, Any]:
    return {"path": field.path, "head": field.head, "per": field.per, "digits": field.digits}


def _data_sets(records: Iterable[Record]) -> Iterator[tuple[Record, DataSummary]]:
    """Yield each data set once, with the first record that saw it."""
    seen: set[tuple[str, str]] = set()
    for record in records:
        if record.data and (key := (record.case.dataset, record.data.fingerprint)) not in seen:
            seen.add(key)
            yield record, record.data


def _decision(advice: Sequence[Advice]) -> Iterator[dict[str, Any]]:
    """Yield decision curves as columns."""
    for one in advice:
        for summary in one.tradeoff.summaries if one.tradeoff else ():
            yield {
                "group": one.group,
                "setting": summary.setting,
                "threshold": [point.threshold for point in summary.decision_curve],
                "benefit": [point.net_benefit.value for point in summary.decision_curve],
                "all": [point.treat_all for point in summary.decision_curve],
            }


def _history(past: Sequence[Past], runs: Sequence[Run]) -> Iterator[dict[str, Any]]:
    """Yield every known point of every series."""
    cells: Mapping[str, tuple[str, str]] = groups_by_cell(runs)
    for one in past:
        for series in one.series:
            group, setting = cells[series.cell]
            for point in series.points:
                if point.value is not None:
                    yield {
                        "figure": one.figure,
                        "group": group,
                        "setting": setting,
                        "run": point.run.removesuffix(".json"),
                        "value": point.value,
                        "step": point.step.value,
                        "reason": point.reason,
                    }
