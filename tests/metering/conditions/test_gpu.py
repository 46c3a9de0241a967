"""What a watch sees on a GPU of a scripted NVML, and what it says where NVML says nothing."""

import os

import pynvml
import pytest

from redl.metering.conditions import gpu as gpu_module
from redl.metering.conditions.gpu import GpuWatch
from redl.metering.gpus import gpu_of
from redl.record import GpuConditions
from tests.helpers.sensors import FakeClock, ScriptedPower, fake_nvml, gpu_uuid

OWN, WORKER, STRANGER = 11, 12, 99
FAMILY = frozenset({OWN, WORKER})
LOWERED = pynvml.nvmlClocksThrottleReasonSwPowerCap | pynvml.nvmlClocksThrottleReasonSwThermalSlowdown


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """One GPU, on a machine whose process numbers are the driver's."""
    namespace(monkeypatch, tmp_path, "pid:[4026531836]")
    return fake_nvml(monkeypatch, [ScriptedPower.constant(300)], FakeClock())


def namespace(monkeypatch, tmp_path, name):
    place = tmp_path / name.strip(":[]")
    place.symlink_to(name)
    monkeypatch.setattr(gpu_module, "_NAMESPACE", place)


def watched(machine, *states):
    """Return a watch that looked at the GPU before the phase, and after a window in each further state."""
    (gpu,) = machine.gpus
    watch = GpuWatch(gpu_of(gpu_uuid(0)), lambda: FAMILY)
    for place, state in enumerate(states):
        for name, value in state.items():
            setattr(gpu, name, value)
        watch.look() if place else watch.begin()
    watch.close()
    return watch


def test_everything_is_read(machine):
    hot = {"celsius": 71, "sm_mhz": 1700, "throttle_bits": LOWERED, "limit_mw": 450_000}
    watch = watched(machine, {"celsius": 40, "pids": (OWN,)}, hot, {"celsius": 66, "sm_mhz": 1900})
    expected = GpuConditions(
        temperature_start_c=40.0,
        temperature_c=71.0,
        sm_clock_mhz=1800.0,
        power_limit_w=450.0,
        throttle_reasons=("sw_power_cap", "sw_thermal_slowdown"),
        other_processes=0,
    )
    assert (expected, []) == (watch.conditions(), list(watch.reasons))
    assert [] == machine.holds


def test_a_slowdown_that_has_passed_is_remembered(machine):
    heat = {"throttle_bits": pynvml.nvmlClocksThrottleReasonHwThermalSlowdown}
    watch = watched(machine, {}, heat, {"throttle_bits": 0})
    assert ("hw_thermal_slowdown",) == watch.conditions().throttle_reasons


def test_a_gpu_that_has_become_idle_is_not_slowed_down(machine):
    watch = watched(machine, {}, {"throttle_bits": pynvml.nvmlClocksThrottleReasonGpuIdle})
    assert () == watch.conditions().throttle_reasons


@pytest.mark.parametrize(
    ("before", "after", "others"),
    [((), (OWN, WORKER), 0), ((STRANGER,), (OWN,), 1), ((OWN,), (OWN, STRANGER, 98), 2), ((), (), 0)],
)
def test_the_most_other_processes_count_and_descendants_do_not(machine, before, after, others):
    watch = watched(machine, {"pids": before}, {"pids": after})
    assert others == watch.conditions().other_processes


def test_in_a_container_a_strangers_number_may_be_ones_own(monkeypatch, tmp_path, machine):
    namespace(monkeypatch, tmp_path, "pid:[4026532281]")
    watch = watched(machine, {"pids": (STRANGER,)}, {})
    assert watch.conditions().other_processes is None
    reason = "NVML: does not list this process, as in a container with its own process numbers"
    assert [f"gpus.other_processes: {reason}"] == list(watch.reasons)


def test_a_container_that_shows_ones_own_number_counts_the_others(monkeypatch, tmp_path, machine):
    namespace(monkeypatch, tmp_path, "pid:[4026532281]")
    assert 1 == watched(machine, {"pids": (OWN, STRANGER)}, {}).conditions().other_processes


def test_what_nvml_does_not_read_has_a_reason_each(machine):
    machine.gpus[0].state_error = pynvml.NVML_ERROR_NOT_SUPPORTED
    watch = watched(machine, {}, {})
    found = watch.conditions()
    names = found.__struct_fields__
    assert {None} == {getattr(found, name) for name in names}
    assert [f"gpus.{name}: NVML: Not Supported" for name in sorted(names)] == sorted(watch.reasons)


def test_a_lost_driver_is_one_reason(machine):
    gpu = gpu_of(gpu_uuid(0))
    machine.absent = True
    watch = GpuWatch(gpu, lambda: FAMILY)
    watch.begin()
    watch.look()
    watch.close()
    assert ["gpus: NVML: NVML Shared Library Not Found"] == list(watch.reasons)


def test_the_first_namespace_is_that_of_a_process_without_a_container(monkeypatch, tmp_path):
    monkeypatch.setattr(gpu_module, "_NAMESPACE", tmp_path / "absent")
    assert gpu_module._numbers_are_the_drivers()
    assert "pid:[" == os.readlink("/proc/self/ns/pid")[:5]  # noqa: PTH115 - it is a link to nowhere
