"""How often a setting is recommended that is no better than its baseline, and one that is.

`python benchmarks/tradeoff_simulation.py` prints the table of docs/explanation/tradeoff.md within minutes.

Each run has a baseline and two settings, whose answers and records go through verdicts, trade-off and
recommendation as they are. An answer is correct if its latent quality is above 0, the sum of the level of its
seed and arm and of normal effects of the patient, of the patient under an arm and of both in a seed. Energy,
memory and time of each training vary from seed to seed by independent factors. Draws of the bootstrap and the
decision curve decide nothing about the recommendation, so that one of each is enough.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import norm

from redl.record import (
    CarbonIntensity,
    Energy,
    EnergyKind,
    EnergyReading,
    Memory,
    PredictedMemory,
    Pue,
    Record,
    Status,
    Training,
)
from redl.results.arms import Arm, pairs_of
from redl.results.metric import Metric
from redl.results.noninferiority.verdict import Outcome, verdicts
from redl.results.tradeoff.costs import Resource
from redl.results.tradeoff.plan import Plan
from redl.results.tradeoff.recommendation import chosen
from redl.results.tradeoff.tradeoff import tradeoffs
from redl.study.case import Case, Dataset, Model, Setting

REPLICATES = 1000
SEEDS = (3, 5, 10)
VARIATIONS = (0.02, 0.10)  # of a cost over seeds
PATIENTS, PREVALENCE = 640, 0.3
MARGIN = 0.05  # so wide that nearly all equal settings pass it, and only their costs decide
ACCURACY, SEED_SD = 0.80, 0.009  # of the baseline; of an arm's expected accuracy over seeds

PATIENT, PATIENT_ARM, PATIENT_ARM_SEED = 0.85, 0.05, 0.10  # shares of the latent variance
ENERGY_WH, MEMORY_BYTES, SECONDS = 40.0, 4e8, 1000.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What a setting loses in accuracy, and its energy by the baseline's."""

    loss: float = 0.0
    energy: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Two settings, and which of them should be recommended, if any."""

    name: str
    amp: Truth
    eight_bit: Truth
    right: Setting | None = None


SCENARIOS = (
    Scenario(name="equal in all", amp=Truth(), eight_bit=Truth()),
    Scenario(
        name="20 and 10 % less energy, no loss",
        amp=Truth(energy=0.8),
        eight_bit=Truth(energy=0.9),
        right=Setting.AMP,
    ),
    Scenario(
        name="20 % less energy, both lose the margin",
        amp=Truth(loss=MARGIN, energy=0.8),
        eight_bit=Truth(loss=MARGIN, energy=0.8),
    ),
)


@dataclass(frozen=True, kw_only=True)
class Shares:
    """Shares of runs: any non-inferior, any that saves energy, any recommended, the right one recommended."""

    non_inferior: float
    saves: float
    recommended: float
    right: float


def main() -> None:
    """Print the table."""
    _print(f"shares of {REPLICATES} runs, %; {PATIENTS} patients, margin {MARGIN}")
    _print(
        f"{'the settings':40}  variation  seeds  any non-inferior  any saves energy  "
        "any recommended  the right one"
    )
    for scenario in SCENARIOS:
        for line in _rows(scenario):
            _print(line)


def shares(scenario: Scenario, *, seeds: int, variation: float, replicates: int = REPLICATES) -> Shares:
    """Return how often which setting is recommended in simulated runs."""
    rng = np.random.default_rng(1)
    counts = np.zeros(4)
    for _ in range(replicates):
        counts += _one(rng, scenario, seeds, variation)
    non_inferior, saves, recommended, right = (float(count) / replicates for count in counts)
    return Shares(non_inferior=non_inferior, saves=saves, recommended=recommended, right=right)


def _rows(scenario: Scenario) -> Iterator[str]:
    for variation in VARIATIONS:
        for seeds in SEEDS:
            found = shares(scenario, seeds=seeds, variation=variation)
            right = "-" if scenario.right is None else f"{100 * found.right:.1f}"
            yield (
                f"{scenario.name:40}  {variation:9.0%}  {seeds:5}  {100 * found.non_inferior:16.1f}  "
                f"{100 * found.saves:16.1f}  {100 * found.recommended:15.1f}  {right:>13}"
            )


def _one(rng: Generator, scenario: Scenario, seeds: int, variation: float) -> tuple[bool, bool, bool, bool]:
    arms = run_of(rng, scenario, seeds=seeds, variation=variation)
    judged = verdicts(pairs_of(arms), margin=MARGIN, metric=Metric.ACCURACY)
    plan = Plan(thresholds=(0.5,), lambdas_wh=(1.0,))
    (tradeoff,) = tradeoffs(arms, metric=Metric.ACCURACY, plan=plan, draws=1)
    setting = chosen(tradeoff, judged)
    return (
        any(verdict.outcome is Outcome.NON_INFERIOR for verdict in judged),
        any(Resource.ENERGY in summary.savings for summary in tradeoff.summaries),
        setting != Setting.BASELINE,
        setting == scenario.right,
    )


def run_of(rng: Generator, scenario: Scenario, *, seeds: int, variation: float) -> list[Arm]:
    """Draw the arms of one run."""
    labels = (rng.random(PATIENTS) < PREVALENCE).astype(np.int64)
    of_patients = PATIENT**0.5 * rng.standard_normal(PATIENTS)
    truths = {Setting.BASELINE: Truth(), Setting.AMP: scenario.amp, Setting.EIGHT_BIT: scenario.eight_bit}
    return [
        Arm(
            dataset=Dataset.RSNA,
            model=Model.DENSENET,
            setting=setting,
            downsample=1,
            seeds=tuple(range(1, seeds + 1)),
            records=_records(rng, setting, truth, seeds, variation),
            broken=(),
            labels=labels,
            subjects=np.arange(PATIENTS),
            probabilities=_answers(rng, labels, of_patients, truth, seeds),
        )
        for setting, truth in truths.items()
    ]


def _answers(
    rng: Generator, labels: NDArray[np.int64], of_patients: Floats, truth: Truth, seeds: int
) -> Floats:
    level = norm.ppf(ACCURACY - truth.loss + SEED_SD * rng.standard_normal((seeds, 1)))
    quality = (
        level
        + of_patients
        + PATIENT_ARM**0.5 * rng.standard_normal(PATIENTS)
        + PATIENT_ARM_SEED**0.5 * rng.standard_normal((seeds, PATIENTS))
    )
    return np.asarray(expit((2 * labels - 1) * quality))


def _records(
    rng: Generator, setting: Setting, truth: Truth, seeds: int, variation: float
) -> tuple[Record, ...]:
    factors = np.exp(variation * rng.standard_normal((seeds, 3)))
    return tuple(
        _record(
            setting,
            seed,
            energy_wh=truth.energy * ENERGY_WH * e,
            memory=MEMORY_BYTES * m,
            seconds=SECONDS * s,
        )
        for seed, (e, m, s) in enumerate(factors.tolist(), start=1)
    )


def _record(setting: Setting, seed: int, *, energy_wh: float, memory: float, seconds: float) -> Record:
    reading = EnergyReading(
        energy_wh=energy_wh,
        energy_wh_partial=None,
        missing=(),
        co2eq_g=None,
        kind=EnergyKind.MEASURED,
        duration_s=seconds,
        images=None,
        energy_wh_per_image=None,
        components=(),
        pue=Pue(value=1.0, source="none"),
        carbon_intensity=CarbonIntensity(g_per_kwh=445.0, source="none", country=None, year=None),
        warnings=(),
        reason_unavailable=None,
    )
    return Record(
        status=Status.COMPLETED,
        reason=None,
        warnings=(),
        case=Case(dataset=Dataset.RSNA, model=Model.DENSENET, setting=setting, seed=seed, profile="paper"),
        training=Training(
            epochs_run=1,
            best_epoch=1,
            seconds_to_best=seconds,
            seconds_to_stop=seconds,
            images_per_second=1.0,
            trace=(),
        ),
        memory=_memory(round(memory)),
        energy=Energy(train=reading, inference=reading),
    )


def _memory(peak: int) -> Memory:
    return Memory(
        device="cuda",
        train_peak_bytes=peak,
        inference_peak_bytes=None,
        reserved_peak_bytes=None,
        inference_reserved_peak_bytes=None,
        process_peak_bytes=None,
        inference_process_peak_bytes=None,
        predicted=PredictedMemory(weights=0, gradients=0, optimizer_state=None, total=None),
        explanation=None,
        paper_compatible_bytes=None,
    )


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
