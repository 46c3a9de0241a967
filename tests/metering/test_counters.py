"""The counters' meter, on sensors whose energy is known: what it counts, and what it refuses to say."""

import math
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pynvml
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redl.metering.counters import CounterMeter
from redl.metering.counters.powercap import Zone, delta_uj, find_zones
from redl.metering.energy import Component, SensorError, Window
from redl.metering.gpus import Gpu, visible_gpus
from redl.record import EnergyKind
from tests.helpers.sensors import (
    FakeClock,
    FakeZone,
    ScriptedPower,
    fake_nvml,
    no_powercap,
    powercap_tree,
    two_sockets,
)

SECONDS = 20.0
pytestmark = pytest.mark.usefixtures("offline")


@pytest.fixture
def offline(monkeypatch):
    """Fail on any attempt to reach the network."""

    def refuse(*_):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def clock():
    return FakeClock(100.0)


@pytest.fixture
def machine(monkeypatch, clock):
    """Two GPUs of a constant 300 and 200 W."""
    return fake_nvml(monkeypatch, [ScriptedPower.constant(300), ScriptedPower.constant(200)], clock)


@pytest.fixture
def tree(monkeypatch, tmp_path, clock):
    """Two packages of 100 W, each with memory of 10 W."""
    return fed_tree(monkeypatch, tmp_path, clock)


def fed_tree(monkeypatch, tmp_path, clock, zones=None, **options):
    tree = powercap_tree(monkeypatch, tmp_path, zones, **options)
    tree.follow(clock)
    return tree


def one_socket(**options):
    return [FakeZone("intel-rapl:0", "package-0", ScriptedPower.constant(100), **options)]


def measured(clock, gpus=(), windows=(SECONDS,)):
    meter = CounterMeter(tuple(gpus), now=clock)
    for seconds in windows:
        with meter.window():
            clock.advance(seconds)
        clock.advance(7)
    meter.close()
    return meter.figures()


def cpu(clock, **options):
    return measured(clock, **options)[Component.CPU]


def gpu(clock, **options):
    return measured(clock, gpus=visible_gpus(), **options)[Component.GPU]


def joules(figure):
    return figure.energy_wh * 3600


def refusal(figure):
    """Return why there is no figure, and see that nothing else says there is one."""
    assert (None, EnergyKind.UNAVAILABLE) == (figure.energy_wh, figure.kind)
    return figure.reason


# CPU packages.


@pytest.mark.parametrize("layout", ["links", "top", "nested"])
def test_packages_and_their_memory_are_counted_once_each(monkeypatch, tmp_path, clock, layout):
    fed_tree(monkeypatch, tmp_path, clock, layout=layout)
    assert pytest.approx(220 * SECONDS) == joules(cpu(clock))


@pytest.mark.usefixtures("tree")
def test_the_zones_are_named_in_order_without_cores_platform_and_mirror():
    expected = [
        ("intel-rapl:0", "package-0"),
        ("intel-rapl:0:1", "package-0/dram"),
        ("intel-rapl:1", "package-1"),
        ("intel-rapl:1:1", "package-1/dram"),
    ]
    assert expected == [(zone.name, zone.label) for zone in find_zones()]


def test_ten_packages_stay_in_order(monkeypatch, tmp_path):
    zones = [
        FakeZone(f"intel-rapl:{number}", f"package-{number}", ScriptedPower.constant(1), 1000 + number)
        for number in range(12)
    ]
    powercap_tree(monkeypatch, tmp_path, zones)
    assert [f"package-{number}" for number in range(12)] == [zone.label for zone in find_zones()]


def test_dies_of_a_package_are_packages(monkeypatch, tmp_path, clock):
    power = ScriptedPower.constant(100)
    zones = [
        FakeZone(f"intel-rapl:{die}", f"package-0-die-{die}", power, 1000 * (die + 1)) for die in range(2)
    ]
    fed_tree(monkeypatch, tmp_path, clock, zones)
    assert pytest.approx(200 * SECONDS) == joules(cpu(clock))


def test_memory_that_is_no_part_of_a_package_is_not_counted(monkeypatch, tmp_path):
    power = ScriptedPower.constant(10)
    zones = [
        *one_socket(),
        FakeZone("intel-rapl:1", "psys", power),
        FakeZone("intel-rapl:1:0", "dram", power),
    ]
    powercap_tree(monkeypatch, tmp_path, zones)
    assert ["package-0"] == [zone.label for zone in find_zones()]


