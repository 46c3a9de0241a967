"""The CarbonTracker meter, on sensors whose power is known, and the parts of CarbonTracker it leans on."""

import importlib
import logging
import random
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
from carbontracker.components.gpu import nvidia
from carbontracker.components.handler import Handler
from carbontracker.emissions.intensity import intensity

from redl.metering.carbontracker import meter as meter_module
from redl.metering.carbontracker import session
from redl.metering.carbontracker.intensity import country_intensity
from redl.metering.carbontracker.meter import CarbonTrackerMeter
from redl.metering.carbontracker.sensors import table_tdp
from redl.metering.carbontracker.stand_ins import SilentLog, one_line
from redl.metering.counters import powercap as counters
from redl.metering.energy import Component
from redl.metering.gpus import Gpu
from redl.record import EnergyKind
from tests.helpers.network import refuse_network

ZONES = {
    "intel-rapl:0": ("package-0", 50.0),
    "intel-rapl:0:0": ("dram", 10.0),
    "intel-rapl:1": ("package-1", 40.0),
    "intel-rapl:2": ("psys", 500.0),
}
RANGE_UJ = 262_143_328_850
GPUS = tuple(Gpu(uuid=f"GPU-{number}", name=f"GPU model {number}", slice=False) for number in (0, 1))


def joules(figure):
    return figure.energy_wh * 3600


def measured(gpus=(), seconds=0.08):
    """Return the only figure, the GPUs' if there are any, and how long the window was."""
    meter = CarbonTrackerMeter(gpus)
    with meter.window():
        time.sleep(seconds)
    figures = meter.figures()
    return figures[Component.GPU if gpus else Component.CPU], meter._windows[0].seconds


@pytest.fixture(autouse=True)
def no_powercap(monkeypatch, tmp_path):
    """Hide the machine's own sensors, whatever it has, and sample fast."""
    monkeypatch.setattr(intel, "RAPL_DIR", str(tmp_path / "absent"))
    monkeypatch.setattr(counters, "POWERCAP", tmp_path / "absent")
    for module in (session, meter_module):
        monkeypatch.setattr(module, "INTERVAL_S", 0.01)


@pytest.fixture
def powercap(monkeypatch, tmp_path):
    """Build a powercap tree of two packages, memory and the whole platform, each of constant power."""
    folder = tmp_path / "powercap"
    for zone, (name, _) in ZONES.items():
        (folder / zone).mkdir(parents=True)
        (folder / zone / "name").write_text(f"{name}\n")
        (folder / zone / "max_energy_range_uj").write_text(str(RANGE_UJ))
        (folder / zone / "energy_uj").write_text(str(len(list(folder.iterdir()))))
    start = time.perf_counter()

    def read(_, path):
        watts = ZONES[Path(path).name][1]
        return round(watts * (time.perf_counter() - start) * 1e6)

    monkeypatch.setattr(intel.IntelCPU, "_read_energy", read)
    monkeypatch.setattr(intel, "RAPL_DIR", str(folder))
    monkeypatch.setattr(counters, "POWERCAP", folder)
    return folder


@pytest.fixture
def nvml(monkeypatch):
    """Put two GPUs of a constant 300 W in NVML's place; return the number of times it is held open."""
    held = []
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: held.append(1))
    monkeypatch.setattr(pynvml, "nvmlShutdown", held.pop)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByUUID", lambda uuid: uuid)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetPowerUsage", lambda _: 300_000)
    return held


def deny(_, path):
    raise PermissionError(13, "Permission denied", path)


# Sums.


@pytest.mark.usefixtures("nvml")
def test_gpus_are_summed():
    figure, seconds = measured(GPUS)
    assert pytest.approx(600 * seconds) == joules(figure)


@pytest.mark.usefixtures("nvml")
def test_only_the_gpus_in_use_are_counted():
    figure, seconds = measured(GPUS[1:])
    assert pytest.approx(300 * seconds) == joules(figure)
    assert ("GPU model 1",) == figure.devices


@pytest.mark.usefixtures("powercap")
def test_packages_and_memory_are_summed_and_the_platform_is_left_out():
    figure, seconds = measured()
    assert pytest.approx(100 * seconds, rel=0.001) == joules(figure)


