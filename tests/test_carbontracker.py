"""The CarbonTracker meter, on sensors whose power is known, and the parts of CarbonTracker it leans on."""

import importlib
import logging
import random
import socket
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import carbontracker.tracker
import numpy as np
import pynvml
import pytest
import torch
from carbontracker import constants, loggerutil
from carbontracker.components import component
from carbontracker.components.cpu import intel
from carbontracker.components.handler import Handler
from carbontracker.emissions.intensity import intensity
from hypothesis import given
from hypothesis import strategies as st

from redl.errors import OptionError
from redl.metering import energy
from redl.metering.carbontracker import CarbonTrackerMeter, session
from redl.metering.carbontracker import meter as meter_module
from redl.metering.carbontracker.intensity import carbon_intensity
from redl.metering.carbontracker.stand_ins import SilentLog, one_line
from redl.metering.energy import Draw, PowerSample, Window, integrate
from redl.record import EnergyKind

WATTS = {"intel-rapl:0": 50.0, "intel-rapl:0:0": 10.0, "intel-rapl:1": 40.0, "intel-rapl:2": 500.0}
NAMES = dict(zip(WATTS, ("package-0", "dram", "package-1", "psys"), strict=True))
DELAY = 0.01


def joules(reading):
    return reading.energy_wh * 3600


def measured(*, gpu=False, seconds=0.08, **options):
    with CarbonTrackerMeter(gpu=gpu, **options) as meter, meter.window():
        time.sleep(seconds)
    return meter.reading()


@pytest.fixture(autouse=True)
def no_powercap(monkeypatch, tmp_path):
    """Hide the machine's own sensors, whatever it has, and sample fast."""
    monkeypatch.setattr(intel, "RAPL_DIR", str(tmp_path / "absent"))
    for module in (session, meter_module):
        monkeypatch.setattr(module, "INTERVAL_S", 0.01)


@pytest.fixture
def powercap(monkeypatch, tmp_path):
    """Build a powercap tree of two packages, memory and the whole platform, each of constant power."""
    folder = tmp_path / "powercap"
    for zone, name in NAMES.items():
        (folder / zone).mkdir(parents=True)
        (folder / zone / "name").write_text(f"{name}\n")
        (folder / zone / "energy_uj").write_text("0")
    read = intel.IntelCPU._read_energy

    def read_and_advance(handler, path):
        value = read(handler, path)
        step = round(WATTS[Path(path).name] * DELAY * 1e6)
        (Path(path) / "energy_uj").write_text(str(value + step))
        return value

    monkeypatch.setattr(intel.IntelCPU, "_read_energy", read_and_advance)
    monkeypatch.setattr(intel, "RAPL_DIR", str(folder))
    monkeypatch.setattr(intel, "MEASURE_DELAY", DELAY)
    return folder


@pytest.fixture
def nvml(monkeypatch):
    """Put two GPUs of a constant 300 W in NVML's place; return the number of times it is held open."""
    held = []
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: held.append(1))
    monkeypatch.setattr(pynvml, "nvmlShutdown", held.pop)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: 2)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lambda index: index)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetName", lambda index: f"GPU model {index}")
    monkeypatch.setattr(pynvml, "nvmlDeviceGetPowerUsage", lambda _: 300_000)
    return held


def deny(_, path):
    raise PermissionError(13, "Permission denied", path)


# Sums.


@pytest.mark.usefixtures("nvml")
def test_gpus_are_summed():
    reading = measured(gpu=True)
    assert pytest.approx(600 * reading.duration_s) == joules(reading)


@pytest.mark.usefixtures("powercap")
def test_packages_and_memory_are_summed_and_the_platform_is_left_out():
    reading = measured()
    assert pytest.approx(100 * reading.duration_s) == joules(reading)


@pytest.mark.usefixtures("nvml", "powercap")
def test_gpus_and_packages_are_summed():
    reading = measured(gpu=True)
    assert pytest.approx(700 * reading.duration_s) == joules(reading)


