"""Aggregates: figures over seeds, and those that some seed lacks."""

import pytest
from scipy.stats import beta

from redl.record import Divergence, DivergenceKind, EnergyKind
from redl.results.aggregate import aggregated, comparable
from tests.helpers.changes import replace
from tests.helpers.samples import ELSEWHERE, WHOLE, broken, component, energy, record

LOST = Divergence(ever=True, final=False, first_epoch=1, kinds=(DivergenceKind.HARD,), reasons=("lost",))


def seeded(*records):
    return [
        replace(found, case=replace(found.case, seed=seed)) for seed, found in enumerate(records, start=1)
    ]


def one(*records):
    (found,) = aggregated(seeded(*records))
    return found


def test_cases_that_differ_in_more_than_their_seed_are_apart():
    others = [
        {"setting": "amp"},
        {"model": "swin"},
        {"dataset": "lidc"},
        {"downsample": 2},
        {"profile": "paper"},
    ]
    records = [WHOLE, *(replace(WHOLE, case=replace(WHOLE.case, **other)) for other in others)]
    assert 6 == len(aggregated(records))


def test_accuracy_is_a_mean_with_the_samples_deviation():
    found = one(record(accuracy=0.8), record(accuracy=0.9))
    assert (0.85, 0.0707) == (pytest.approx(found.accuracy.mean), pytest.approx(found.accuracy.sd, abs=1e-4))


COSTS = ("train_peak_bytes", "train_seconds", "inference_seconds", "energy_wh", "energy_wh_partial")
SPENT = energy(component("gpu", 2.0, "measured", "nvml"), energy_wh=2.0)
PART = replace(SPENT, train=replace(SPENT.train, energy_wh=None, energy_wh_partial=2.0))


def costs_of(found):
    return [getattr(found, name) for name in (*COSTS, "energy_kind")]


@pytest.mark.parametrize("spent", [SPENT, PART])
def test_seeds_of_several_machines_have_a_score_and_no_costs(spent):
    found = one(record(accuracy=0.8, energy=spent), record(energy=spent, environment=ELSEWHERE))
    assert ([None] * 6, 2) == (costs_of(found), len(found.machines))
    assert 0.85 == pytest.approx(found.accuracy.mean)


def test_a_seed_that_did_not_finish_is_of_no_machine():
    assert 1 == len(one(record(), broken("baseline")).machines)


@pytest.mark.parametrize(("environment", "expected"), [(ELSEWHERE, True), (WHOLE.environment, False)])
def test_costs_of_several_machines_are_not_compared(environment, expected):
    found = comparable(
        aggregated([record(energy=SPENT), record("amp", energy=SPENT, environment=environment)])
    )
    assert [expected] * 2 == [costs_of(each) == [None] * 6 for each in found]


def test_one_seed_has_no_deviation():
    assert None is one(record()).accuracy.sd


def test_diverged_seeds_count_as_run_and_not_among_the_converged():
    found = one(record(accuracy=0.9), record(accuracy=0.3, divergence=LOST))
    assert (0.6, 0.9, 1) == (pytest.approx(found.accuracy.mean), found.converged.mean, found.diverged)


def test_where_all_diverged_none_converged():
    assert None is one(record(divergence=LOST)).converged


def test_the_share_of_diverged_seeds_has_its_exact_interval():
    found = one(record(), record(), record(divergence=LOST))
    expected = beta.ppf(0.025, 1, 3), beta.ppf(0.975, 2, 2)  # Clopper and Pearson (1934)
    assert pytest.approx(expected, abs=1e-6) == found.diverged_interval


def test_a_seed_that_did_not_finish_is_counted_and_averaged_by_nobody():
    found = one(record("amp", 0.9), broken("amp"))
    assert (1, (1, 2), 0.9) == (found.broken, found.seeds, found.accuracy.mean)


def test_a_figure_that_one_seed_lacks_has_no_mean():
    unmeasured = replace(WHOLE.memory, train_peak_bytes=None)
    assert None is one(record(), record(memory=unmeasured)).train_peak_bytes
    assert None is one(record(), record(accuracy=None)).accuracy


def test_memory_is_the_largest_of_any_seed():
    larger = replace(WHOLE.memory, train_peak_bytes=600_000_000)
    assert 600_000_000 == one(record(), record(memory=larger)).train_peak_bytes


def test_energy_is_as_sure_as_the_least_sure_seed():
    measured = energy(component("cpu", 1.0, "measured", "rapl"), energy_wh=1.0)
    estimated = energy(component("cpu", 3.0, "estimated", "tdp"), energy_wh=3.0, kind="estimated")
    found = one(record(energy=measured), record(energy=estimated))
    assert (2.0, EnergyKind.ESTIMATED) == (found.energy_wh, found.energy_kind)