@pytest.mark.parametrize(
    ("label", "value"), [("package-1", "77"), ("package-3", "1")], ids=["label", "value"]
)
def test_mirrored_packages_are_counted_once(powercap, monkeypatch, label, value):
    (powercap / "intel-rapl:3").mkdir()
    (powercap / "intel-rapl:3" / "name").write_text(f"{label}\n")
    (powercap / "intel-rapl:3" / "max_energy_range_uj").write_text(str(RANGE_UJ))
    (powercap / "intel-rapl:3" / "energy_uj").write_text(value)
    monkeypatch.setitem(ZONES, "intel-rapl:3", (label, 40.0))
    figure, seconds = measured()
    assert pytest.approx(100 * seconds, rel=0.001) == joules(figure)


@pytest.mark.usefixtures("powercap")
def test_a_counter_that_wraps_around_goes_on(monkeypatch):
    read = intel.IntelCPU._read_energy
    monkeypatch.setattr(
        intel.IntelCPU, "_read_energy", lambda *_: (RANGE_UJ - 1_000_000 + read(*_)) % RANGE_UJ
    )
    figure, seconds = measured(seconds=0.15)
    assert pytest.approx(100 * seconds, rel=0.001) == joules(figure)
    assert () == figure.warnings


@pytest.mark.usefixtures("nvml", "powercap")
def test_gpus_and_packages_are_distinguished_and_both_are_measured():
    meter = CarbonTrackerMeter(GPUS)
    with meter.window():
        time.sleep(0.08)
    figures, (window,) = meter.figures(), meter._windows
    assert pytest.approx(600 * window.seconds) == joules(figures[Component.GPU])
    assert pytest.approx(100 * window.seconds, rel=0.001) == joules(figures[Component.CPU])


@pytest.mark.usefixtures("nvml", "powercap")
def test_reading_the_packages_does_not_slow_the_gpus_sampling():
    """CarbonTracker's own reading of powercap sleeps a second in the thread that polls the GPU."""
    figure, _ = measured(GPUS, seconds=0.3)
    assert figure.n_samples > 3


@pytest.mark.usefixtures("nvml")
def test_carbontrackers_own_figure_is_given_as_it_is_and_corrected():
    meter = CarbonTrackerMeter(GPUS)
    with meter.window():
        time.sleep(0.3)
    own = meter.own_figures(Component.GPU)
    assert meter.figures()[Component.GPU].energy_wh == own.energy_wh_corrected
    assert pytest.approx(own.energy_wh_corrected * constants.PUE_2023, rel=0.2) == own.energy_wh_raw


@pytest.mark.usefixtures("nvml")
def test_only_time_inside_the_windows_counts():
    meter = CarbonTrackerMeter(GPUS)
    start = time.perf_counter()
    for _ in range(3):
        with meter.window():
            time.sleep(0.05)
        time.sleep(0.1)
    elapsed = time.perf_counter() - start
    seconds = sum(window.seconds for window in meter._windows)
    assert 0.15 <= seconds <= elapsed - 0.3
    assert pytest.approx(600 * seconds) == joules(meter.figures()[Component.GPU])


# What a figure says of itself.


@pytest.mark.usefixtures("nvml")
def test_a_gpus_figure_names_its_devices_and_sensor():
    figure, _ = measured(GPUS)
    assert (EnergyKind.MEASURED, "nvml_power_polling") == (figure.kind, figure.sensor)
    assert (("GPU model 0", "GPU model 1"), "the GPUs used") == (figure.devices, figure.scope)
    assert figure.n_samples >= 1
    assert 1.0 == figure.coverage


def test_the_guess_from_the_processors_name_is_labelled():
    figure, _ = measured()
    assert (EnergyKind.ESTIMATED, "tdp_model") == (figure.kind, figure.sensor)
    assert any("constant" in warning and " W" in warning for warning in figure.warnings)


