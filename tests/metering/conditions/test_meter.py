"""The conditions of a phase, on processors whose time is scripted."""

import os
import subprocess
import sys

import psutil
import pytest

from redl.metering.conditions import ConditionsMeter, cpu
from redl.metering.conditions.cpu import CpuTimes
from redl.metering.gpus import gpu_of
from tests.helpers.sensors import FakeClock, ScriptedPower, fake_nvml, gpu_uuid


class Machine:
    """Two processors, whose time others, this process and a hypervisor share; the rest is idle.

    `elsewhere` is what others use of the node's other processors, if it has more.
    """

    def __init__(self):
        self.total = self.own = self.foreign = self.steal = self.elsewhere = 0.0

    def cpu_times(self, processors):
        elsewhere = self.elsewhere if len(processors) > 2 else 0.0
        busy = self.own + self.foreign + elsewhere
        return CpuTimes(total=self.total * len(processors) / 2, busy=busy, steal=self.steal)

    def cpu_seconds(self):
        return self.own

    def pids(self):
        return frozenset({1})

    def work(self, seconds, *, own=0.0, foreign=0.0, steal=0.0, elsewhere=0.0):
        self.total += 2 * seconds
        self.own += own
        self.foreign += foreign
        self.steal += steal
        self.elsewhere += elsewhere


@pytest.fixture
def machine(monkeypatch):
    found = Machine()
    monkeypatch.setattr(cpu, "own_processors", lambda: (0, 1))
    monkeypatch.setattr(cpu, "node_processors", lambda: (0, 1))
    monkeypatch.setattr(cpu, "cpu_times", found.cpu_times)
    monkeypatch.setattr(cpu, "counts_steal", lambda: True)
    for name, reading in (("load_average", 1.5), ("temperature_c", 60.0), ("clock_mhz", 3000.0)):
        monkeypatch.setattr(cpu, name, lambda reading=reading: reading)
    return found


def conditions(machine, *windows, **options):
    meter = ConditionsMeter(family=machine, **options)
    for window in windows:
        with meter.window():
            machine.work(**window)
        # Between windows nothing counts.
        machine.work(100.0, own=3.0, foreign=150.0, steal=20.0, elsewhere=50.0)
    meter.close()
    return meter.conditions()


def shares(found):
    return tuple(
        pytest.approx(one) for one in (found.own_cpu_share, found.foreign_cpu_share, found.steal_share)
    )


def test_the_shares_are_of_all_windows_together(machine):
    windows = ({"seconds": 4.0, "own": 4.0}, {"seconds": 6.0, "own": 6.0, "foreign": 3.0, "steal": 1.0})
    assert (0.5, 0.15, 0.05) == shares(conditions(machine, *windows))


def test_what_others_use_of_the_nodes_other_processors_is_a_share_of_its_busy_time(machine, monkeypatch):
    monkeypatch.setattr(cpu, "node_processors", lambda: (0, 1, 2, 3))
    windows = [{"seconds": 5.0, "own": 5.0}, {"seconds": 5.0, "own": 4.0, "foreign": 1.0, "elsewhere": 5.0}]
    found = conditions(machine, *windows)
    assert (2, 4, True) == (found.processors, found.node_processors, found.restricted)
    assert 0.05 == pytest.approx(found.foreign_cpu_share)
    assert 0.40 == pytest.approx(found.node_foreign_share)


def test_the_whole_node_has_no_negative_share_either(machine):
    assert 0.0 == conditions(machine, {"seconds": 10.0, "own": 1.0, "foreign": -0.004}).node_foreign_share


def test_a_process_that_may_use_all_processors_is_not_restricted(machine):
    assert False is conditions(machine, {"seconds": 1.0}).restricted


def test_a_phase_that_shared_its_processors_or_gpu_says_so(machine):
    found = conditions(machine, {"seconds": 10.0, "own": 10.0}, shared=True)
    assert ("cases shared its processors or GPU",) == found.foreign_load


def test_a_quiet_phase_has_no_foreign_load_and_no_missing_figure(machine):
    found = conditions(machine, {"seconds": 10.0, "own": 19.0, "foreign": 0.5})
    assert ((), ()) == (found.foreign_load, found.reasons)


def test_a_process_counted_more_finely_than_its_processor_leaves_no_negative_share(machine):
    found = conditions(machine, {"seconds": 10.0, "own": 1.0, "foreign": -0.004})
    assert 0.0 == found.foreign_cpu_share


def test_windows_too_short_for_the_kernels_steps_have_no_shares(machine):
    found = conditions(machine, {"seconds": 0.2, "own": 0.2}, {"seconds": 0.2, "own": 0.2})
    assert (None, None, None) == (found.own_cpu_share, found.foreign_cpu_share, found.steal_share)
    assert found.node_foreign_share is None
    assert (
        "own_cpu_share, foreign_cpu_share, steal_share, node_foreign_share: "
        "the kernel counted only 0.40 s of each processor",
    ) == found.reasons


def test_what_a_system_does_not_have_is_none_with_a_reason(machine, monkeypatch):
    monkeypatch.setattr(cpu, "counts_steal", lambda: False)
    for name in ("load_average", "temperature_c", "clock_mhz"):
        monkeypatch.setattr(cpu, name, lambda: None)
    found = conditions(machine, {"seconds": 10.0})
    named = {name for reason in found.reasons for name in reason.split(":")[0].split(", ")}
    assert named == {name for name in found.__struct_fields__ if getattr(found, name) is None}
    assert 7 == len(named)


def test_without_a_window_there_is_one_reason(machine):
    assert ("no window was measured",) == conditions(machine).reasons


def test_the_highest_temperature_the_mean_clock_and_the_last_load_count(machine, monkeypatch):
    temperatures, clocks, loads = iter([50.0, 80.0, 70.0]), iter([3000.0, 2000.0]), iter([0.5, 1.0, 2.0])
    monkeypatch.setattr(cpu, "temperature_c", lambda: next(temperatures))
    monkeypatch.setattr(cpu, "clock_mhz", lambda: next(clocks))
    monkeypatch.setattr(cpu, "load_average", lambda: next(loads))
    found = conditions(machine, {"seconds": 1.0}, {"seconds": 1.0})
    assert (50.0, 80.0, 2500.0) == (
        found.cpu_temperature_start_c,
        found.cpu_temperature_c,
        found.cpu_clock_mhz,
    )
    assert (0.5, 2.0) == (found.load_average_start, found.load_average_end)


def test_each_gpu_is_watched_once(machine, monkeypatch):
    nvml = fake_nvml(monkeypatch, [ScriptedPower.constant(300)] * 2, FakeClock())
    nvml.gpus[1].pids = (1, 2)
    gpus = [gpu_of(gpu_uuid(number)) for number in (0, 1, 1)]
    found = conditions(machine, {"seconds": 1.0}, gpus=gpus)
    assert 2 == len(found.gpus)
    assert ("GPU 2 of 2: other processes computed there (1)",) == found.foreign_load
    assert [] == nvml.holds


def test_a_phase_waits_before_it_begins_and_says_how_long(machine, monkeypatch):
    happened = []
    monkeypatch.setattr(cpu, "temperature_c", lambda: happened.append("read") or 60.0)
    meter = ConditionsMeter(family=machine, sleep=happened.append)
    meter.settle(30.0)
    with meter.window():
        machine.work(1.0)
    assert ([30.0, "read", "read"], 30.0) == (happened, meter.conditions().settled_s)


def test_a_phase_that_does_not_settle_does_not_wait(machine):
    meter = ConditionsMeter(family=machine, sleep=pytest.fail)
    meter.settle(0.0)
    assert 0.0 == meter.conditions().settled_s


BURN = "import time\nwhile time.process_time() < 1.2: pass"
ORPHAN = f"import subprocess, sys; subprocess.Popen([sys.executable, '-S', '-c', {BURN!r}])"


def during(code):
    """Return the meter of a window in which a child ran, until all that it started had ended."""
    meter = ConditionsMeter()
    with meter.window():
        subprocess.run([sys.executable, "-S", "-c", code], stdout=subprocess.PIPE, check=True)
    return meter


@pytest.mark.skipif(sys.platform != "linux", reason="only there a process is an orphan at once")
def test_on_this_machine_a_busy_orphan_is_foreign():
    meter = during(ORPHAN)
    assert meter._own_s < 0.6
    assert meter._times.busy - meter._own_s > 0.9


def test_on_this_machine_a_busy_child_is_own():
    assert pytest.approx(1.2, abs=0.3) == during(BURN)._own_s


SPIN = "while True: pass"
PINNED = """
import os, sys, time
from redl.metering.conditions import ConditionsMeter
os.sched_setaffinity(0, {int(sys.argv[1])})
meter = ConditionsMeter()
with meter.window():
    began = time.monotonic()
    while time.monotonic() - began < 1.0: pass
found = meter.conditions()
print(found.restricted, found.node_foreign_share > 0.1)
"""


@pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2,
    reason="one processor, or none that a process can be kept to",
)
def test_on_this_machine_a_pinned_process_sees_who_is_busy_on_another_processor():
    own, other = sorted(os.sched_getaffinity(0))[:2]
    pin = f"import os; os.sched_setaffinity(0, {{{other}}})\n{SPIN}"
    with subprocess.Popen([sys.executable, "-S", "-c", pin]) as busy:
        try:
            done = subprocess.run(
                [sys.executable, "-c", PINNED, str(own)], capture_output=True, text=True, check=True
            )
        finally:
            busy.kill()
    assert ["True", "True"] == done.stdout.split()


def test_psutil_reads_the_kernels_count_from_where_it_is_told():
    # What the fake files of these tests rest on.
    assert "/proc" == psutil.PROCFS_PATH
    assert os.cpu_count() == len(psutil.cpu_times(percpu=True))
