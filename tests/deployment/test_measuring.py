"""Measuring a runtime: what is counted, in which order, and without torch."""

import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from msgspec.structs import replace

from redl.deployment import measuring
from redl.deployment.measuring import (
    Assumed,
    Sizes,
    Task,
    measure,
    resident_peak,
    time_batches,
    time_single,
    versions_of,
)
from redl.deployment.runtime import Runtime
from redl.metering.meter import EnergyMeter
from redl.record import HERE

IMAGES = np.arange(5 * 4, dtype=np.uint8).reshape(5, 1, 2, 2)
ASSUMED = Assumed(country=None, g_per_kwh=None, pue=1.0, cpu_tdp_w=65.0)


class Clock:
    """A clock of wall and processor time that stands still but while images are answered."""

    def __init__(self, monkeypatch):
        self.now, self.cpu, self.asked = 0.0, 0.0, []
        time = SimpleNamespace(perf_counter=lambda: self.now, process_time=lambda: self.cpu)
        monkeypatch.setattr(measuring, "time", time)

    def answer(self, images):
        """Take 2 s an image, 3 s of two processors; the tenth question takes 20 s."""
        self.asked.append(len(images))
        self.now += 20.0 if len(self.asked) == 10 else 2.0 * len(images)
        self.cpu += 3.0 * len(images)
        return images[:, 0, 0, 0].astype(np.float64)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def test_images_are_timed_one_by_one_after_a_warm_up(clock):
    found = time_single(clock.answer, IMAGES, passes=20, at_least_s=0.0)
    assert [1] * 23 == clock.asked
    assert (20, 2.0, 3.0) == (found.passes, found.p50_seconds, found.cpu_seconds_per_image)
    assert 2.9 == pytest.approx(found.p95_seconds)  # between the 19th of 2 s and the one of 20 s


def test_single_images_go_on_for_as_long_as_is_asked(clock):
    assert 11 == time_single(clock.answer, IMAGES, passes=2, at_least_s=40.0).passes


def test_every_image_has_its_turn():
    seen = []
    time_single(lambda images: seen.append(int(images[0, 0, 0, 0])), IMAGES, passes=7, at_least_s=0.0)
    assert [0, 4, 8, 0, 4, 8, 12, 16, 0, 4] == seen


def test_batches_are_timed_after_a_warm_up(clock):
    found = time_batches(clock.answer, IMAGES, at_least_s=25.0)
    assert [5] * 4 == clock.asked
    assert (5, 15, 30.0, 0.5) == (found.batch_size, found.images, found.seconds, found.images_per_second)


@pytest.fixture
def task(tmp_path):
    np.save(tmp_path / "images.npy", IMAGES)
    return Task(
        runtime=Runtime.ONNX,
        threads=1,
        folder=str(tmp_path),
        file="model.onnx",
        images=str(tmp_path / "images.npy"),
        sizes=Sizes(passes=2, at_least_s=0.0, batch_size=2),
        assumed=ASSUMED,
        placement=HERE,
    )


def test_every_image_is_answered_once_and_in_order(task):
    found = measure(task, lambda images: images[:, 0, 0, 0].astype(np.float64))
    assert (0.0, 4.0, 8.0, 12.0, 16.0) == found.logits


def test_an_answer_that_is_not_finite_is_none(task):
    found = measure(task, lambda images: np.where(images[:, 0, 0, 0] == 8, np.inf, 1.0))
    assert (1.0, 1.0, None, 1.0, 1.0) == found.logits


def test_a_batch_larger_than_the_test_part_is_filled_with_its_images(task, clock):
    sizes = replace(task.sizes, batch_size=12)
    found = measure(replace(task, sizes=sizes), clock.answer)
    assert 12 == found.batches.batch_size
    assert 5 == len(found.logits)


def test_energy_is_that_of_the_images_in_its_window(task):
    found = measure(task, lambda images: images[:, 0, 0, 0].astype(np.float64))
    assert 2 == found.energy.images
    assert found.energy.energy_wh_per_image is None or found.energy.energy_wh_per_image > 0


def test_the_meter_of_energy_knows_what_else_runs_on_the_node(task, monkeypatch):
    seen = []

    class Noting(EnergyMeter):
        def __init__(self, *of, placement, **words):
            seen.append(placement)
            super().__init__(*of, placement=placement, **words)

    monkeypatch.setattr("redl.metering.meter.EnergyMeter", Noting)
    beside = replace(task, placement=replace(HERE, neighbours=1))
    measure(beside, lambda images: images[:, 0, 0, 0].astype(np.float64))
    assert [beside.placement] == seen


GROWN = """
import numpy
from redl.deployment.measuring import resident_peak
before = resident_peak()
numpy.ones(2**27, numpy.uint8)
print((resident_peak() or 0) - (before or 0))
"""


def test_the_peak_is_that_of_all_that_the_process_has_held():
    if resident_peak() is None:
        pytest.skip("this system does not report it")
    done = subprocess.run([sys.executable, "-c", GROWN], capture_output=True, text=True, check=True)
    assert 2**27 == pytest.approx(int(done.stdout), rel=0.05)


def test_a_system_without_peaks_has_none(monkeypatch, tmp_path):
    monkeypatch.setattr(measuring, "_STATUS", tmp_path / "absent")
    assert resident_peak() is None


def test_versions_name_what_runs_the_network_and_what_made_its_file():
    assert {"torch", "timm", "numpy"} == versions_of(Runtime.TORCH).keys()
    assert {"onnxruntime", "onnx", "onnxscript", "torch", "numpy"} == versions_of(Runtime.ONNX).keys()


LOADED = """
import json, sys
import redl.deployment.measuring, redl.deployment.onnx_serving
before = sorted({"torch", "carbontracker", "onnxruntime"} & set(sys.modules))
import onnxruntime, redl.metering.meter
print(json.dumps([before, "torch" in sys.modules]))
"""


def test_neither_onnx_nor_the_meter_imports_torch():
    pytest.importorskip("onnxruntime")
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert [[], False] == json.loads(done.stdout)
