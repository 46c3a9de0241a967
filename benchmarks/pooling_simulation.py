"""How often a verdict with pooled seed variance passes a loss of the whole margin, and what pooling gains.

`python -m benchmarks.pooling_simulation` prints the tables of "Pooling the seeds' variance" in
docs/explanation/statistics.md within a quarter of an hour.

The first draws seed effects of a baseline and K settings, normal and far above what patients add, because
there pooling matters most, and judges the first setting: by its own variance, by the pooled one alone with
all its degrees of freedom, and as `redl verdict --pool-seeds` does. The second draws answers of a baseline
and five settings as `noninferiority_simulation` does.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
from numpy.random import Generator
from scipy.special import stdtrit

from benchmarks.noninferiority_simulation import (
    MARGIN,
    REPLICATES,
    SEED_SDS_OF_POWER,
    SEEDS,
    Cohort,
    Floats,
    Ints,
    rsna,
    simulate,
)
from redl.results.metric import Metric
from redl.results.noninferiority.crossed import Comparison, compare
from redl.results.noninferiority.influence import over_seeds
from redl.results.noninferiority.pooling import pool

DRAWS = 20_000
SETTINGS = 5
PATIENTS = 200

# SD over seeds of the baseline, of the setting that is judged and of all others, and whether these move
# together but for a tenth of their variance.
CELLS = {
    "all alike": (1, 1, 1, False),
    "the judged setting's SD is 1.5 times the others'": (1, 1.5, 1, False),
    "the judged setting's SD is 2 times the others'": (1, 2, 1, False),
    "the judged setting's SD is 3 times the others'": (1, 3, 1, False),
    "the judged setting's SD is 4 times the others'": (1, 4, 1, False),
    "the baseline's SD is 2 times the others'": (2, 1, 1, False),
    "the baseline's SD is 4 times the others'": (4, 1, 1, False),
    "all but the judged setting move together": (1, 1, 1, True),
}


def main() -> None:
    """Print both tables."""
    _print(f"passed at a true loss of the margin and coverage, % ({DRAWS} replicates, standard error 0.1)")
    _print(f"{'':52}  {'own':^12}  {'pooled only':^12}  {'--pool-seeds':^12}  pooled in %  margin")
    for settings, seeds in [(SETTINGS, seeds) for seeds in SEEDS] + [(2, 3), (9, 3)]:
        for name in CELLS:
            _print(f"{settings} settings, {seeds:2} seeds: {cell(name, settings, seeds)}")
    _print(f"\nsmallest margin shown in 80 % of {REPLICATES} replicates, pp: own, pooled and ratio")
    cohort = rsna()
    for seed_sd in SEED_SDS_OF_POWER:
        _print(power(cohort, seed_sd))


def cell(name: str, settings: int, seeds: int) -> str:
    """Return a row: how often each procedure passes a loss of the margin and covers it."""
    rng = np.random.default_rng(6)
    found = np.array([_judged(rng, name, settings, seeds) for _ in range(DRAWS)])
    lows, highs, pooled = found[:, :3], found[:, 3:6], found[:, 6]
    passed = 100 * np.mean(lows > -MARGIN, axis=0)
    covered = 100 * np.mean((lows <= -MARGIN) & (highs >= -MARGIN), axis=0)
    shown = np.quantile(-MARGIN - lows, 0.8, axis=0)  # less the loss, i.e. where there is none
    cells = "  ".join(f"{one:5.1f}  {other:5.1f}" for one, other in zip(passed, covered, strict=True))
    return f"{name:52}  {cells}  {100 * pooled.mean():11.0f}  {shown[2] / shown[0]:6.2f}"


def _judged(rng: Generator, name: str, settings: int, seeds: int) -> tuple[float, ...]:
    """Return the lower bounds of the three procedures, their upper ones, and whether anything was pooled."""
    values = _drawn(rng, name, settings, seeds)
    of_patients = 0.0001 * rng.standard_normal(PATIENTS) / PATIENTS**0.5
    differences = values[1] - values[0] + of_patients.sum() - MARGIN
    psi = np.tile(of_patients - of_patients.mean(), (seeds, 1))
    pooling = pool(values)
    own = _compared(differences, psi, None)
    shared = _compared(differences, psi, pooling.seed_variance)
    low, high = _pooled_only(values, float(differences.mean()))
    return own.low, low, shared.low, own.high, high, shared.high, float(pooling.arms is not None)


def _drawn(rng: Generator, name: str, settings: int, seeds: int) -> Floats:
    of_baseline, of_judged, of_others, together = CELLS[name]
    effects = rng.standard_normal((1 + settings, seeds))
    if together:
        others = [0, *range(2, 1 + settings)]
        effects[others] = 0.9**0.5 * rng.standard_normal(seeds) + 0.1**0.5 * effects[others]
    return 0.02 * np.array([of_baseline, of_judged, *[of_others] * (settings - 1)])[:, None] * effects


def _pooled_only(values: Floats, difference: float) -> tuple[float, float]:
    """Return the interval from nothing but the pooled variance, without a test of homogeneity."""
    arms, seeds = values.shape
    remaining = values - values.mean(axis=0) - values.mean(axis=1, keepdims=True) + values.mean()
    freedom = (arms - 1) * (seeds - 1)
    half = float(stdtrit(freedom, 0.975)) * (2 * float(np.sum(remaining**2)) / freedom / seeds) ** 0.5
    return difference - half, difference + half


def power(cohort: Cohort, seed_sd: float) -> str:
    """Return a row: the margin that four of five experiments show by its own variance, and with pooling."""
    rng = np.random.default_rng(2)
    shown = np.array([list(_shown(rng, cohort, seed_sd)) for _ in range(REPLICATES)])
    own, pooled = (100 * np.quantile(shown[:, place::2], 0.8, axis=0) for place in (0, 1))
    cells = "  ".join(
        f"{one:.2f} {other:.2f} {other / one:.2f}" for one, other in zip(own, pooled, strict=True)
    )
    return f"{cohort.name}  accuracy  {100 * seed_sd:4.1f} pp  {cells}"


def _shown(rng: Generator, cohort: Cohort, seed_sd: float) -> Iterator[float]:
    found = simulate(rng, cohort, Metric.ACCURACY, cohort.tested, true=0, seed_sd=seed_sd, settings=SETTINGS)
    old, differences, psi = found.differences(found.subjects)
    others = [_values(found.labels, rows, found.subjects) for rows in found.others.swapaxes(0, 1)]
    values = np.stack([old, old + differences, *others])
    for seeds in SEEDS:
        pooled = pool(values[:, :seeds]).seed_variance
        yield -_compared(differences[:seeds], psi[:seeds], None).low
        yield -_compared(differences[:seeds], psi[:seeds], pooled).low


def _values(labels: Ints, rows: Floats, subjects: Ints) -> Floats:
    found = over_seeds(Metric.ACCURACY, labels, rows, subjects)
    assert found is not None, "simulated answers are finite"
    return found[0]


def _compared(differences: Floats, psi: Floats, pooled: float | None) -> Comparison:
    found = compare(differences, psi, margin=MARGIN, pooled=pooled)
    assert found is not None, "there are several seeds and patients"
    return found


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
