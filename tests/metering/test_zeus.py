"""The devices that zeus reads: its own code, over stand-ins for two libraries and power rails."""

import subprocess
import sys
import threading
import time
from dataclasses import fields
from types import SimpleNamespace

import pytest
from carbontracker.components.cpu import intel
from zeus.device.gpu import amd
from zeus.device.soc import apple, jetson
from zeus.device.soc.apple import AppleSiliconMeasurement

from redl.metering.assumptions import Assumptions
from redl.metering.counters import CounterMeter, zeus
from redl.metering.counters.zeus import AmdCounters, ChipCounters, visible_amd_gpus
from redl.metering.energy import Component, SensorError
from redl.metering.meter import EnergyMeter
from redl.plugin.carbon import Carbon
from redl.record import EnergyKind
from tests.helpers.network import refuse_network
from tests.helpers.sensors import FakeClock, no_powercap


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch, tmp_path):
    """Hide the machine's own sensors, and forget what zeus found before."""
    no_powercap(monkeypatch, tmp_path)
    monkeypatch.setattr(intel, "RAPL_DIR", str(tmp_path / "absent"))
    for name in ("HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    for found in (zeus._amd, amd.amdsmi_is_available, amd._hip_to_amdsmi_handle):
        found.cache_clear()
    yield
    for found in (zeus._amd, amd.amdsmi_is_available, amd._hip_to_amdsmi_handle):
        found.cache_clear()


@pytest.fixture
def clock():
    return FakeClock(100.0)


# AMD.


class AmdSmiException(Exception):  # noqa: N818 - its real name
    """What amdsmi raises."""


class AmdSmiLibraryException(AmdSmiException):
    """What its library raises."""

    def get_error_code(self):
        return 2

    def get_error_info(self):
        return "AMDSMI_STATUS_NOT_SUPPORTED - Feature not supported"


class FakeAmdSmi:
    """AMD's library with GPUs of constant power, in an order that differs from HIP's."""

    AmdSmiInitFlags = SimpleNamespace(INIT_AMD_GPUS=2)
    AmdSmiException = AmdSmiException
    AmdSmiLibraryException = AmdSmiLibraryException

    def __init__(self, clock, watts, name="AMD Instinct MI300X"):
        self.clock, self.watts, self.name = clock, watts, name
        self.counts = [1.0] * len(watts)  # the share of its energy that each counter sees
        self.failing = False
        self.closings = 0

    def amdsmi_init(self, _):
        pass

    def amdsmi_shut_down(self):
        """Void all handles."""
        self.closings += 1

    def amdsmi_get_processor_handles(self):
        return [(self.closings, position) for position in range(len(self.watts))]

    def amdsmi_get_gpu_enumeration_info(self, handle):
        return {"hip_id": len(self.watts) - 1 - handle[1]}

    def amdsmi_get_gpu_asic_info(self, _):
        return {"market_name": self.name}

    def amdsmi_get_power_info(self, handle):
        return {"current_socket_power": self.watts[handle[1]], "average_socket_power": "N/A"}

    def amdsmi_get_energy_count(self, handle):
        opened, position = handle
        if self.failing or opened != self.closings:
            raise AmdSmiLibraryException
        joules = 7e5 + self.watts[position] * self.counts[position] * self.clock()
        return {"energy_accumulator": int(joules * 1e6 / 15.3), "counter_resolution": 15.3}


def with_amd(monkeypatch, clock, watts, **options):
    smi = FakeAmdSmi(clock, watts, **options)
    monkeypatch.setitem(sys.modules, "amdsmi", smi)
    monkeypatch.setattr(amd, "amdsmi", smi)
    if isinstance(clock, FakeClock):
        monkeypatch.setattr(amd, "time", SimpleNamespace(sleep=clock.advance))
    monkeypatch.setattr(zeus, "amd_seems_here", lambda: True)
    for module in ("redl.metering.meter", "redl.plugin.carbon"):
        monkeypatch.setattr(f"{module}.amd_seems_here", lambda: True)
    return smi


def counted(clock, meter, *seconds):
    for length in seconds:
        with meter.window():
            clock.advance(length)
        clock.advance(3)
    meter.close()
    return meter.figures()


def test_the_first_amd_gpu_that_hip_shows_is_counted(monkeypatch, clock):
    with_amd(monkeypatch, clock, [200, 300])
    figure = counted(clock, CounterMeter(amd_gpus=1, now=clock), 20.0, 10.0)[Component.GPU]
    assert pytest.approx(300 * 30, rel=1e-4) == figure.energy_wh * 3600
    assert (("AMD Instinct MI300X",), "zeus", EnergyKind.MEASURED) == (
        figure.devices,
        figure.sensor,
        figure.kind,
    )


def test_a_hidden_amd_gpu_is_not_counted(monkeypatch, clock):
    with_amd(monkeypatch, clock, [200, 300])
    monkeypatch.setenv("HIP_VISIBLE_DEVICES", "1")
    figure = counted(clock, CounterMeter(amd_gpus=1, now=clock), 20.0)[Component.GPU]
    assert pytest.approx(200 * 20, rel=1e-4) == figure.energy_wh * 3600


def test_two_meters_in_turn_count_the_same_gpu(monkeypatch, clock):
    with_amd(monkeypatch, clock, [200])
    for _ in range(2):
        figure = counted(clock, CounterMeter(amd_gpus=1, now=clock), 10.0)[Component.GPU]
        assert pytest.approx(2000, rel=1e-4) == figure.energy_wh * 3600


def test_an_amd_counter_that_zeus_does_not_trust_has_no_figure(monkeypatch, clock):
    with_amd(monkeypatch, clock, [200]).counts = [0.01]
    with pytest.raises(
        SensorError, match="GPU 1 of 1, AMD Instinct MI300X: zeus found its energy counter not usable"
    ):
        AmdCounters(1)


def test_more_gpus_than_amds_library_shows_are_refused(monkeypatch, clock):
    with_amd(monkeypatch, clock, [200])
    with pytest.raises(SensorError, match="zeus: AMD's library shows 1 GPUs, and 2 are in use"):
        AmdCounters(2)


def test_an_amd_counter_that_fails_ends_its_figure_in_one_line(monkeypatch, clock):
    smi = with_amd(monkeypatch, clock, [200])
    meter = CounterMeter(amd_gpus=1, now=clock)
    smi.failing = True
    figure = counted(clock, meter, 5.0)[Component.GPU]
    assert figure.energy_wh is None
    assert (
        "zeus: ZeusGPUNotSupportedError: AMDSMI_STATUS_NOT_SUPPORTED - Feature not supported" == figure.reason
    )


def test_two_halves_of_a_card_are_one_figure_that_says_so(monkeypatch, clock):
    with_amd(monkeypatch, clock, [500], name="AMD Instinct MI250X")
    assert ("zeus: AMD Instinct MI250X: both halves of the card are counted",) == AmdCounters(1).warnings


def test_the_meter_counts_amd_where_nvml_knows_no_gpu(monkeypatch, clock):
    with_amd(monkeypatch, clock, [200, 300])
    with (
        EnergyMeter(["6161-as-torch-writes-it"], Assumptions(cpu_tdp_w=65), now=clock) as meter,
        meter.window(),
    ):
        sum(range(10**5))
        clock.advance(20.0)
    reading = meter.reading()
    gpu, _ = reading.components
    assert ("gpu", "zeus", pytest.approx(300 * 20, rel=1e-4)) == (
        gpu.component,
        gpu.sensor,
        gpu.energy_wh * 3600,
    )
    assert ((), EnergyKind.ESTIMATED) == (reading.missing, reading.kind)


def test_the_fixture_carbon_counts_every_amd_gpu_that_is_visible(monkeypatch):
    with_amd(monkeypatch, time.perf_counter, [200, 300])
    carbon = Carbon(Assumptions(), {}, [])
    with carbon():
        time.sleep(0.1)
    gpu = carbon.readings["block"].components[0]
    watts = gpu.energy_wh * 3600 / carbon.readings["block"].duration_s
    assert (2, pytest.approx(500, rel=0.05)) == (len(gpu.devices), watts)


# Apple.


class FakeApple:
    """Apple's counters: 20 W of processors, 5 W of memory, 30 W of the GPU, nothing of the neural engine."""

    def __init__(self, clock):
        self.clock = clock
        self.failing = False

    def get_cumulative_energy(self):
        if self.failing:
            raise RuntimeError("the sensor is gone")
        found = dict.fromkeys([field.name for field in fields(AppleSiliconMeasurement)])
        watts = {"cpu_total_mj": 20, "dram_mj": 5, "gpu_mj": 30, "ane_mj": 0, "gpu_sram_mj": None}
        counted = {k: None if w is None else int(1000 * w * self.clock()) for k, w in watts.items()}
        return SimpleNamespace(**(found | counted))


@pytest.fixture
def mac(monkeypatch, clock):
    chip = FakeApple(clock)
    monkeypatch.setattr(apple, "apple_silicon_is_available", lambda: True)
    monkeypatch.setattr(apple, "zeus_apple_silicon", SimpleNamespace(AppleEnergyMonitor=lambda: chip))
    monkeypatch.setattr("redl.metering.counters.meter.chip_seems_here", lambda: True)
    return chip


@pytest.mark.usefixtures("mac")
def test_all_parts_of_apple_silicon_are_counted_together(clock):
    meter = CounterMeter(now=clock)
    figure = counted(clock, meter, 20.0)[Component.CPU]
    assert pytest.approx(55 * 20, rel=1e-4) == figure.energy_wh * 3600
    assert ("CPU", "memory", "GPU", "neural engine") == figure.devices
    assert ("zeus", "the whole chip, with its GPU", EnergyKind.MEASURED) == (
        figure.sensor,
        figure.scope,
        figure.kind,
    )
    assert meter.counts_gpu_with_cpu


def test_a_chip_that_fails_falls_back_to_the_estimate_and_says_why(mac):
    with EnergyMeter(assumptions=Assumptions(cpu_tdp_w=20)) as meter:
        mac.failing = True
        with meter.window():
            sum(range(10**6))
    (cpu,) = meter.reading().components
    assert EnergyKind.ESTIMATED is cpu.kind
    assert any("zeus: RuntimeError: the sensor is gone" in warning for warning in cpu.warnings)


# Jetson.


@pytest.fixture
def module(monkeypatch, tmp_path):
    """Power rails of a Jetson: 4 W of the CPU, 6 W of the GPU, 15 W of the module."""
    rails = {}
    for name, milliwatts in (("cpu", 4000), ("gpu", 6000), ("total", 15000)):
        (tmp_path / name).write_text(f"{milliwatts}\n")
        rails[f"{name}_power_mw"] = jetson.DirectPower(tmp_path / name)
    monkeypatch.setattr(jetson, "jetson_is_available", lambda: True)
    monkeypatch.setattr(jetson.Jetson, "_discover_available_metrics", lambda _: rails)
    monkeypatch.setattr("redl.metering.counters.meter.chip_seems_here", lambda: True)
    return rails


def watts_of(meter):
    with meter.window():
        time.sleep(0.5)
    meter.close()
    (figure,) = meter.figures().values()
    return figure.energy_wh * 3600 / meter.windows[0].seconds, figure


def test_a_jetsons_module_is_counted_whole(module):
    watts, figure = watts_of(CounterMeter())
    assert pytest.approx(15, rel=0.1) == watts
    assert (("module",), "the whole module") == (figure.devices, figure.scope)
    assert figure.warnings[0].endswith("its power is read every 0.1 s")


@pytest.mark.usefixtures("module")
def test_a_jetson_that_answers_before_it_counts_is_asked_again(monkeypatch, clock):
    counted_mj = [0.0]

    def answer(_):
        counted_mj.append(15_000 * clock())
        return jetson.JetsonMeasurement(total_energy_mj=counted_mj[-2])

    monkeypatch.setattr(jetson.Jetson, "get_total_energy_consumption", answer)
    figure = counted(clock, CounterMeter(now=clock), 2.0)[Component.CPU]
    assert pytest.approx(15 * 2) == figure.energy_wh * 3600


def test_without_a_rail_of_the_module_cpu_and_gpu_are_added(module):
    del module["total_power_mw"]
    watts, figure = watts_of(CounterMeter())
    assert (pytest.approx(10, rel=0.1), ("CPU", "GPU")) == (watts, figure.devices)


def test_a_jetson_with_one_rail_of_a_part_has_no_figure(module):
    del module["total_power_mw"], module["gpu_power_mw"]
    with pytest.raises(SensorError, match="zeus: the chip has no sensor of all of its parts"):
        ChipCounters()


def test_a_jetson_starts_no_process_and_leaves_no_thread(module):
    def pollers():
        return [thread for thread in threading.enumerate() if thread.name == "zeus poller"]

    meter = CounterMeter()
    assert 1 == len(pollers())
    for _ in range(2):
        meter.close()
    assert [] == pollers()


def test_a_jetsons_gpu_is_part_of_its_module(module):
    with EnergyMeter(["GPU-unknown-to-nvml"]) as meter, meter.window():
        time.sleep(0.3)
    reading = meter.reading()
    (part,) = reading.components
    assert ("cpu", "zeus", ()) == (part.component, part.sensor, reading.missing)
    assert pytest.approx(15, rel=0.15) == reading.energy_wh * 3600 / reading.duration_s


# None of them, as on this machine, with the real libraries.


def absent(make):
    with pytest.raises(SensorError) as caught:
        make()
    return str(caught.value)


def test_without_a_device_there_is_one_line_no_output_and_no_network(monkeypatch, capfd):
    attempts = refuse_network(monkeypatch)
    assert "zeus: AMD's library amdsmi, a part of ROCm, is not usable here" == absent(lambda: AmdCounters(1))
    assert "zeus: neither Apple silicon nor a Jetson module" == absent(ChipCounters)
    assert ("", "", []) == (*capfd.readouterr(), attempts)


@pytest.mark.parametrize("make", [lambda: AmdCounters(1), ChipCounters, visible_amd_gpus])
def test_a_zeus_that_is_not_installed_is_named_with_the_remedy(monkeypatch, make):
    monkeypatch.setattr(zeus, "find_spec", lambda _: None)
    assert "zeus: not installed; `pip install 'redl[zeus]'` makes this device readable" == absent(make)


def test_a_chip_without_a_figure_has_both_reasons(monkeypatch, clock):
    monkeypatch.setattr("redl.metering.counters.meter.chip_seems_here", lambda: True)
    reason = counted(clock, CounterMeter(now=clock), 1.0)[Component.CPU].reason
    assert reason.startswith("powercap: ")
    assert reason.endswith("; zeus: neither Apple silicon nor a Jetson module")


def test_zeus_is_not_imported_where_no_such_device_seems_to_be():
    code = (
        "import sys\n"
        "from redl.metering.meter import EnergyMeter\n"
        "with EnergyMeter(['GPU-x']) as meter, meter.window(): pass\n"
        "meter.reading()\n"
        "sys.exit('zeus.device' in sys.modules)"
    )
    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode
