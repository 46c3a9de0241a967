"""The rate: medians over cases of one sort, and how far off each is that is predicted from the others."""

import pytest

from redl.record import EnergyKind, Pue
from redl.results.forecast.history import sort_of
from redl.results.forecast.rate import accuracy, overhead, rate_measured, rates
from tests.helpers.changes import replace
from tests.helpers.forecasts import probed, timed, took
from tests.helpers.samples import WHOLE, energy

SORT = sort_of(timed().finished())
BUSY = replace(WHOLE.conditions.train, foreign_cpu_share=0.5)


def finished(**changes):
    return timed(**changes).finished()


def busy(**changes):
    return finished(conditions=replace(WHOLE.conditions, train=BUSY), **changes)


def quiet(**changes):
    free = replace(WHOLE.conditions.train, foreign_cpu_share=0.0, steal_share=0.0, gpus=())
    return finished(conditions=replace(WHOLE.conditions, train=free), **changes)


def test_an_image_takes_the_median_over_cases():
    found = rates(finished(seed=seed, per_s=per_s) for seed, per_s in enumerate((1.0, 2.0, 10.0)))
    assert 0.5 == found[SORT].train_seconds


def test_times_under_load_give_way_to_others():
    found = rates([busy(per_s=1.0), quiet(seed=2, per_s=4.0)])[SORT]
    assert (0.25, False) == (found.train_seconds, found.loaded)


def test_times_under_load_are_marked_where_there_are_no_others():
    assert rates([busy()])[SORT].loaded


def test_energy_that_was_not_measured_is_none():
    assert rates([finished()])[SORT].train_wh is None


def test_energy_is_without_the_pue_of_its_run():
    reading = replace(finished(wh=3.0).energy.train, pue=Pue(value=1.5, source="set by the user"))
    record = finished(energy=replace(WHOLE.energy, train=reading, inference=reading))
    assert 2.0 == rates([record])[SORT].train_wh


def test_an_estimate_stays_one():
    reading = replace(energy(energy_wh=1.0, kind=EnergyKind.ESTIMATED).train, energy_wh_per_image=1.0)
    record = finished(energy=replace(WHOLE.energy, train=reading, inference=reading))
    assert rates([record])[SORT].estimated


def test_a_case_that_took_no_time_tells_nothing():
    assert {} == rates([finished(per_s=0.0)])


def test_the_error_is_of_each_case_predicted_from_the_others():
    found = accuracy([finished(seed=1, per_s=1.0), finished(seed=2, per_s=2.0)], [SORT])
    assert (2, pytest.approx(0.75), 1.0) == (found.cases, found.median, found.most)


def test_one_case_tells_no_error():
    assert accuracy([finished()], [SORT]) is None


def test_sorts_that_are_not_planned_have_no_part_in_the_error():
    assert accuracy([finished(seed=1), finished(seed=2)], []) is None


# Beside the images


# 12.3 s of training; 20 validation images at 100 a second, once after the epoch and once before inference;
# 3 s of inference; 20 passes of one image at 0.02 s.
EXPLAINED = 12.3 + 0.4 + 3.0 + 0.4


def test_the_overhead_is_what_the_images_do_not_explain():
    assert 4.0 == pytest.approx(overhead(took(EXPLAINED + 4.0).finished()))


def test_waiting_for_the_heat_is_no_overhead():
    settled = replace(WHOLE.conditions.train, settled_s=1.5)
    found = took(EXPLAINED + 4.0, conditions=replace(WHOLE.conditions, train=settled, inference=settled))
    assert 1.0 == pytest.approx(overhead(found.finished()))


def test_the_overhead_is_never_below_0():
    assert 0.0 == overhead(took(1.0).finished())


def test_a_record_that_does_not_say_how_long_its_process_took_has_no_overhead():
    assert overhead(finished()) is None
    assert overhead(finished(placement=None)) is None


def test_a_case_that_was_resumed_has_no_overhead():
    resumed = replace(WHOLE.training, resumed_after=(1,))
    assert overhead(replace(took(EXPLAINED + 4.0), training=resumed).finished()) is None


def test_the_overhead_of_a_sort_is_the_median_of_those_that_are_known():
    records = [took(EXPLAINED + more, seed=seed).finished() for seed, more in enumerate((1.0, 2.0, 9.0))]
    assert 2.0 == pytest.approx(rates([*records, finished(seed=7)])[SORT].overhead_seconds)


def test_a_sort_without_such_a_record_has_no_overhead():
    assert rates([finished()])[SORT].overhead_seconds is None


# Measured by steps


def test_a_measured_rate_is_the_median_of_its_rounds():
    found = rate_measured(probed())
    assert (0.04, 0.01, 0.02) == (found.train_seconds, found.infer_seconds, found.latency_seconds)
    assert (9, 2.0, 12, 700_000_000) == (
        found.steps,
        found.overhead_seconds,
        found.state_bytes,
        found.memory_bytes,
    )


def test_the_spread_is_of_the_rounds_in_training():
    assert 0.25 == pytest.approx(rate_measured(probed()).spread)


def test_a_measured_rate_has_no_energy():
    assert (None, None) == (rate_measured(probed()).train_wh, rate_measured(probed()).infer_wh)


def test_steps_beside_others_work_are_marked():
    assert rate_measured(probed(conditions=BUSY)).loaded
    assert not rate_measured(probed()).loaded