@pytest.mark.usefixtures("tree")
def test_a_figure_of_packages_says_what_it_covers(clock):
    figure = cpu(clock)
    assert (EnergyKind.MEASURED, "rapl_powercap", (), None) == (
        figure.kind,
        figure.sensor,
        figure.warnings,
        figure.reason,
    )
    assert ("package-0", "package-0/dram", "package-1", "package-1/dram") == figure.devices
    assert figure.scope.startswith("node")


def test_a_counter_that_wraps_around_counts_on(monkeypatch, tmp_path, clock):
    limit = 65_532_610_987
    fed_tree(monkeypatch, tmp_path, clock, one_socket(range_uj=limit, start_uj=limit - 11_000_000_000))
    assert pytest.approx(100 * SECONDS) == joules(cpu(clock))


@given(start=st.integers(0, 999), counted=st.integers(0, 999))
def test_a_difference_is_what_was_counted_wherever_it_began(start, counted):
    zone = Zone(name="", label="", range_uj=1000, folder=Path())
    assert counted == delta_uj(zone, start, (start + counted) % 1000)


@pytest.mark.parametrize(("seconds", "measured"), [(131, True), (132, False)])
def test_a_window_in_which_a_counter_may_wrap_twice_has_no_figure(
    monkeypatch, tmp_path, clock, seconds, measured
):
    fed_tree(monkeypatch, tmp_path, clock, one_socket(range_uj=65_532_610_987))  # / 500 W = 131.1 s
    figure = cpu(clock, windows=[seconds])
    assert measured is (figure.energy_wh is not None)
    assert measured or "powercap: package-0 may have wrapped around more than once in a window of 132 s" == (
        figure.reason
    )


def test_a_package_that_is_listed_twice_is_counted_once(monkeypatch, tmp_path, clock):
    power = ScriptedPower.constant(100)
    zones = [FakeZone(f"intel-rapl:{number}", "package-0", power, 1 + number) for number in range(2)]
    fed_tree(monkeypatch, tmp_path, clock, zones)
    figure = cpu(clock)
    assert ["intel-rapl:0"] == [zone.name for zone in find_zones()]
    assert pytest.approx(100 * SECONDS) == joules(figure)
    assert ("rapl_powercap: package-0 is listed twice and counted once",) == figure.warnings


def test_a_package_that_mirrors_another_is_counted_once(monkeypatch, tmp_path, clock):
    power = ScriptedPower.constant(100)
    zones = [FakeZone(f"intel-rapl:{number}", f"package-{number}", power) for number in range(2)]
    fed_tree(monkeypatch, tmp_path, clock, zones)
    figure = cpu(clock, windows=[SECONDS, SECONDS])
    assert pytest.approx(100 * 2 * SECONDS) == joules(figure)
    assert ("rapl_powercap: package-1 mirrors another and is not counted",) == figure.warnings


def test_mirrored_packages_that_move_between_two_readings_are_still_known(monkeypatch, tmp_path, clock):
    power = ScriptedPower.constant(100)
    zones = [FakeZone(f"intel-rapl:{number}", f"package-{number}", power) for number in range(2)]
    fed_tree(monkeypatch, tmp_path, clock, zones)
    read, steps = Zone.read, iter([0.001, 0.001])

    def read_and_step(zone):
        value = read(zone)
        if zone.label == "package-0":
            clock.advance(next(steps, 0))
        return value

    meter = CounterMeter(now=clock)
    monkeypatch.setattr(Zone, "read", read_and_step)
    with meter.window():
        clock.advance(SECONDS)
    assert pytest.approx(100 * SECONDS, rel=1e-3) == joules(meter.figures()[Component.CPU])


@pytest.mark.parametrize("starts_uj", [(0, 0), (20_000_000, 0)])
def test_packages_that_start_or_end_alike_are_both_counted(monkeypatch, tmp_path, clock, starts_uj):
    clock.seconds = 0.0
    powers = [ScriptedPower.constant(watts) for watts in (100, 101)]
    zones = [
        FakeZone(f"intel-rapl:{n}", f"package-{n}", powers[n], start) for n, start in enumerate(starts_uj)
    ]
    fed_tree(monkeypatch, tmp_path, clock, zones)
    assert pytest.approx(201 * SECONDS) == joules(cpu(clock))


