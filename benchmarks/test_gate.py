"""The gate on recorded noise: how often it alarms without a cause, what it catches, and how long it takes.

Runs are made of what the repeats of `reports/reference` scored and took: a case's figure in a run is one of
its repeats, drawn at random (a bootstrap), or, harder, all repeats' mean and spread in a bell curve. Equal
runs differ like two seeds of one case, because a change that matters to no figure still moves last digits.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from redl.cli import main
from redl.record import Record
from redl.results.gate.comparison import Comparison, Outcome, compare
from redl.results.gate.rule import rules_from
from redl.results.reference import Band, Reference, load_reference
from redl.results.store import KEY, Run
from tests.helpers.changes import replace
from tests.helpers.samples import WHOLE

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "reports" / "reference" / "smoke.json"
REPLAYS = 1000
MOST_FALSE_ALARMS = 0.035  # 2.5 % and a point for chance
LEAST_CAUGHT = 0.9
RECORDS, MOST_SECONDS = 10_000, 2.0

Draw = Callable[[np.random.Generator, Sequence[float]], float]


def bootstrap(random: np.random.Generator, repeats: Sequence[float]) -> float:
    """Draw one of the repeats."""
    return float(random.choice(repeats))


def bell(random: np.random.Generator, repeats: Sequence[float]) -> float:
    """Draw from the normal distribution of their mean and spread, whose tails the repeats do not reach."""
    return float(random.normal(np.mean(repeats), np.std(repeats, ddof=1)))


def figures(random: np.random.Generator, band: Band, draw: Draw) -> tuple[float, float]:
    """Draw a case's accuracy and peak in bytes."""
    return draw(random, band.accuracies), draw(random, [peak for peak in band.train_peak_bytes if peak])


@pytest.fixture(scope="module")
def reference() -> Reference:
    """Read the recorded noise."""
    return load_reference(REFERENCE)


def record_of(band: Band, accuracy: float, peak_bytes: float) -> Record:
    """Put drawn figures into a record of the band's case."""
    whole = WHOLE.finished()
    recipe: dict[str, Any] = dict(band.recipe)
    return replace(
        WHOLE,
        case=replace(
            WHOLE.case,
            dataset=band.dataset,
            model=band.model,
            setting=band.setting,
            downsample=band.downsample,
        ),
        recipe=replace(whole.recipe, **recipe),
        data=replace(whole.data, fingerprint=band.data_fingerprint),
        memory=replace(whole.memory, device="cpu", train_peak_bytes=round(peak_bytes)),
        metrics=replace(whole.metrics, test=replace(whole.metrics.test, accuracy=accuracy)),
    )


def run_of(records: Iterable[Record]) -> Run:
    """Return records as a run."""
    by_id = {record.case.id: record for record in records}
    return Run(name="replay", records=by_id, collected=tuple(by_id))


def replayed(
    random: np.random.Generator, reference: Reference, draw: Draw, plant: dict[str, Any]
) -> Comparison:
    """Compare two runs of the recorded noise by the gate that is shipped.

    `plant` makes some `cells` of the second worse, by a `drop` of accuracy or a `growth` of memory.
    """
    rules = rules_from([], ROOT / "no-pyproject.toml")
    sides: list[list[Record]] = [[], []]
    for number, band in enumerate(reference.bands):
        for side, records in enumerate(sides):
            accuracy, peak = figures(random, band, draw)
            if side and number in plant.get("cells", ()):
                accuracy -= plant.get("drop", 0.0)
                peak *= plant.get("growth", 1.0)
            records.append(record_of(band, accuracy, peak))
    return compare(run_of(sides[0]), run_of(sides[1]), rules, reference=reference)