@pytest.mark.usefixtures("nvml")
def test_carbontrackers_own_figure_agrees_once_its_fixed_pue_is_divided_out():
    reading = measured(gpu=True, seconds=0.3)
    own = reading.carbontracker
    assert pytest.approx(reading.energy_wh, rel=0.2) == own.energy_wh_corrected
    assert pytest.approx(own.energy_wh_corrected * constants.PUE_2023) == own.energy_wh_raw


@pytest.mark.usefixtures("nvml")
def test_only_time_inside_the_windows_counts():
    meter = CarbonTrackerMeter(gpu=True)
    start = time.perf_counter()
    for _ in range(3):
        with meter.window():
            time.sleep(0.05)
        time.sleep(0.1)
    elapsed = time.perf_counter() - start
    reading = meter.reading()
    assert 0.15 <= reading.duration_s <= elapsed - 0.3
    assert pytest.approx(600 * reading.duration_s) == joules(reading)


@pytest.mark.usefixtures("nvml")
def test_the_users_pue_multiplies_energy_and_carbon():
    reading = measured(gpu=True, pue=1.5, country="DK")
    assert pytest.approx(900 * reading.duration_s) == joules(reading)
    assert pytest.approx(reading.energy_wh / 1000 * reading.carbon_intensity.g_per_kwh) == reading.co2eq_g
    assert (1.5, "set by the user") == (reading.pue.value, reading.pue.source)


# What a reading says of itself.


@pytest.mark.usefixtures("nvml")
def test_a_gpu_reading_names_its_devices_and_sensor():
    reading = measured(gpu=True)
    assert (EnergyKind.MEASURED, "nvml_power_polling") == (reading.kind, reading.sensor)
    assert ("GPU model 0", "GPU model 1") == reading.devices
    assert reading.n_samples >= 1
    assert 1.0 == reading.coverage


@pytest.mark.usefixtures("nvml")
def test_a_gpu_reading_warns_that_the_cpu_is_not_counted():
    assert any("the CPU is not counted" in warning for warning in measured(gpu=True).warnings)


@pytest.mark.usefixtures("nvml")
def test_counting_every_gpu_of_the_machine_is_warned_of():
    assert any("all GPUs are counted" in warning for warning in measured(gpu=True).warnings)


@pytest.mark.usefixtures("nvml")
def test_gpus_that_were_chosen_are_not_warned_of(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert not any("all GPUs are counted" in warning for warning in measured(gpu=True).warnings)


@pytest.mark.usefixtures("nvml")
def test_only_the_gpus_that_the_process_may_use_are_counted(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    reading = measured(gpu=True)
    assert pytest.approx(300 * reading.duration_s) == joules(reading)
    assert (("GPU model 1",), "the GPUs in CUDA_VISIBLE_DEVICES") == (reading.devices, reading.scope)


@pytest.mark.usefixtures("powercap")
def test_the_time_that_a_powercap_reading_takes_is_part_of_the_interval():
    assert pytest.approx(session.INTERVAL_S + DELAY) == measured().interval_s


def test_the_guess_from_the_processors_name_is_labelled():
    reading = measured()
    assert (EnergyKind.ESTIMATED, "tdp_model") == (reading.kind, reading.sensor)
    assert any("constant" in warning and " W" in warning for warning in reading.warnings)


def test_the_guess_names_the_processor_and_its_watts(monkeypatch):
    monkeypatch.setattr("redl.metering.carbontracker.sensors.cpu_model", lambda: "AMD EPYC")
    reading = measured()
    assert pytest.approx(60 * reading.duration_s) == joules(reading)
    assert ("AMD EPYC",) == reading.devices
    assert "AMD EPYC to draw a constant 60 W" in reading.warnings[0]


def test_a_processor_that_the_table_lacks_is_said_to_be_average(monkeypatch):
    monkeypatch.setattr("redl.metering.carbontracker.sensors.cpu_model", lambda: "A processor of 2040")
    assert "half of its table's average" in measured().warnings[0]


def test_with_no_country_the_worlds_average_is_used_and_named():
    found = carbon_intensity(None)
    assert (445.0, None, 2024) == (found.g_per_kwh, found.country, found.year)


def test_an_unknown_country_is_rejected_by_name():
    with pytest.raises(OptionError, match="'Denmark'"):
        CarbonTrackerMeter(gpu=False, country="Denmark")


@pytest.mark.parametrize("pue", [0.99, 0.0, -1.0, float("nan"), float("inf")])
def test_an_impossible_pue_is_rejected(pue):
    with pytest.raises(OptionError, match="PUE"):
        CarbonTrackerMeter(gpu=False, pue=pue)


# None, never 0.


def test_a_process_on_the_gpu_without_nvml_has_no_figure(monkeypatch):
    def fail():
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", fail)
    reading = measured(gpu=True)
    assert (None, None, EnergyKind.UNAVAILABLE) == (reading.energy_wh, reading.co2eq_g, reading.kind)
    assert reading.reason_unavailable.startswith("NVML: ")


@pytest.mark.parametrize("milliwatts", [0, pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)])
def test_a_gpu_that_does_not_tell_its_power_has_no_figure(nvml, monkeypatch, milliwatts):
    monkeypatch.setattr(pynvml, "nvmlDeviceGetPowerUsage", lambda _: answer(milliwatts))
    reading = measured(gpu=True)
    assert reading.energy_wh is None
    assert reading.reason_unavailable.startswith("NVML: ")
    assert [] == nvml


def answer(value):
    if isinstance(value, Exception):
        raise value
    return value


@pytest.mark.usefixtures("nvml")
def test_a_gpu_that_stops_telling_its_power_has_no_figure(monkeypatch):
    meter = CarbonTrackerMeter(gpu=True)
    error = pynvml.NVMLError(pynvml.NVML_ERROR_UNKNOWN)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetPowerUsage", lambda _: answer(error))
    with meter.window():
        time.sleep(0.05)
    reading = meter.reading()
    assert (None, None) == (reading.energy_wh, reading.carbontracker.energy_wh_raw)
    assert reading.reason_unavailable.startswith("nvml_power_polling: ")


@pytest.mark.usefixtures("nvml")
def test_failed_readings_are_warned_of(monkeypatch):
    meter = CarbonTrackerMeter(gpu=True)
    with meter.window():
        time.sleep(0.05)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetPowerUsage", lambda _: 0)
    with meter.window():
        time.sleep(0.15)
    reading = meter.reading()
    assert 0.0 < reading.coverage < 0.5
    assert any("readings failed, the last with 0 W read" in warning for warning in reading.warnings)
    assert any("no sample of its own" in warning for warning in reading.warnings)


@pytest.mark.usefixtures("powercap")
def test_powercap_that_may_not_be_read_is_replaced_by_a_labelled_guess(monkeypatch):
    monkeypatch.setattr(intel.IntelCPU, "_read_energy", deny)
    reading = measured()
    assert reading.kind is EnergyKind.ESTIMATED
    assert "powercap: may not be read" in reading.warnings[0]


@pytest.mark.usefixtures("powercap")
def test_powercap_without_a_zone_is_replaced_by_a_labelled_guess(monkeypatch, tmp_path):
    (tmp_path / "empty" / "intel-rapl").mkdir(parents=True)
    monkeypatch.setattr(intel, "RAPL_DIR", str(tmp_path / "empty"))
    reading = measured()
    assert reading.kind is EnergyKind.ESTIMATED
    assert "powercap: no CPU package" in reading.warnings[0]


@pytest.mark.usefixtures("powercap")
def test_powercap_denied_while_the_work_runs_gives_none(monkeypatch):
    meter = CarbonTrackerMeter(gpu=False)
    monkeypatch.setattr(intel.IntelCPU, "_read_energy", deny)
    with meter.window():
        time.sleep(0.05)
    assert meter.reading().energy_wh is None


@pytest.mark.usefixtures("powercap")
def test_counters_that_run_backwards_give_none(monkeypatch):
    values = iter(range(10**9, 0, -1000))
    monkeypatch.setattr(intel.IntelCPU, "_read_energy", lambda *_: next(values))
    assert measured().energy_wh is None


@pytest.mark.usefixtures("nvml")
def test_a_meter_without_a_window_has_no_figure():
    reading = CarbonTrackerMeter(gpu=True).reading()
    assert (None, EnergyKind.UNAVAILABLE, 0) == (reading.energy_wh, reading.kind, reading.duration_s)


# CarbonTracker fails, the work goes on.


def raising(error):
    def fail(*_, **__):
        raise error

    return fail


@pytest.mark.parametrize("error", [RuntimeError("boom"), SystemExit(70)])
def test_a_constructor_that_fails_leaves_a_reading_with_the_reason(monkeypatch, error):
    monkeypatch.setattr(carbontracker.tracker.CarbonTracker, "__init__", raising(error))
    reading = measured()
    assert reading.kind is EnergyKind.UNAVAILABLE
    assert f"CarbonTracker failed: {type(error).__name__}: {error}" == reading.reason_unavailable
    assert reading.duration_s > 0


@pytest.mark.parametrize(
    ("owner", "name"),
    [(component, "create_components"), (carbontracker.tracker, "CarbonIntensityThread")],
)
def test_a_failure_that_carbontracker_swallows_is_kept_as_the_reason(monkeypatch, owner, name):
    monkeypatch.setattr(owner, name, raising(RuntimeError("boom")))
    assert "CarbonTracker failed: RuntimeError: boom" == measured().reason_unavailable
    assert [] == carbontracker_threads()


def test_a_sampler_that_dies_leaves_a_reading_with_the_reason(monkeypatch):
    monkeypatch.setattr(component.Component, "collect_power_usage", raising(RuntimeError("boom")))
    assert "CarbonTracker failed: RuntimeError: boom" == measured().reason_unavailable


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (carbontracker.tracker, "randint"),
        (component, "handlers_by_name"),
        (carbontracker.tracker.CarbonTracker, "epoch_start"),
        (carbontracker.tracker.CarbonTracker, "epoch_end"),
        (carbontracker.tracker.CarbonTracker, "stop"),
        (carbontracker.tracker.CarbonTrackerThread, "total_energy_per_epoch"),
    ],
)
def test_a_name_that_carbontracker_lost_leaves_a_reading_with_the_reason(monkeypatch, owner, name):
    monkeypatch.delattr(owner, name)
    reading = measured()
    assert (None, EnergyKind.UNAVAILABLE) == (reading.energy_wh, reading.kind)
    assert name in reading.reason_unavailable
    assert [] == carbontracker_threads()