def test_memory_that_is_not_counted_is_said_to_stand_still(monkeypatch, tmp_path, clock):
    zones = [*one_socket(), FakeZone("intel-rapl:0:0", "dram", ScriptedPower.constant(0))]
    fed_tree(monkeypatch, tmp_path, clock, zones)
    figure = cpu(clock)
    assert pytest.approx(100 * SECONDS) == joules(figure)
    assert ("rapl_powercap: package-0/dram did not move",) == figure.warnings


def test_a_package_that_stands_still_has_no_figure(tree, clock):
    tree.zones[3].curve = ScriptedPower.constant(0)
    tree.write(clock())
    reason = "powercap: package-1: the counter did not move in a window of 20.000 s"
    assert reason == refusal(cpu(clock))


def test_a_counter_that_is_reset_has_no_figure(tree, clock):
    meter = CounterMeter(now=clock)
    with meter.window():
        clock.advance(SECONDS)
        tree.set_uj("intel-rapl:1", 5)
    reason = "powercap: package-1: the counter ran backwards: it was reset"
    assert reason == refusal(meter.figures()[Component.CPU])


def test_zones_without_a_package_are_none(monkeypatch, tmp_path, clock):
    powercap_tree(monkeypatch, tmp_path, two_sockets()[-2:])
    assert "powercap: no zone of a CPU package" == refusal(cpu(clock))


def test_an_empty_folder_has_no_package(monkeypatch, tmp_path, clock):
    powercap_tree(monkeypatch, tmp_path, [])
    assert "powercap: no zone of a CPU package" == refusal(cpu(clock))


def test_an_absent_folder_is_the_reason(monkeypatch, tmp_path, clock):
    no_powercap(monkeypatch, tmp_path)
    assert "No such file or directory" in refusal(cpu(clock))


DENIED = "powercap: intel-rapl:0 is denied; allow reading its energy_uj files"


