"""The energy meter: both meters over the same windows, on sensors whose power is known."""

import logging
import os
import random
import threading
import time
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pynvml
import pytest
from carbontracker.components.cpu import intel
from hypothesis import given, settings
from hypothesis import strategies as st

from redl.metering.assumptions import Assumptions
from redl.metering.carbontracker import meter as carbontracker_meter
from redl.metering.carbontracker import session
from redl.metering.conditions import cpu
from redl.metering.conditions import meter as conditions_meter
from redl.metering.conditions.cpu import NO_TIME, CpuTimes
from redl.metering.meter import EnergyMeter
from redl.record import HERE, EnergyKind
from tests.helpers.changes import replace
from tests.helpers.network import refuse_network
from tests.helpers.sensors import (
    FakeClock,
    FakeZone,
    ScriptedPower,
    fake_nvml,
    no_powercap,
    powercap_tree,
    two_sockets,
)

FAILS = pynvml.NVML_ERROR_UNKNOWN


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch, tmp_path):
    """Hide the machine's own sensors, whatever it has, and sample fast."""
    no_powercap(monkeypatch, tmp_path)
    monkeypatch.setattr(intel, "RAPL_DIR", str(tmp_path / "absent"))
    for module in (session, carbontracker_meter):
        monkeypatch.setattr(module, "INTERVAL_S", 0.01)


@pytest.fixture
def nvml(monkeypatch):
    """Put two GPUs of 300 W and 200 W in NVML's place, in real time."""
    curves = [ScriptedPower.constant(watts) for watts in (300, 200)]
    return fake_nvml(monkeypatch, curves, time.perf_counter, step_s=0.001)


@pytest.fixture
def powercap(monkeypatch, tmp_path):
    """Put two packages of 100 W, each with 10 W of memory, in place, fed in real time."""
    tree = powercap_tree(monkeypatch, tmp_path)
    monkeypatch.setattr(intel, "RAPL_DIR", str(tree.root))
    with tree.fed(every_s=0.002):
        yield tree


def uuids(nvml):
    return [gpu.uuid for gpu in nvml.gpus]


def measured(gpus=(), assumptions=None, *, seconds=0.3, images=None, placement=HERE):
    with EnergyMeter(gpus, assumptions, placement=placement) as meter, meter.window():
        sum(range(10**5))
        time.sleep(seconds)
    return meter.reading(images=images)


def watts(figure, reading):
    return figure * 3600 / reading.duration_s


# The sum.


@pytest.mark.usefixtures("powercap")
def test_gpus_and_packages_add_up_and_both_meters_agree(nvml):
    for _ in range(5):  # a busy machine may feed the counters late
        reading = measured(uuids(nvml), seconds=0.6)
        gpu, cpu = reading.components
        if pytest.approx(220, rel=0.05) == watts(cpu.energy_wh, reading):
            break
    assert pytest.approx(500, rel=0.05) == watts(gpu.energy_wh, reading)
    assert pytest.approx(220, rel=0.05) == watts(cpu.energy_wh, reading)
    assert gpu.energy_wh + cpu.energy_wh == reading.energy_wh
    assert (EnergyKind.MEASURED, (), None) == (reading.kind, reading.missing, reading.energy_wh_partial)
    assert ["nvml_energy_counter", "rapl_powercap"] == [gpu.sensor, cpu.sensor]
    assert all(0.9 < part.ratio < 1.1 for part in reading.components)


@pytest.mark.usefixtures("powercap")
def test_pue_and_carbon_intensity_multiply_the_sum_alone(nvml):
    reading = measured(uuids(nvml), Assumptions(pue=1.5, g_per_kwh=200), images=10)
    assert pytest.approx(1.5 * sum(part.energy_wh for part in reading.components)) == reading.energy_wh
    assert pytest.approx(reading.energy_wh / 1000 * 200) == reading.co2eq_g
    assert pytest.approx(reading.energy_wh / 10) == reading.energy_wh_per_image