def test_an_attribute_that_carbontracker_renamed_leaves_no_thread(monkeypatch):
    build = carbontracker.tracker.CarbonTracker.__init__

    def build_and_rename(tracker, **options):
        build(tracker, **options)
        tracker.renamed = tracker.__dict__.pop("intensity_updater")

    monkeypatch.setattr(carbontracker.tracker.CarbonTracker, "__init__", build_and_rename)
    assert "intensity_updater" in measured().reason_unavailable
    for thread in carbontracker_threads():
        thread.join(timeout=5)
    assert [] == carbontracker_threads()


def carbontracker_threads():
    return [thread for thread in threading.enumerate() if type(thread).__module__.startswith("carbontracker")]


def fail():
    raise ZeroDivisionError


def test_work_that_raises_in_a_window_is_counted_and_its_error_passes(nvml):
    with pytest.raises(ZeroDivisionError), CarbonTrackerMeter(gpu=True) as meter, meter.window():
        fail()
    assert meter.reading().duration_s > 0
    assert ([], []) == (carbontracker_threads(), nvml)


@pytest.mark.usefixtures("nvml")
def test_a_second_reading_is_the_first():
    meter = CarbonTrackerMeter(gpu=True)
    with meter.window():
        time.sleep(0.03)
    assert meter.reading() == meter.reading()


def test_nested_windows_are_an_error():
    nested = pytest.raises(AssertionError, match="nested")
    with CarbonTrackerMeter(gpu=False) as meter, meter.window(), nested, meter.window():
        pass


# Nothing is left behind.


def test_twenty_meters_leave_threads_files_loggers_and_random_streams_as_they_were():
    measured(seconds=0.01)  # the first import may keep things
    before = traces()
    for _ in range(20):
        measured(seconds=0.01)
    assert before == traces()