def test_the_guess_names_the_processor_and_its_watts(monkeypatch):
    monkeypatch.setattr("redl.metering.carbontracker.sensors.cpu_model", lambda: "AMD EPYC")
    figure, seconds = measured()
    assert pytest.approx(60 * seconds) == joules(figure)
    assert ("AMD EPYC",) == figure.devices
    assert "a constant 60 W, half of the first AMD EPYC of CarbonTracker's table" in figure.warnings[0]


def test_a_processor_that_the_table_lacks_is_said_to_be_average(monkeypatch):
    monkeypatch.setattr("redl.metering.carbontracker.sensors.cpu_model", lambda: "A processor of 2040")
    figure, _ = measured()
    assert "half of the average of CarbonTracker's table" in figure.warnings[0]


def test_the_tables_rated_power_is_twice_the_guess(monkeypatch):
    monkeypatch.setattr("redl.metering.carbontracker.sensors.cpu_model", lambda: "AMD EPYC")
    tdp = table_tdp()
    assert 120.0 == tdp.watts
    assert tdp.source.startswith("the first AMD EPYC of CarbonTracker's table")


# None, never 0.


def test_gpus_without_nvml_have_no_figure(monkeypatch):
    def fail():
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", fail)
    figure, _ = measured(GPUS)
    assert (None, EnergyKind.UNAVAILABLE) == (figure.energy_wh, figure.kind)
    assert figure.reason.startswith("NVML: ")


@pytest.mark.parametrize("milliwatts", [0, pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)])
def test_a_gpu_that_does_not_tell_its_power_has_no_figure(nvml, monkeypatch, milliwatts):
    monkeypatch.setattr(pynvml, "nvmlDeviceGetPowerUsage", lambda _: answer(milliwatts))
    figure, _ = measured(GPUS)
    assert figure.energy_wh is None
    assert figure.reason.startswith("NVML: ")
    assert [] == nvml


def answer(value):
    if isinstance(value, Exception):
        raise value
    return value


@pytest.mark.usefixtures("nvml")
def test_a_gpu_that_stops_telling_its_power_has_no_figure(monkeypatch):
    meter = CarbonTrackerMeter(GPUS)
    error = pynvml.NVMLError(pynvml.NVML_ERROR_UNKNOWN)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetPowerUsage", lambda _: answer(error))
    with meter.window():
        time.sleep(0.05)
    figure = meter.figures()[Component.GPU]
    assert (None, None) == (figure.energy_wh, meter.own_figures(Component.GPU).energy_wh_raw)
    assert figure.reason.startswith("nvml_power_polling: ")


@pytest.mark.usefixtures("nvml")
def test_failed_readings_are_warned_of(monkeypatch):
    meter = CarbonTrackerMeter(GPUS)
    with meter.window():
        time.sleep(0.05)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetPowerUsage", lambda _: 0)
    with meter.window():
        time.sleep(0.15)
    figure = meter.figures()[Component.GPU]
    assert 0.0 < figure.coverage < 0.5
    assert any("readings failed, the last with 0 W read" in warning for warning in figure.warnings)
    assert any("no sample of its own" in warning for warning in figure.warnings)


@pytest.mark.usefixtures("nvml")
def test_each_window_of_too_few_samples_is_warned_of(monkeypatch):
    meter = CarbonTrackerMeter(GPUS)
    least_s = 10 * meter_module.INTERVAL_S
    for seconds in (least_s / 3, 1.5 * least_s):
        with meter.window():
            time.sleep(seconds)
    figure = meter.figures()[Component.GPU]
    assert (2, 1) == (figure.windows, figure.short_windows)
    assert any(warning.startswith("nvml_power_polling: 1 of 2 windows, ") for warning in figure.warnings)


def test_windows_are_not_too_short_for_a_guess():
    figure, _ = measured()
    assert (None, None) == (figure.windows, figure.short_windows)


@pytest.mark.usefixtures("powercap")
def test_powercap_that_may_not_be_read_is_replaced_by_a_labelled_guess(monkeypatch):
    monkeypatch.setattr(intel.IntelCPU, "_read_energy", deny)
    figure, _ = measured()
    assert figure.kind is EnergyKind.ESTIMATED
    assert any(warning.startswith("powercap: ") for warning in figure.warnings)