@pytest.mark.parametrize("visible", ["", "1", "MIG-0", "GPU-00000000"])
def test_the_environment_does_not_change_which_gpus_are_counted(nvml, monkeypatch, visible):
    """CarbonTracker takes numbers for NVML's, and whatever it does not understand for all GPUs."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    gpu = measured(uuids(nvml)[:1]).components[0]
    assert (1, pytest.approx(1.0, rel=0.05)) == (len(gpu.devices), gpu.ratio)


def test_the_device_is_waited_for_before_each_reading(nvml):
    clock = FakeClock()
    nvml.clock = clock
    waits = []

    def synchronize():
        waits.append(clock())
        clock.advance(2.0)  # what was queued takes so long

    with EnergyMeter(uuids(nvml)[:1], synchronize=synchronize, now=clock) as meter, meter.window():
        clock.advance(10.0)
    assert [0.0, 12.0] == waits
    reading = meter.reading()
    assert pytest.approx(300 * 12, rel=0.01) == reading.components[0].counter_wh * 3600
    assert 12.0 == reading.duration_s


@pytest.mark.usefixtures("powercap")
def test_a_reading_between_two_windows_is_of_those_that_have_ended_and_ends_nothing(nvml):
    with EnergyMeter(uuids(nvml)) as meter:
        with meter.window():
            time.sleep(0.3)
        first = meter.reading_so_far(images=5)
        with meter.window():
            time.sleep(0.3)
        last = meter.reading(images=10)
    assert (5, 10) == (first.images, last.images)
    assert (1, 2) == (first.components[0].windows, last.components[0].windows)
    for part, whole in zip(first.components, last.components, strict=True):
        assert part.energy_wh == pytest.approx(whole.energy_wh / 2, rel=0.1)
        raw = part.carbontracker.energy_wh_raw, whole.carbontracker.energy_wh_raw
        assert raw[0] == pytest.approx(raw[1] / 2, rel=0.3)
    assert meter.reading_so_far(images=10) == last


# What else went on.


@pytest.fixture
def quiet(monkeypatch):
    """Let nobody else use the processors, however busy this machine is."""
    monkeypatch.setattr(cpu, "cpu_times", lambda _: NO_TIME)


@pytest.mark.usefixtures("quiet")
def test_another_process_on_a_gpu_is_warned_of(nvml):
    nvml.gpus[1].pids = (os.getpid(), 1)
    reading = measured(uuids(nvml), seconds=0.05)
    warning = "time and energy were taken under foreign load: GPU 2 of 2: other processes computed there (1)"
    assert warning == reading.warnings[0]


@pytest.mark.usefixtures("quiet")
def test_work_by_itself_is_not_warned_of(nvml):
    nvml.gpus[1].pids = (os.getpid(),)
    reading = measured(uuids(nvml), seconds=0.05)
    assert not any("foreign load" in warning for warning in reading.warnings)


@pytest.mark.usefixtures("powercap")
def test_processors_that_other_workers_used_have_no_energy_and_the_gpus_keep_theirs(nvml):
    placement = replace(HERE, engine="workers", neighbours=3)
    gpu, cpu = (reading := measured(uuids(nvml), placement=placement)).components
    assert (None, ("cpu",), None) == (reading.energy_wh, reading.missing, cpu.energy_wh)
    assert gpu.energy_wh == reading.energy_wh_partial
    assert "cpu: the node's processors were shared with 3 other workers of this run" == (
        reading.reason_unavailable
    )


@pytest.mark.usefixtures("powercap")
def test_a_process_kept_to_some_processors_is_not_said_to_have_drawn_what_others_did(monkeypatch):
    monkeypatch.setattr(conditions_meter, "_LEAST_S", 0.0)
    monkeypatch.setattr(cpu, "own_processors", lambda: (0,))
    monkeypatch.setattr(cpu, "node_processors", lambda: (0, 1))
    times = (CpuTimes(total=100.0 * look, busy=100.0 * look, steal=0.0) for look in count())
    monkeypatch.setattr(cpu, "cpu_times", lambda _: next(times))
    (found,) = measured(seconds=0.1).components
    assert found.energy_wh is None
    assert found.reason_unavailable.startswith("rapl_powercap counts the whole node, of whose busy proc")


@pytest.mark.usefixtures("quiet")
def test_figures_of_cases_that_shared_a_device_are_warned_of(nvml):
    shared = measured(uuids(nvml), seconds=0.05, placement=replace(HERE, shared=True))
    warning = "time and energy were taken under foreign load: cases shared its processors or GPU"
    assert warning == shared.warnings[0]
    assert shared.components[0].energy_wh > 0


def test_the_conditions_are_read_outside_of_what_is_measured(nvml, monkeypatch):
    clock = FakeClock()
    nvml.clock = clock
    monkeypatch.setattr(cpu, "load_average", lambda: clock.advance(5.0))
    with EnergyMeter(uuids(nvml), now=clock) as meter, meter.window():
        clock.advance(10.0)
    assert pytest.approx(500 * 10, rel=0.01) == meter.reading().components[0].counter_wh * 3600
    assert 10.0 == meter.reading().duration_s


def test_a_meter_waits_before_its_first_window_if_it_is_told_to(nvml):
    with EnergyMeter(uuids(nvml)) as meter:
        meter.settle(0.01)
        with meter.window():
            pass
    assert (0.01, 2) == (meter.conditions().settled_s, len(meter.conditions().gpus))


# What is missing.


def test_a_gpu_machine_whose_cpu_cannot_be_read_gives_a_part_and_says_so(nvml):
    reading = measured(uuids(nvml))
    gpu, cpu = reading.components
    assert (None, None, ("cpu",)) == (reading.energy_wh, reading.co2eq_g, reading.missing)
    assert gpu.energy_wh == reading.energy_wh_partial
    assert EnergyKind.UNAVAILABLE is reading.kind
    assert "cpu: powercap" in reading.reason_unavailable
    assert "--redl-cpu-tdp=WATTS estimates it" in reading.reason_unavailable
    assert cpu.carbontracker.energy_wh_corrected > 0  # its guess is published but never added


def test_the_users_rated_power_completes_it_as_an_estimate(nvml):
    reading = measured(uuids(nvml), Assumptions(cpu_tdp_w=65))
    assert EnergyKind.ESTIMATED is reading.kind
    assert [EnergyKind.MEASURED, EnergyKind.ESTIMATED] == [part.kind for part in reading.components]
    assert any("65 W (set by the user)" in warning for warning in reading.warnings)


def test_a_machine_without_sensors_gets_an_estimate_that_names_its_source():
    reading = measured()
    (cpu,) = reading.components
    assert (EnergyKind.ESTIMATED, "tdp_model", None) == (cpu.kind, cpu.sensor, cpu.ratio)
    assert any("CarbonTracker's table; --redl-cpu-tdp gives a better one" in w for w in reading.warnings)
    assert any(warning.startswith("cpu: powercap") for warning in reading.warnings)


def test_a_gpu_that_nvml_does_not_know_leaves_it_without_a_figure(nvml):
    reading = measured(["GPU-ffffffff-0000-0000-0000-000000000000"], Assumptions(cpu_tdp_w=65))
    assert ("gpu",) == reading.missing
    assert reading.energy_wh is None
    assert reading.energy_wh_partial == reading.components[1].energy_wh
    assert [] == nvml.holds


@pytest.mark.usefixtures("powercap")
def test_without_the_driver_the_packages_are_still_measured(nvml):
    gpus = uuids(nvml)
    nvml.absent = True
    reading = measured(gpus)
    assert (("gpu",), EnergyKind.MEASURED) == (reading.missing, reading.components[1].kind)


def test_without_the_counter_the_samples_lead(nvml):
    for gpu in nvml.gpus:
        gpu.energy_error = pynvml.NVML_ERROR_NOT_SUPPORTED
    gpu = measured(uuids(nvml)).components[0]
    assert ("nvml_power_polling", None, None) == (gpu.sensor, gpu.counter_wh, gpu.ratio)
    assert EnergyKind.MEASURED is gpu.kind


def test_a_counter_that_fails_in_the_middle_leaves_the_lead_to_the_samples(nvml):
    with EnergyMeter(uuids(nvml)) as meter:
        with meter.window():
            time.sleep(0.1)
        nvml.gpus[1].energy_error = FAILS
        with meter.window():
            time.sleep(0.1)
    gpu = meter.reading().components[0]
    assert ("nvml_power_polling", None) == (gpu.sensor, gpu.counter_wh)
    assert any("nvml" in warning for warning in gpu.warnings)


def test_a_gpu_that_fails_altogether_gives_none_and_the_work_goes_on(nvml):
    with EnergyMeter(uuids(nvml), Assumptions(cpu_tdp_w=65)) as meter:
        for gpu in nvml.gpus:
            gpu.energy_error = gpu.power_error = FAILS
        with meter.window():
            time.sleep(0.1)
    gpu = meter.reading().components[0]
    assert (None, EnergyKind.UNAVAILABLE) == (gpu.energy_wh, gpu.kind)


def test_packages_denied_in_the_middle_leave_an_estimate_that_says_why(powercap):
    with EnergyMeter(assumptions=Assumptions(cpu_tdp_w=65)) as meter:
        for zone in powercap.zones:
            powercap.remove(zone.folder)
        with meter.window():
            sum(range(10**6))
            time.sleep(0.1)
    (cpu,) = meter.reading().components
    assert EnergyKind.ESTIMATED is cpu.kind
    assert any("powercap" in warning for warning in cpu.warnings)


def test_meters_that_disagree_are_warned_of(nvml):
    nvml.gpus[0].curve = ScriptedPower(watts=lambda _: 300, energy=lambda t: 600 * t)
    reading = measured(uuids(nvml)[:1])
    assert pytest.approx(0.5, rel=0.05) == reading.components[0].ratio
    assert any("the two meters disagree" in warning for warning in reading.warnings)


# Nothing is left behind.


def test_twenty_meters_leave_threads_files_loggers_nvml_and_random_streams_as_they_were(
    nvml, monkeypatch, tmp_path
):
    monkeypatch.setattr(intel, "RAPL_DIR", str(powercap_tree(monkeypatch, tmp_path).root))
    measured(uuids(nvml), seconds=0.01)  # the first import may keep things
    before = traces()
    for _ in range(20):
        measured(uuids(nvml), seconds=0.01)
    assert (before, []) == (traces(), nvml.holds)


def traces():
    opened = Path("/proc/self/fd")
    files = sorted(opened.iterdir()) if opened.is_dir() else None
    names = sorted(thread.name for thread in threading.enumerate())
    return names, files, len(logging.root.manager.loggerDict), random.getstate()


def test_work_that_raises_leaves_as_little(nvml):
    def fail():
        raise ZeroDivisionError

    threads = threading.active_count()
    with pytest.raises(ZeroDivisionError), EnergyMeter(uuids(nvml)) as meter, meter.window():
        fail()
    assert (threads, []) == (threading.active_count(), nvml.holds)
    assert meter.reading().duration_s > 0


@pytest.mark.usefixtures("powercap")
def test_the_network_is_never_asked(nvml, monkeypatch):
    attempts = refuse_network(monkeypatch)
    measured(uuids(nvml), Assumptions(country="DK"), seconds=0.05)
    assert [] == attempts


def test_nothing_is_printed(nvml, capfd):
    measured(uuids(nvml), seconds=0.05)
    assert ("", "") == capfd.readouterr()


# Any phase of the sampler, in scripted time.


def sampled(meter, clock, *, seconds, phase, interval_s=0.1):
    """Let the sampler take its samples at a phase while the window's seconds pass."""
    sensors = meter._carbontracker._sensors
    end, at = clock() + seconds, clock() + phase * interval_s
    while at < end:
        clock.advance(at - clock())
        for sensor in sensors:
            sensor.power_usage()
        at += interval_s
    clock.advance(end - clock())


