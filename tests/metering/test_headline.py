"""Which figure leads, and what is said of those that do not."""

import pytest

from redl.metering.energy import Component, Figure, no_figure
from redl.metering.headline import headline
from redl.record import CarbonTrackerFigures, EnergyKind
from tests.helpers.changes import replace

COUNTED = Figure(
    energy_wh=10.0, sensor="rapl_powercap", kind=EnergyKind.MEASURED, devices=("package-0",), scope="node"
)
SAMPLED = replace(COUNTED, energy_wh=10.2, n_samples=100, interval_s=0.1, coverage=1.0)
GUESSED = replace(
    SAMPLED, energy_wh=99.0, sensor="tdp_model", kind=EnergyKind.ESTIMATED, warnings=("a constant",)
)
ESTIMATED = replace(
    COUNTED, energy_wh=7.0, sensor="tdp_model", kind=EnergyKind.ESTIMATED, warnings=("a TDP",)
)
NO_COUNTER = no_figure("rapl_powercap", "powercap: none here")
NO_SAMPLES = no_figure("rapl_powercap", "no sample")
OWN = CarbonTrackerFigures(version="2.4.7", energy_wh_raw=16.1, energy_wh_corrected=10.2)


def led(counter, samples, estimate=None, component=Component.CPU):
    return headline(component, counter, samples, lambda: estimate, OWN)


@pytest.mark.parametrize(
    ("counter", "samples", "expected"),
    [
        (COUNTED, SAMPLED, (10.0, EnergyKind.MEASURED)),
        (COUNTED, GUESSED, (10.0, EnergyKind.MEASURED)),
        (COUNTED, NO_SAMPLES, (10.0, EnergyKind.MEASURED)),
        (NO_COUNTER, SAMPLED, (10.2, EnergyKind.MEASURED)),
        (NO_COUNTER, GUESSED, (7.0, EnergyKind.ESTIMATED)),
        (NO_COUNTER, NO_SAMPLES, (7.0, EnergyKind.ESTIMATED)),
    ],
)
def test_the_counter_leads_then_samples_then_the_estimate(counter, samples, expected):
    found = led(counter, samples, ESTIMATED)
    assert expected == (found.energy_wh, found.kind)


def test_without_any_figure_there_is_none_with_all_reasons_and_the_remedy():
    found = led(NO_COUNTER, NO_SAMPLES)
    assert (None, EnergyKind.UNAVAILABLE, None) == (found.energy_wh, found.kind, found.sensor)
    assert "powercap: none here; no sample; --redl-cpu-tdp=WATTS estimates it" == found.reason_unavailable


def test_a_gpu_is_not_advised_to_give_the_cpus_power():
    found = led(NO_COUNTER, NO_SAMPLES, component=Component.GPU)
    assert "powercap: none here; no sample" == found.reason_unavailable


def test_both_meters_figures_and_their_ratio_stand_beside_the_headline():
    found = led(COUNTED, SAMPLED)
    assert (10.0, OWN, pytest.approx(1.02)) == (found.counter_wh, found.carbontracker, found.ratio)
    assert (100, 0.1, 1.0) == (found.n_samples, found.interval_s, found.coverage)


def test_windows_are_judged_by_the_sensor_that_leads():
    counted = replace(COUNTED, windows=4, short_windows=0)
    sampled = replace(SAMPLED, windows=4, short_windows=3)
    assert [0, 3] == [led(counter, sampled).short_windows for counter in (counted, NO_COUNTER)]


@pytest.mark.parametrize(
    ("counter", "samples"), [(COUNTED, GUESSED), (NO_COUNTER, SAMPLED), (COUNTED, NO_SAMPLES)]
)
def test_a_ratio_needs_two_measurements(counter, samples):
    assert led(counter, samples).ratio is None


@pytest.mark.parametrize(("sampled", "warned"), [(8.9, True), (9.1, False), (10.9, False), (11.1, True)])
def test_meters_that_disagree_are_warned_of(sampled, warned):
    warnings = led(COUNTED, replace(SAMPLED, energy_wh=sampled)).warnings
    assert warned == any("the two meters disagree" in warning for warning in warnings)


def test_why_a_better_figure_does_not_lead_is_a_warning():
    assert ("powercap: none here",) == led(NO_COUNTER, SAMPLED).warnings


def test_the_estimate_is_asked_only_if_nothing_measured():
    def asked():
        raise AssertionError("asked")

    assert 10.0 == headline(Component.CPU, COUNTED, GUESSED, asked, OWN).energy_wh


def test_an_estimate_brings_its_own_words_and_carbontrackers_guess_is_reported_too():
    assert ("powercap: none here", "a TDP", "a constant") == led(NO_COUNTER, GUESSED, ESTIMATED).warnings


def test_what_both_meters_say_is_reported_once():
    guessed = replace(GUESSED, warnings=("powercap: none here",))
    assert ("powercap: none here", "a TDP") == led(NO_COUNTER, guessed, ESTIMATED).warnings