@pytest.mark.usefixtures("powercap")
def test_powercap_denied_while_the_work_runs_gives_none(monkeypatch):
    meter = CarbonTrackerMeter()
    monkeypatch.setattr(intel.IntelCPU, "_read_energy", deny)
    with meter.window():
        time.sleep(0.05)
    assert meter.figures()[Component.CPU].energy_wh is None


@pytest.mark.usefixtures("nvml")
def test_a_meter_without_a_window_has_no_figure():
    figure = CarbonTrackerMeter(GPUS).figures()[Component.GPU]
    assert (None, EnergyKind.UNAVAILABLE) == (figure.energy_wh, figure.kind)


# CarbonTracker fails, the work goes on.


def raising(error):
    def fail(*_, **__):
        raise error

    return fail


@pytest.mark.parametrize("error", [RuntimeError("boom"), SystemExit(70)])
def test_a_constructor_that_fails_leaves_a_reading_with_the_reason(monkeypatch, error):
    monkeypatch.setattr(carbontracker.tracker.CarbonTracker, "__init__", raising(error))
    figure, seconds = measured()
    assert figure.kind is EnergyKind.UNAVAILABLE
    assert f"CarbonTracker failed: {type(error).__name__}: {error}" == figure.reason
    assert seconds > 0


@pytest.mark.parametrize(
    ("owner", "name"),
    [(component, "create_components"), (carbontracker.tracker, "CarbonIntensityThread")],
)
def test_a_failure_that_carbontracker_swallows_is_kept_as_the_reason(monkeypatch, owner, name):
    monkeypatch.setattr(owner, name, raising(RuntimeError("boom")))
    assert "CarbonTracker failed: RuntimeError: boom" == measured()[0].reason
    assert [] == carbontracker_threads()


def test_a_sampler_that_dies_leaves_a_reading_with_the_reason(monkeypatch):
    monkeypatch.setattr(component.Component, "collect_power_usage", raising(RuntimeError("boom")))
    assert "CarbonTracker failed: RuntimeError: boom" == measured()[0].reason


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (carbontracker.tracker, "randint"),
        (component, "handlers_by_name"),
        (carbontracker.tracker.CarbonTracker, "epoch_start"),
        (carbontracker.tracker.CarbonTracker, "epoch_end"),
        (carbontracker.tracker.CarbonTracker, "stop"),
        (component.Component, "energy_usage"),
    ],
)
def test_a_name_that_carbontracker_lost_leaves_a_reading_with_the_reason(monkeypatch, owner, name):
    monkeypatch.delattr(owner, name)
    figure, _ = measured()
    assert (None, EnergyKind.UNAVAILABLE) == (figure.energy_wh, figure.kind)
    assert name in figure.reason
    assert [] == carbontracker_threads()


def test_an_attribute_that_carbontracker_renamed_leaves_no_thread(monkeypatch):
    build = carbontracker.tracker.CarbonTracker.__init__

    def build_and_rename(tracker, **options):
        build(tracker, **options)
        tracker.renamed = tracker.__dict__.pop("intensity_updater")

    monkeypatch.setattr(carbontracker.tracker.CarbonTracker, "__init__", build_and_rename)
    assert "intensity_updater" in measured()[0].reason
    for thread in carbontracker_threads():
        thread.join(timeout=5)
    assert [] == carbontracker_threads()


def carbontracker_threads():
    return [thread for thread in threading.enumerate() if type(thread).__module__.startswith("carbontracker")]


def fail():
    raise ZeroDivisionError


def test_work_that_raises_in_a_window_is_counted_and_its_error_passes(nvml):
    meter = CarbonTrackerMeter(GPUS)
    with pytest.raises(ZeroDivisionError), meter.window():
        fail()
    meter.close()
    assert meter._windows[0].seconds > 0
    assert ([], []) == (carbontracker_threads(), nvml)


@pytest.mark.usefixtures("nvml")
def test_asking_again_gives_the_same_figures():
    meter = CarbonTrackerMeter(GPUS)
    with meter.window():
        time.sleep(0.03)
    assert meter.figures() == meter.figures()