def windows_of(seconds, phases, monkeypatch, clock, gpus):
    """Return what a meter reads whose sampler runs in scripted time, and the windows' edges."""
    quiet = SimpleNamespace(epoch_start=lambda: None, epoch_end=lambda: None, stop=lambda: None)
    still = SimpleNamespace(tracker=quiet, own_wh=dict, endings=())
    monkeypatch.setattr(carbontracker_meter, "start", lambda *_: still)
    edges = []
    with EnergyMeter(gpus, now=clock) as meter:
        for length, phase in zip(seconds, phases, strict=True):
            clock.advance(3.3)  # evaluation, which is not measured
            began = clock()
            with meter.window():
                sampled(meter, clock, seconds=length, phase=phase)
            edges.append((began, clock()))
    return meter.reading(), edges


@pytest.mark.parametrize("counted", [True, False], ids=["counter", "samples"])
@settings(max_examples=40, deadline=None)
@given(
    mean=st.floats(150, 600),
    swing=st.floats(0, 0.6),
    period_s=st.floats(4, 90),
    step_s=st.floats(0.01, 0.1),
    counter_phase=st.floats(0, 0.1),
    windows=st.lists(st.tuples(st.floats(10, 60), st.floats(0, 0.999)), min_size=1, max_size=3),
)
def test_the_headline_is_within_2_percent_of_the_known_integral_at_any_phase(
    counted, mean, swing, period_s, step_s, counter_phase, windows
):
    with pytest.MonkeyPatch.context() as patch:
        clock = FakeClock()
        curve = ScriptedPower.sine(mean, swing * mean, period_s)
        nvml = fake_nvml(patch, [curve], clock, step_s=step_s)
        nvml.gpus[0].phase_s = counter_phase
        nvml.gpus[0].energy_error = None if counted else pynvml.NVML_ERROR_NOT_SUPPORTED
        lengths, phases = zip(*windows, strict=True)
        reading, edges = windows_of(lengths, phases, patch, clock, uuids(nvml))
    gpu = reading.components[0]
    assert ("nvml_energy_counter" if counted else "nvml_power_polling") == gpu.sensor
    known = sum(curve.joules(start, end) for start, end in edges)
    assert pytest.approx(known, rel=0.02) == gpu.energy_wh * 3600