def traces():
    opened = Path("/proc/self/fd")
    files = sorted(opened.iterdir()) if opened.is_dir() else None
    legacy = np.random.get_state()  # noqa: NPY002 - this stream is the one that training seeds
    streams = random.getstate(), legacy[1].tolist(), legacy[2:], torch.get_rng_state().tolist()
    return threading.enumerate(), files, len(logging.root.manager.loggerDict), streams


def test_nvml_is_released_once(nvml):
    nvml.append("held by somebody else")
    measured(gpu=True)
    assert ["held by somebody else"] == nvml


@pytest.mark.usefixtures("nvml")
def test_nothing_is_printed(capfd):
    measured(gpu=True)
    measured(gpu=False)
    assert ("", "") == capfd.readouterr()


@pytest.fixture
def attempts(monkeypatch):
    """Record and refuse every attempt to reach the network."""
    seen = []

    def refuse(*address, **_):
        seen.append(address)
        raise OSError("no network in tests")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return seen


@pytest.mark.parametrize("country", [None, "DK"])
def test_the_network_is_never_asked(attempts, country):
    measured(country=country)
    assert [] == attempts


def test_carbontracker_without_the_stand_in_asks_the_network(attempts):
    intensity.IntensityService(logger=SilentLog())
    assert attempts