def test_nested_windows_are_an_error():
    nested = pytest.raises(AssertionError, match="nested")
    meter = CarbonTrackerMeter()
    with meter.window(), nested, meter.window():
        pass
    meter.close()


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
    measured(GPUS)
    assert ["held by somebody else"] == nvml


@pytest.mark.usefixtures("nvml")
def test_nothing_is_printed(capfd):
    measured(GPUS)
    measured()
    assert ("", "") == capfd.readouterr()


@pytest.fixture
def attempts(monkeypatch):
    return refuse_network(monkeypatch)


def test_the_network_is_never_asked(attempts):
    measured()
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
        from redl.metering.carbontracker.meter import CarbonTrackerMeter
        from redl.metering.energy import Component as Part
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
            meter = CarbonTrackerMeter()
            with meter.window():
                time.sleep(0.1)
            print(meter.figures()[Part.CPU].reason)
    """
    reasons = "CarbonTracker failed: RuntimeError: boom\nCarbonTracker failed: SystemExit: 70\n"
    assert (0, reasons, "") == inner(code)


def test_the_first_meter_of_a_process_neither_warns_nor_draws_from_random(tmp_path):
    code = f"""
        import random, sys, time, warnings
        from redl.metering.carbontracker.meter import CarbonTrackerMeter
        from redl.metering.energy import Component

        sys.pycache_prefix = {str(tmp_path)!r}  # compiles what is imported from here on anew
        warnings.simplefilter("error")
        before = random.getstate()
        meter = CarbonTrackerMeter()
        with meter.window():
            time.sleep(0.1)
        print(meter.figures()[Component.CPU].reason, random.getstate() == before)
    """
    assert (0, "None True\n", "") == inner(code)


def test_a_fault_is_reported_in_one_line_without_folders():
    assert (
        one_line(ImportError("cannot import\n x (/home/somebody/x.py)"))
        == "ImportError: cannot import x (x.py)"
    )


def test_an_operating_system_error_is_reported_without_its_file():
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
        "carbontracker.components.component:Component.energy_usage",
        "carbontracker.tracker:loggerutil.Logger",
        "carbontracker.tracker:component.handlers_by_name",
        "carbontracker.emissions.intensity.intensity:geocoder.ip",
        "carbontracker.components.cpu.generic:cpuinfo.get_cpu_info",
        "carbontracker.components.cpu.generic:logger",
        "carbontracker.components.cpu.generic:GenericCPU.find_matching_tdp",
        "carbontracker.components.cpu.intel:IntelCPU._get_measurements",
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
    meter = CarbonTrackerMeter()
    assert hasattr(meter._session.tracker, name)
    meter.close()


@pytest.mark.parametrize("name", ["components", "epoch_times"])
def test_a_running_sampler_has_the_attribute(name):
    meter = CarbonTrackerMeter()
    assert hasattr(meter._session.sampler, name)
    meter.close()


@pytest.mark.usefixtures("powercap")
def test_its_handlers_keep_their_devices_where_the_sensors_put_them():
    packages, gpu = (
        intel.IntelCPU(pids=[], devices_by_pid=False),
        nvidia.NvidiaGPU(pids=[], devices_by_pid=False),
    )
    packages.init()
    assert set(ZONES) - {"intel-rapl:2"} == set(packages._rapl_devices)
    assert [] == gpu._handles


def test_the_silent_log_answers_all_that_carbontrackers_logger_does():
    public = {name for name in vars(loggerutil.Logger) if not name.startswith("_")}
    assert public <= set(dir(SilentLog()))


def test_carbontracker_uses_the_same_intensity_for_a_located_country(monkeypatch):
    class Denmark:
        ok, address, country = True, "Copenhagen", "DK"

    monkeypatch.setattr(intensity.geocoder, "ip", lambda _: Denmark)
    service = intensity.IntensityService(logger=SilentLog())
    assert country_intensity("DK").g_per_kwh == service.fetch_carbon_intensity().carbon_intensity


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


def test_importing_it_early_leaves_a_failure_to_the_time_it_is_needed(monkeypatch):
    monkeypatch.setitem(sys.modules, "carbontracker", None)
    session.import_carbontracker()
    with pytest.raises(ImportError):
        import carbontracker.tracker  # noqa: F401