@pytest.mark.parametrize("counted", [True, False], ids=["counter", "samples"])
def test_packages_are_within_2_percent_across_a_wrap_around(monkeypatch, tmp_path, counted):
    clock = FakeClock()
    curve = ScriptedPower.steps([(3.0, 60), (4.0, 180), (5.0, 90)] * 20)
    zone = FakeZone("intel-rapl:0", "package-0", curve, start_uj=262_143_328_850 - 500_000_000)
    tree = powercap_tree(monkeypatch, tmp_path, [zone])
    monkeypatch.setattr(intel, "RAPL_DIR", str(tree.root))
    tree.follow(clock)
    if not counted:
        monkeypatch.setattr("redl.metering.counters.powercap.Zone.read", lambda _: 7)  # stands still
    reading, edges = windows_of([40.0, 25.0], [0.2, 0.7], monkeypatch, clock, [])
    (cpu,) = reading.components
    assert counted == (cpu.counter_wh is not None)
    known = sum(curve.joules(start, end) for start, end in edges)
    assert pytest.approx(known, rel=0.02) == cpu.energy_wh * 3600


@pytest.mark.slow
@pytest.mark.usefixtures("powercap")
def test_the_real_sampler_is_within_2_percent_in_ten_seconds(nvml, monkeypatch):
    monkeypatch.setattr(session, "INTERVAL_S", 0.1)
    curve = ScriptedPower.sine(350, 200, 4.7)
    nvml.gpus[0].curve, nvml.gpus[0].step_s = curve, 0.1
    start = time.perf_counter()
    reading = measured(uuids(nvml)[:1], seconds=10)
    gpu = reading.components[0]
    known = curve.joules(start, time.perf_counter())
    assert pytest.approx(known, rel=0.02) == gpu.energy_wh * 3600
    assert pytest.approx(known, rel=0.02) == gpu.carbontracker.energy_wh_corrected * 3600


def test_two_sockets_are_counted_as_the_kernel_lays_them_out(monkeypatch, tmp_path):
    clock = FakeClock()
    tree = powercap_tree(monkeypatch, tmp_path, two_sockets(ScriptedPower.constant(80)))
    monkeypatch.setattr(intel, "RAPL_DIR", str(tree.root))
    tree.follow(clock)
    reading, _ = windows_of([20.0], [0.5], monkeypatch, clock, [])
    (cpu,) = reading.components
    assert pytest.approx(2 * 80 + 2 * 10, rel=0.001) == watts(cpu.energy_wh, reading)
    assert pytest.approx(1.0, rel=0.02) == cpu.ratio