def deny_counters(monkeypatch):
    """Deny them as the kernel does to all but root, which may be who runs the tests."""
    read = Path.read_text

    def read_unless_denied(path):
        if path.name == "energy_uj":
            raise PermissionError(13, "Permission denied", str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_text", read_unless_denied)


@pytest.mark.usefixtures("tree")
def test_zones_that_are_denied_are_an_error_that_names_the_remedy(monkeypatch):
    deny_counters(monkeypatch)
    with pytest.raises(SensorError, match=rf"\A{DENIED}\Z"):
        find_zones()


@pytest.mark.usefixtures("tree")
def test_counters_denied_from_the_start_are_the_reason(monkeypatch, clock):
    deny_counters(monkeypatch)
    assert DENIED == refusal(cpu(clock))


@pytest.mark.usefixtures("tree")
def test_counters_denied_in_the_middle_are_the_reason(monkeypatch, clock):
    meter = CounterMeter(now=clock)
    with meter.window():
        clock.advance(SECONDS)
        deny_counters(monkeypatch)
    assert DENIED == refusal(meter.figures()[Component.CPU])


@pytest.mark.parametrize("text", ["", "many", "1 2"])
def test_a_counter_that_holds_no_number_is_an_error(tree, text):
    tree.set_uj("intel-rapl:1", text)
    with pytest.raises(SensorError, match=r"\Apowercap: intel-rapl:1: energy_uj does not contain a number\Z"):
        find_zones()


def test_a_zone_without_its_range_is_an_error(tree):
    (tree.places["intel-rapl:0"] / "max_energy_range_uj").unlink()
    with pytest.raises(SensorError, match=r"\Apowercap: intel-rapl:0: No such file or directory\Z"):
        find_zones()


def test_a_zone_that_goes_in_the_middle_ends_the_figure(tree, clock):
    meter = CounterMeter(now=clock)
    for _ in range(3):
        with meter.window():
            clock.advance(SECONDS)
            if len(meter.windows) == 1:
                tree.remove("intel-rapl:1")
    reason = refusal(meter.figures()[Component.CPU])
    assert "powercap: intel-rapl:1: No such file or directory" == reason


@pytest.mark.usefixtures("tree")
def test_only_the_first_task_of_a_node_counts_its_packages(monkeypatch, clock):
    monkeypatch.setenv("SLURM_LOCALID", "3")
    assert "powercap: task 3 of this node; task 0 counts the CPU packages" == refusal(cpu(clock))


@pytest.mark.usefixtures("tree")
def test_the_first_task_of_a_node_counts_its_packages(monkeypatch, clock):
    monkeypatch.setenv("SLURM_LOCALID", "0")
    assert pytest.approx(220 * SECONDS) == joules(cpu(clock))


# GPUs.


@pytest.fixture
def without_packages(monkeypatch, tmp_path):
    no_powercap(monkeypatch, tmp_path)


@pytest.mark.usefixtures("machine", "without_packages")
def test_gpus_are_summed(clock):
    assert pytest.approx(500 * SECONDS) == joules(gpu(clock))


@pytest.mark.usefixtures("machine", "without_packages")
def test_only_the_gpus_given_are_counted(clock):
    figures = measured(clock, gpus=visible_gpus()[1:])
    assert pytest.approx(200 * SECONDS) == joules(figures[Component.GPU])


@pytest.mark.usefixtures("machine", "without_packages")
def test_a_gpu_given_twice_is_counted_once(clock):
    figures = measured(clock, gpus=visible_gpus()[:1] * 2)
    assert pytest.approx(300 * SECONDS) == joules(figures[Component.GPU])


@pytest.mark.usefixtures("machine", "without_packages")
def test_a_figure_of_gpus_says_what_it_covers(clock):
    figure = gpu(clock)
    assert (EnergyKind.MEASURED, "nvml_energy_counter", "the GPUs used") == (
        figure.kind,
        figure.sensor,
        figure.scope,
    )
    assert (("NVIDIA H100", "NVIDIA H100"), (), None) == (figure.devices, figure.warnings, figure.reason)


@pytest.mark.usefixtures("without_packages")
def test_a_slice_is_said_to_be_counted_as_its_whole_gpu(machine, clock, monkeypatch):
    machine.gpus[0].slices = ("MIG-1",)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-1")
    figure = gpu(clock)
    assert pytest.approx(300 * SECONDS) == joules(figure)
    assert "whole GPUs, of which slices were used" == figure.scope


@pytest.mark.usefixtures("without_packages")
def test_what_is_doubtful_of_the_choice_of_gpus_is_warned_of(machine, clock, monkeypatch):
    machine.gpus[0].name = "NVIDIA T4"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert ["CUDA_VISIBLE_DEVICES"] == [warning.split()[0] for warning in gpu(clock).warnings]


@pytest.mark.usefixtures("without_packages")
def test_a_gpu_without_an_energy_counter_has_no_figure(machine, clock):
    machine.gpus[1].energy_error = pynvml.NVML_ERROR_NOT_SUPPORTED
    assert "NVML: GPU 2 of 2, NVIDIA H100: Not Supported" == refusal(gpu(clock))
    assert [] == machine.holds


@pytest.mark.usefixtures("without_packages")
def test_a_gpu_that_fails_in_the_middle_ends_the_figure(machine, clock):
    meter = CounterMeter(visible_gpus(), now=clock)
    for error in (None, pynvml.NVML_ERROR_GPU_IS_LOST, pynvml.NVML_ERROR_UNKNOWN, None):
        machine.gpus[0].energy_error = error
        with meter.window():
            clock.advance(SECONDS)
    meter.close()
    reason = refusal(meter.figures()[Component.GPU])
    assert "NVML: GPU 1 of 2, NVIDIA H100: GPU is lost" == reason


@pytest.mark.usefixtures("without_packages")
def test_a_driver_that_restarts_ends_the_figure(machine, clock):
    meter = CounterMeter(visible_gpus(), now=clock)
    with meter.window():
        clock.advance(SECONDS)
        machine.gpus[1].offset_mj -= 10**9
    meter.close()
    reason = "NVML: GPU 2 of 2, NVIDIA H100: the counter ran backwards: the driver restarted"
    assert reason == refusal(meter.figures()[Component.GPU])


@pytest.mark.usefixtures("without_packages")
def test_a_window_shorter_than_the_counters_step_has_no_figure(machine, clock):
    for one in machine.gpus:
        one.step_s = 0.1
    reason = "NVML: GPU 1 of 2, NVIDIA H100: the counter did not move in a window of 0.012 s"
    assert reason == refusal(gpu(clock, windows=[SECONDS, 0.012]))


@pytest.mark.usefixtures("machine", "without_packages")
def test_each_window_that_is_too_short_for_a_gpus_counter_is_warned_of(clock):
    figure = gpu(clock, windows=[0.4, 1.6, 0.4, 1.6])
    warning = (
        "nvml_energy_counter: 2 of 4 windows, 20% of the time, are shorter than 1 s; "
        "the counter steps every 0.01 to 0.1 s"
    )
    assert ((warning,), 4, 2) == (figure.warnings, figure.windows, figure.short_windows)


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(("seconds", "short"), [(0.009, 1), (0.011, 0)])
def test_packages_count_windows_of_ten_of_their_steps(clock, seconds, short):
    figure = cpu(clock, windows=[20.0, seconds])
    assert (short, bool(short)) == (figure.short_windows, bool(figure.warnings))


@pytest.mark.usefixtures("without_packages")
def test_an_absent_driver_is_the_reason(machine, clock):
    machine.absent = True
    figures = measured(clock, gpus=[Gpu(uuid="GPU-1", name="NVIDIA H100")])
    assert "NVML: NVML Shared Library Not Found" == refusal(figures[Component.GPU])


@pytest.mark.usefixtures("without_packages")
def test_a_gpu_that_is_gone_is_the_reason_and_nvml_is_released(machine, clock):
    figures = measured(clock, gpus=[Gpu(uuid="GPU-1", name="NVIDIA H100")])
    assert "NVML: Not Found" == refusal(figures[Component.GPU])
    assert [] == machine.holds


# Both.


@pytest.mark.usefixtures("tree")
def test_without_gpus_only_the_cpu_has_a_figure(clock):
    assert [Component.CPU] == list(measured(clock))


@pytest.mark.usefixtures("machine", "without_packages")
def test_a_cpu_that_cannot_be_read_leaves_the_gpus_alone(clock):
    figures = measured(clock, gpus=visible_gpus())
    assert [True, False] == [figures[one].energy_wh is not None for one in (Component.GPU, Component.CPU)]


@pytest.mark.usefixtures("tree")
def test_a_gpu_that_cannot_be_read_leaves_the_cpu_alone(machine, clock):
    machine.gpus[0].energy_error = pynvml.NVML_ERROR_NOT_SUPPORTED
    figures = measured(clock, gpus=visible_gpus())
    assert [False, True] == [figures[one].energy_wh is not None for one in (Component.GPU, Component.CPU)]


@pytest.mark.usefixtures("machine", "tree")
def test_only_time_inside_the_windows_counts(clock):
    figures = measured(clock, gpus=visible_gpus(), windows=[2, 3, 4])
    assert pytest.approx([500 * 9, 220 * 9]) == [joules(figure) for figure in figures.values()]


@pytest.mark.usefixtures("tree")
def test_windows_are_kept(clock):
    meter = CounterMeter(now=clock)
    for seconds in (2, 3):
        with meter.window():
            clock.advance(seconds)
        clock.advance(1)
    assert [Window(start=100, end=102), Window(start=103, end=106)] == meter.windows


@pytest.mark.usefixtures("machine", "tree")
def test_without_a_window_there_is_no_figure(clock):
    figures = measured(clock, gpus=visible_gpus(), windows=[])
    assert ["no window was measured"] * 2 == [refusal(figure) for figure in figures.values()]
    assert [(), ()] == [figure.warnings for figure in figures.values()]


@pytest.mark.usefixtures("tree")
def test_work_that_fails_is_counted_and_fails_as_itself(clock):
    meter = CounterMeter(now=clock)

    def fail():
        clock.advance(SECONDS)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), meter.window():
        fail()
    assert pytest.approx(220 * SECONDS) == joules(meter.figures()[Component.CPU])


@pytest.mark.usefixtures("tree")
def test_windows_cannot_be_nested(clock):
    meter = CounterMeter(now=clock)
    with meter.window(), pytest.raises(AssertionError, match="cannot be nested"), meter.window():
        pass
    with meter.window():
        clock.advance(SECONDS)
    assert 2 == len(meter.windows)


@pytest.mark.usefixtures("without_packages")
def test_nvml_is_held_until_the_meter_is_closed_and_released_once(machine, clock):
    fake_hold = object()
    machine.holds.append(fake_hold)  # somebody else's
    meter = CounterMeter((Gpu(uuid=machine.gpus[0].uuid, name="NVIDIA H100"),), now=clock)
    held = len(machine.holds)
    meter.close()
    meter.close()
    assert (2, [fake_hold]) == (held, machine.holds)


def traces():
    return threading.active_count(), sorted(Path("/proc/self/fd").iterdir()), random.getstate()


@pytest.mark.usefixtures("tree")
def test_twenty_meters_leave_no_trace(machine, clock):
    before = traces()
    for _ in range(20):
        measured(clock, gpus=visible_gpus())
    assert (before, []) == (traces(), machine.holds)


def test_torch_is_not_imported():
    code = "import sys, redl.metering.counters; assert 'torch' not in sys.modules"
    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode


@pytest.mark.usefixtures("without_packages")
def test_a_feeder_feeds_in_real_time(monkeypatch, tmp_path):
    tree = powercap_tree(monkeypatch, tmp_path, one_socket())
    with tree.fed(every_s=0.001):
        before = threading.active_count()
        meter = CounterMeter()
        with meter.window():
            start = find_zones()[0].read()
            while find_zones()[0].read() == start:
                time.sleep(0.001)
    assert before - 1 == threading.active_count()
    assert joules(meter.figures()[Component.CPU]) > 0


@pytest.mark.usefixtures("without_packages")
def test_a_tree_can_be_fed_as_it_is_read(monkeypatch, tmp_path, clock):
    powercap_tree(monkeypatch, tmp_path, one_socket()).feed_on_read(monkeypatch, clock)
    assert pytest.approx(100 * SECONDS) == joules(cpu(clock))


# The property: any power, any step, any phase, any number of windows, a wrap anywhere.


def curves(watts):
    """Return power curves between the least and the most of a tuple of powers, abrupt or smooth."""
    level = st.floats(*watts)
    abrupt = st.lists(st.tuples(st.floats(0.05, 30), level), min_size=1, max_size=20)
    smooth = st.builds(
        lambda one, other, period_s, phase: ScriptedPower.sine(
            (one + other) / 2, (one - other) / 2, period_s, phase
        ),
        level,
        level,
        st.floats(0.01, 60),
        st.floats(0, 2 * math.pi),
    )
    return st.one_of(abrupt.map(ScriptedPower.steps), smooth)


# Steady work at 50 to 700 W: its most is at most twice its least.
steady = st.floats(50, 350).flatmap(lambda least: curves((least, 2 * least)))
lengths = st.lists(st.floats(10, 60), min_size=1, max_size=3)
steps = st.floats(0.01, 0.1)
fractions = st.floats(0, 1, exclude_max=True)


def drawn_and_counted(component, meter, clock, curve, lengths):
    for length in lengths:
        with meter.window():
            clock.advance(length)
    meter.close()
    drawn = sum(curve.joules(window.start, window.end) for window in meter.windows)
    return drawn, joules(meter.figures()[component])


def gpu_count(curve, step_s, phase, lengths):
    clock = FakeClock(5.0)
    with pytest.MonkeyPatch.context() as monkeypatch:
        fake_nvml(monkeypatch, [curve], clock, step_s).gpus[0].phase_s = phase * step_s
        no_powercap(monkeypatch, Path("nowhere"))
        meter = CounterMeter(visible_gpus(), now=clock)
        return drawn_and_counted(Component.GPU, meter, clock, curve, lengths)


def package_count(curve, step_s, start, limit, lengths):
    clock = FakeClock(5.0)
    zone = FakeZone("intel-rapl:0", "package-0", curve, int(start * limit), limit, step_s)
    with pytest.MonkeyPatch.context() as monkeypatch, tempfile.TemporaryDirectory() as folder:
        fed_tree(monkeypatch, Path(folder), clock, [zone])
        return drawn_and_counted(Component.CPU, CounterMeter(now=clock), clock, curve, lengths)


@settings(deadline=None)
@given(curve=steady, step_s=steps, phase=fractions, lengths=lengths)
def test_steady_work_of_a_gpu_is_counted_within_two_percent(curve, step_s, phase, lengths):
    drawn, counted = gpu_count(curve, step_s, phase, lengths)
    assert pytest.approx(drawn, rel=0.02) == counted


@settings(deadline=None)
@given(curve=curves((50, 700)), step_s=steps, phase=fractions, lengths=lengths)
def test_any_work_of_a_gpu_is_counted_within_one_step_a_window(curve, step_s, phase, lengths):
    drawn, counted = gpu_count(curve, step_s, phase, lengths)
    assert pytest.approx(drawn, abs=len(lengths) * (700 * step_s + 0.01)) == counted


# 60 s at 700 W are 42 kJ: each window wraps around once at most.
@settings(deadline=None)
@given(curve=steady, step_s=steps, start=fractions, limit=st.integers(43 * 10**9, 2**38), lengths=lengths)
def test_steady_work_of_a_package_is_counted_within_two_percent(curve, step_s, start, limit, lengths):
    drawn, counted = package_count(curve, step_s, start, limit, lengths)
    assert pytest.approx(drawn, rel=0.02) == counted