@pytest.mark.benchmark(group="gate")
@pytest.mark.parametrize("draw", [bootstrap, bell])
def test_equal_runs_seldom_alarm(benchmark: BenchmarkFixture, reference: Reference, draw: Draw) -> None:
    """Of replays in which nothing changed, no more alarm than the gate says."""
    random = np.random.default_rng(1)

    def replay() -> list[Comparison]:
        return [replayed(random, reference, draw, {}) for _ in range(REPLAYS)]

    found = benchmark.pedantic(replay, rounds=1)
    assert all(comparison.outcome is not Outcome.NOT_COMPARABLE for comparison in found)
    names = [change.figure.name for c in found for change in c.changes if change.regressed]
    alarms = sum(comparison.outcome is Outcome.REGRESSED for comparison in found) / REPLAYS
    benchmark.extra_info |= {
        "replays": REPLAYS,
        "cells": len(reference.bands),
        "false_alarms": alarms,
        "of_accuracy": names.count("accuracy"),
        "of_memory": names.count("peak_memory"),
    }
    assert alarms <= MOST_FALSE_ALARMS


@pytest.mark.benchmark(group="gate")
@pytest.mark.parametrize("cases", ["all", "one"])
def test_five_percent_more_memory_is_caught(
    benchmark: BenchmarkFixture, reference: Reference, cases: str
) -> None:
    """A leak in what all cases share is always caught; in a single case some peaks are too noisy for it."""
    random = np.random.default_rng(2)
    cells = range(len(reference.bands))

    def replay() -> list[bool]:
        caught = []
        for number in range(REPLAYS):
            cell = number % len(cells)
            planted = set(cells if cases == "all" else [cell])
            found = replayed(random, reference, bootstrap, {"cells": planted, "growth": 1.05})
            caught.append(any(c.regressed and c.figure.name == "peak_memory" for c in found.changes))
        return caught

    caught = benchmark.pedantic(replay, rounds=1)
    benchmark.extra_info |= {"replays": REPLAYS, "caught": sum(caught) / REPLAYS}
    assert all(caught) or cases == "one"


@pytest.mark.benchmark(group="gate")
def test_a_drop_of_accuracy_beyond_the_margin_is_caught(
    benchmark: BenchmarkFixture, reference: Reference
) -> None:
    """One case of a run loses 1.3 times the margin that the gate prints for it."""
    random = np.random.default_rng(3)
    printed = {
        change.cell: change.allowed
        for change in replayed(random, reference, bootstrap, {}).changes
        if change.figure.name == "accuracy"
    }
    cells = list(printed)

    def replay() -> list[bool]:
        caught = []
        for number in range(REPLAYS):
            cell = number % len(cells)
            plant = {"cells": {cell}, "drop": 1.3 * printed[cells[cell]]}
            found = replayed(random, reference, bell, plant)
            names = {(c.cell, c.figure.name) for c in found.changes if c.regressed}
            caught.append((cells[cell], "accuracy") in names)
        return caught

    caught = benchmark.pedantic(replay, rounds=1)
    benchmark.extra_info |= {"replays": REPLAYS, "caught": sum(caught) / REPLAYS}
    assert sum(caught) / REPLAYS >= LEAST_CAUGHT


@pytest.mark.benchmark(group="gate")
def test_ten_thousand_records_compare_in_two_seconds(
    benchmark: BenchmarkFixture, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two saved runs of as many cases each are read, checked and compared."""
    records = [
        replace(WHOLE, case=replace(WHOLE.case, seed=seed, setting=setting))
        for setting in ("baseline", "amp")
        for seed in range(RECORDS // 2)
    ]
    path = tmp_path / "run.json"
    path.write_text(
        json.dumps({"benchmarks": [{"extra_info": {KEY: record.to_json()}} for record in records]})
    )
    rules = ("accuracy:0.02", "peak_memory:5%", "train_time:25%")
    command = ["compare", str(path), str(path), "--format=json", *(f"--fail={rule}" for rule in rules)]

    status = benchmark.pedantic(main, args=(command,), rounds=3)
    assert status == Outcome.FINE
    assert f'"cases": {RECORDS}' in capsys.readouterr().out
    assert benchmark.stats.stats.min < MOST_SECONDS
