"""The fixture `carbon`, in projects that have nothing to do with the suite."""

import json
import os
import time
import xml.etree.ElementTree as ET

import pytest

from redl.metering.assumptions import Assumptions
from redl.plugin.carbon import Carbon
from tests.helpers.sensors import ScriptedPower, fake_nvml


@pytest.fixture
def inner(pytester):
    """Run a test module with redl installed, as its users would, in a separate process."""

    def run(code, *arguments):
        pytester.makepyfile(code)
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)

    return run


def test_a_block_goes_into_the_benchmarks_report(inner, pytester):
    code = """
    def test_work(benchmark, carbon):
        with carbon("work", images=8):
            benchmark.pedantic(lambda: sum(range(10**6)), rounds=3)
    """
    assert 0 == inner(code, "--benchmark-json=report.json").ret
    (entry,) = json.loads((pytester.path / "report.json").read_text())["benchmarks"]
    reading = entry["extra_info"]["carbon"]["work"]
    assert reading["energy_wh"] > 0
    assert ("cpu", 8) == (reading["components"][-1]["component"], reading["images"])


@pytest.mark.slow
def test_a_test_without_a_benchmark_reads_it_itself_and_in_junit(inner, pytester):
    code = """
    def test_work(carbon):
        with carbon():
            sum(range(10**6))
        assert carbon.readings["block"].energy_wh > 0
    """
    assert 0 == inner(code, "--junit-xml=junit.xml").ret
    properties = ET.parse(pytester.path / "junit.xml").iter("property")  # noqa: S314 - our own file
    assert ["carbon_block_wh"] == [one.get("name") for one in properties]


@pytest.mark.slow
def test_several_blocks_are_distinguished_and_a_name_is_used_once(inner):
    code = """
    import pytest

    def test_work(carbon):
        for name in ("one", "two"):
            with carbon(name):
                sum(range(10**6))
        assert ["one", "two"] == list(carbon.readings)
        with pytest.raises(ValueError, match="use another"), carbon("two"):
            pass
    """
    assert 0 == inner(code).ret


@pytest.mark.slow
def test_the_command_lines_grid_and_site_are_applied(inner):
    code = """
    def test_work(carbon):
        with carbon():
            sum(range(10**6))
        reading = carbon.readings["block"]
        assert (2.0, 7.0) == (reading.pue.value, reading.carbon_intensity.g_per_kwh)
    """
    assert 0 == inner(code, "--redl-pue=2", "--redl-carbon-intensity=7").ret


def test_work_that_fails_fails_as_itself_and_is_metered(inner):
    code = """
    import pytest

    def test_work(carbon):
        with pytest.raises(ZeroDivisionError), carbon():
            sum(range(10**6))
            1 / 0
        assert carbon.readings["block"].duration_s > 0
    """
    assert 0 == inner(code).ret


@pytest.mark.slow
def test_it_does_not_bring_torch(inner):
    code = """
    import sys

    def test_work(carbon):
        with carbon():
            sum(range(10**6))
        assert "torch" not in sys.modules
    """
    assert 0 == inner(code).ret


def test_another_process_on_a_gpu_is_in_the_readings_warnings(monkeypatch):
    nvml = fake_nvml(monkeypatch, [ScriptedPower.constant(300)], time.perf_counter, step_s=0.001)
    nvml.gpus[0].pids = (os.getpid(), 1)
    carbon = Carbon(Assumptions(), {}, [])
    with carbon():
        time.sleep(0.05)
    (warning,) = (one for one in carbon.readings["block"].warnings if "foreign load" in one)
    assert "GPU 1 of 1: other processes computed there (1)" in warning


FAULTS = """
    import sys, time
    import carbontracker.tracker, carbontracker.components.cpu.generic
    import pytest
    from carbontracker.components import component
    from carbontracker.tracker import CarbonTracker, CarbonTrackerThread

    def boom(*_, **__):
        raise RuntimeError("boom")

    def leave(*_, **__):
        sys.exit(70)

    @pytest.mark.parametrize("fault", [boom, leave])
    @pytest.mark.parametrize("owner, name", [
        (CarbonTracker, "__init__"),
        (CarbonTracker, "_get_pids"),
        (CarbonTracker, "epoch_start"),
        (CarbonTracker, "epoch_end"),
        (CarbonTracker, "stop"),
        (CarbonTrackerThread, "__init__"),
        (CarbonTrackerThread, "begin"),
        (carbontracker.tracker, "CarbonIntensityThread"),
        (component.Component, "collect_power_usage"),
        (component.Component, "energy_usage"),
        (component, "create_components"),
        (carbontracker.components.cpu.generic.GenericCPU, "init"),
    ])
    def test_metered(benchmark, carbon, monkeypatch, owner, name, fault):
        monkeypatch.setattr(owner, name, fault)
        with carbon("work"):
            benchmark.pedantic(time.sleep, args=(0.1,), rounds=2)
        reading = carbon.readings["work"]
        assert reading.duration_s > 0.2
        assert reading.components[-1].carbontracker.energy_wh_raw is None

    def test_fails():
        assert False

    def test_after():
        pass
"""


@pytest.mark.slow
def test_a_run_survives_every_failure_of_carbontracker_with_its_summary_and_exit_status(inner):
    done = inner(FAULTS)
    done.assert_outcomes(passed=25, failed=1)
    assert 1 == done.ret


@pytest.mark.slow
def test_a_report_names_neither_the_user_nor_a_folder(inner, pytester):
    code = """
    def test_work(benchmark, carbon):
        with carbon():
            benchmark.pedantic(lambda: sum(range(10**6)), rounds=3)
    """
    inner(code, "--benchmark-json=report.json")
    (entry,) = json.loads((pytester.path / "report.json").read_text())["benchmarks"]
    text = json.dumps(entry["extra_info"])
    assert str(pytester.path) not in text
    assert os.path.expanduser("~") + "/" not in text  # noqa: PTH111