def inner(code):
    """Run code in another Python, whose exit, output and random stream are its own."""
    # Its dependencies warn of their syntax when a fresh environment compiles them.
    command = [sys.executable, "-W", "ignore::SyntaxWarning", "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout, done.stderr


def test_a_process_outlives_a_dying_sampler_and_a_call_to_exit():
    code = """
        import time
        from redl.metering.carbontracker import CarbonTrackerMeter
        from carbontracker.components.component import Component
        from carbontracker.tracker import CarbonTracker

        def boom(*_):
            raise RuntimeError("boom")

        def leave(*_):
            raise SystemExit(70)

        for owner, name, fault in (
            (Component, "collect_power_usage", boom),
            (CarbonTracker, "_get_pids", leave),
        ):
            setattr(owner, name, fault)
            with CarbonTrackerMeter(gpu=False) as meter, meter.window():
                time.sleep(0.1)
            print(meter.reading().reason_unavailable)
    """
    reasons = "CarbonTracker failed: RuntimeError: boom\nCarbonTracker failed: SystemExit: 70\n"
    assert (0, reasons, "") == inner(code)


def test_the_first_meter_of_a_process_neither_warns_nor_draws_from_random(tmp_path):
    code = f"""
        import random, sys, time, warnings
        from redl.metering.carbontracker import CarbonTrackerMeter

        sys.pycache_prefix = {str(tmp_path)!r}  # compiles what is imported from here on anew
        warnings.simplefilter("error")
        before = random.getstate()
        with CarbonTrackerMeter(gpu=False) as meter, meter.window():
            time.sleep(0.1)
        print(meter.reading().reason_unavailable, random.getstate() == before)
    """
    assert (0, "None True\n", "") == inner(code)


def test_a_fault_is_told_in_one_line_without_folders():
    assert (
        one_line(ImportError("cannot import\n x (/home/somebody/x.py)"))
        == "ImportError: cannot import x (x.py)"
    )


def test_an_operating_system_error_is_told_without_its_file():
    assert (
        one_line(PermissionError(13, "Permission denied", "/home/a")) == "PermissionError: Permission denied"
    )


# Contracts with CarbonTracker 2.4.


@pytest.mark.parametrize(
    "path",
    [
        "carbontracker.tracker:randint",
        "carbontracker.tracker:CarbonTracker.epoch_start",
        "carbontracker.tracker:CarbonTracker.epoch_end",
        "carbontracker.tracker:CarbonTracker.stop",
        "carbontracker.tracker:CarbonTrackerThread.stop",
        "carbontracker.tracker:CarbonTrackerThread.total_energy_per_epoch",
        "carbontracker.tracker:loggerutil.Logger",
        "carbontracker.tracker:component.handlers_by_name",
        "carbontracker.emissions.intensity.intensity:geocoder.ip",
        "carbontracker.components.cpu.generic:cpuinfo.get_cpu_info",
        "carbontracker.components.cpu.generic:logger",
        "carbontracker.components.cpu.generic:GenericCPU.find_matching_tdp",
        "carbontracker.components.cpu.intel:IntelCPU._get_measurements",
        "carbontracker.components.cpu.intel:MEASURE_DELAY",
        "carbontracker.components.gpu.nvidia:NvidiaGPU._slurm_gpu_indices",
        "carbontracker.exceptions:IntelRaplPermissionError",
        "carbontracker.constants:PUE_2023",
        "carbontracker.constants:WORLD_AVG_CARBON_INTENSITY",
        "carbontracker.constants:WORLD_AVG_CARBON_INTENSITY_YEAR",
    ],
)
def test_carbontracker_has_the_name(path):
    module, _, names = path.partition(":")
    found = importlib.import_module(module)
    for name in names.split("."):
        found = getattr(found, name)


@pytest.mark.parametrize("name", ["tracker", "intensity_updater", "intensity_stopper"])
def test_a_running_carbontracker_has_the_attribute(name):
    with CarbonTrackerMeter(gpu=False) as meter:
        assert hasattr(meter._session.tracker, name)


def test_the_silent_log_answers_all_that_carbontrackers_logger_does():
    public = {name for name in vars(loggerutil.Logger) if not name.startswith("_")}
    assert public <= set(dir(SilentLog()))


def test_carbontracker_uses_the_same_intensity_for_a_located_country(monkeypatch):
    class Denmark:
        ok, address, country = True, "Copenhagen", "DK"

    monkeypatch.setattr(intensity.geocoder, "ip", lambda _: Denmark)
    service = intensity.IntensityService(logger=SilentLog())
    assert carbon_intensity("DK").g_per_kwh == service.fetch_carbon_intensity().carbon_intensity


def test_carbontracker_itself_still_averages_devices(monkeypatch):
    """If this fails, CarbonTracker sums devices by itself and `Sensor` must no longer do it."""

    class TwoDevices(Handler):
        def available(self):
            return True

        def power_usage(self):
            return [300.0, 300.0]

    monkeypatch.setattr(component, "handlers_by_name", lambda *_, **__: [TwoDevices])
    part = component.Component(name="gpu", pids=[], devices_by_pid=False, logger=SilentLog())
    part.collect_power_usage(1)
    assert pytest.approx(300) == part.energy_usage([1.0])[0] * 3.6e6


# Integration.


def window(start, end):
    return Window(start=float(start), end=float(end))


def sample(at, watts):
    return PowerSample(at=float(at), watts=float(watts))


def test_energy_is_each_windows_mean_power_times_its_length():
    draw = integrate([window(0, 2), window(5, 6)], [sample(0, 100), sample(1, 300), sample(5.5, 50)])
    assert Draw(energy_wh=pytest.approx((2 * 200 + 50) / 3600), n_samples=3, coverage=1.0) == draw


def test_a_sample_between_windows_does_not_count():
    draw = integrate([window(0, 1), window(5, 6)], [sample(0.5, 100), sample(3, 9999), sample(5.5, 100)])
    assert (pytest.approx(200 / 3600), 2) == (draw.energy_wh, draw.n_samples)


def test_a_window_without_a_sample_takes_the_overall_mean_and_is_not_covered():
    draw = integrate([window(0, 3), window(5, 6)], [sample(1, 100), sample(2, 300)])
    assert (pytest.approx(800 / 3600), 0.75) == (draw.energy_wh, draw.coverage)


@pytest.mark.parametrize("samples", [[], [sample(7, 100)]])
def test_no_sample_in_any_window_gives_none(samples):
    assert integrate([window(0, 1)], samples).energy_wh is None


@given(
    edges=st.lists(st.integers(0, 200), unique=True, max_size=16).map(sorted),
    samples=st.lists(st.tuples(st.integers(0, 200), st.integers(1, 500))).map(sorted),
)
def test_every_sample_is_given_to_the_window_it_lies_in(edges, samples):
    windows = [window(start, end) for start, end in zip(edges[::2], edges[1::2], strict=False)]
    # The middle of a reading never lies on an edge: a half keeps it off.
    found = energy._samples_by_window(windows, [sample(at + 0.5, watts) for at, watts in samples])
    expected = [[w for at, w in samples if one.start <= at + 0.5 <= one.end] for one in windows]
    assert expected == found
