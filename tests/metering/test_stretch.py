"""Stretches: what processes measured that took turns adds up, and what one of them lacks is lacking."""

import pytest
from msgspec.structs import replace

from redl.metering.memory import Peak
from redl.metering.stretch import Stretch
from redl.record import EnergyKind, GpuConditions
from tests.helpers.samples import component
from tests.helpers.saved import finished

RECORD = finished()
ENERGY, CONDITIONS = RECORD.energy.train, RECORD.conditions.train
COMPONENT = component("cpu", 1.0, EnergyKind.MEASURED, "powercap")
GPU = GpuConditions(
    temperature_start_c=40.0,
    temperature_c=70.0,
    sm_clock_mhz=1000.0,
    power_limit_w=300.0,
    throttle_reasons=("sw_power_cap",),
    other_processes=0,
)


def energy(wh=2.0, seconds=10.0, *, images=100, **changes):
    part = replace(COMPONENT, **{"energy_wh": wh, "kind": EnergyKind.MEASURED} | changes)
    return replace(ENERGY, components=(part,), duration_s=seconds, images=images)


READING = energy()


def stretch(seconds=10.0, *, memory=None, energy=READING, conditions=CONDITIONS, **given):
    return Stretch(
        seconds=seconds,
        memory=memory or Peak(allocated_bytes=5, reserved_bytes=None, process_bytes=9, reason="no reserve"),
        paper_compatible_bytes=given.get("paper"),
        energy=energy,
        conditions=conditions,
    )


def joined(one, other):
    return one.then(other, after=3)


def test_energy_and_its_time_add_up_and_the_clock_goes_on():
    found = joined(stretch(10.0), stretch(25.0, energy=energy(3.0, 15.0, images=250)))
    assert (25.0, (3,)) == (found.seconds, found.resumed_after)
    reading = found.energy
    assert (5.0 * ENERGY.pue.value, 25.0, 250) == (reading.energy_wh, reading.duration_s, reading.images)
    assert reading.energy_wh / 250 == reading.energy_wh_per_image


def test_a_third_process_adds_to_the_first_two():
    found = joined(stretch(), stretch()).then(stretch(30.0), after=5)
    assert ((3, 5), 30.0) == (found.resumed_after, found.energy.duration_s)
    assert 6.0 * ENERGY.pue.value == found.energy.energy_wh


@pytest.mark.parametrize("first", [True, False])
def test_energy_that_one_process_could_not_measure_is_missing_with_its_reason(first):
    lacking = energy(None, kind=EnergyKind.UNAVAILABLE, reason_unavailable="the counter failed")
    pair = (lacking, energy()) if first else (energy(), lacking)
    found = joined(*(stretch(energy=one) for one in pair)).energy
    assert (None, ("cpu",), EnergyKind.UNAVAILABLE) == (found.energy_wh, found.missing, found.kind)
    assert "cpu: the counter failed" == found.reason_unavailable


@pytest.mark.parametrize("first", [True, False])
def test_a_component_that_one_process_did_not_have_is_missing(first):
    both = replace(energy(), components=(*energy().components, replace(COMPONENT, component="gpu")))
    pair = (both, energy()) if first else (energy(), both)
    found = joined(*(stretch(energy=one) for one in pair)).energy
    assert (None, ("gpu",)) == (found.energy_wh, found.missing)
    assert "in a part of the training only" in found.reason_unavailable


def test_a_sum_is_of_the_less_certain_kind():
    pair = (energy(kind=EnergyKind.ESTIMATED), energy(kind=EnergyKind.MEASURED))
    assert EnergyKind.ESTIMATED is joined(*(stretch(energy=one) for one in pair)).energy.kind


def test_counts_add_up_and_coverage_is_the_mean_over_the_time():
    one = energy(seconds=10.0, n_samples=4, coverage=0.5, windows=2, short_windows=1)
    other = energy(seconds=30.0, n_samples=6, coverage=0.9, windows=3, short_windows=0)
    (found,) = joined(stretch(energy=one), stretch(energy=other)).energy.components
    assert (10, 5, 1) == (found.n_samples, found.windows, found.short_windows)
    assert 0.8 == pytest.approx(found.coverage)


def test_the_meters_are_compared_over_both():
    figures = COMPONENT.carbontracker
    one = energy(counter_wh=2.0, ratio=1.0, carbontracker=replace(figures, energy_wh_corrected=2.0))
    other = energy(counter_wh=2.0, ratio=2.0, carbontracker=replace(figures, energy_wh_corrected=4.0))
    (found,) = joined(stretch(energy=one), stretch(energy=other)).energy.components
    assert (4.0, 6.0, 1.5) == (found.counter_wh, found.carbontracker.energy_wh_corrected, found.ratio)


def test_peaks_are_the_higher_ones_and_none_where_one_is_missing():
    one = Peak(allocated_bytes=5, reserved_bytes=None, process_bytes=9, reason="no reserve")
    other = Peak(allocated_bytes=7, reserved_bytes=1, process_bytes=8, reason="no reserve")
    expected = Peak(allocated_bytes=7, reserved_bytes=None, process_bytes=9, reason="no reserve")
    assert expected == joined(stretch(memory=one), stretch(memory=other)).memory


def test_what_the_published_code_read_is_of_the_first_epoch():
    assert 12 == joined(stretch(paper=12), stretch(paper=None)).paper_compatible_bytes


def test_shares_are_means_over_the_time_and_temperatures_the_highest():
    one = replace(CONDITIONS, foreign_cpu_share=0.0, load_average_start=1.0, cpu_temperature_c=50.0)
    other = replace(CONDITIONS, foreign_cpu_share=0.4, load_average_end=3.0, cpu_temperature_c=60.0)
    one, other = replace(one, node_foreign_share=0.2), replace(other, node_foreign_share=0.6)
    found = joined(
        stretch(conditions=one, energy=energy(seconds=10.0)),
        stretch(conditions=other, energy=energy(seconds=30.0)),
    )
    conditions = found.conditions
    assert (0.3, 0.5) == pytest.approx((conditions.foreign_cpu_share, conditions.node_foreign_share))
    assert (1.0, 3.0) == (conditions.load_average_start, conditions.load_average_end)
    assert 60.0 == conditions.cpu_temperature_c
    assert any("under foreign load" in warning for warning in found.energy.warnings)


@pytest.mark.parametrize("first", [True, False])
def test_a_training_that_shared_its_device_for_a_part_did_so(first):
    pair = [replace(CONDITIONS, shared=first), replace(CONDITIONS, shared=not first, node_processors=8)]
    found = joined(*(stretch(conditions=one) for one in pair)).conditions
    assert (True, 8) == (found.shared, found.node_processors)


def test_gpus_are_joined_one_by_one():
    hot = replace(GPU, temperature_c=90.0, throttle_reasons=("hw_slowdown",), other_processes=2)
    conditions = (replace(CONDITIONS, gpus=(gpu,)) for gpu in (GPU, hot))
    (found,) = joined(*(stretch(conditions=one) for one in conditions)).conditions.gpus
    assert (90.0, ("sw_power_cap", "hw_slowdown"), 2) == (
        found.temperature_c,
        found.throttle_reasons,
        found.other_processes,
    )
