"""Measuring a runtime, in its own process: time, memory, answers, then energy.

Run as `python -m redl.deployment.measuring TASK RESULT`. Memory is read before the meter of energy is
imported, whose libraries no runtime needs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from statistics import median, quantiles

import msgspec
import numpy as np
from numpy.typing import NDArray

from redl.deployment.runtime import PACKAGES, Runtime
from redl.metering.machine import package_version
from redl.parent import end_with_writer_of
from redl.record.conditions import PhaseConditions
from redl.record.deployment import Batches, ServedProcess, SingleImages
from redl.record.placement import Placement
from redl.record.sections import EnergyReading
from redl.record.strict import Number, Section

Images = NDArray[np.uint8]
Answer = Callable[[Images], NDArray[np.float64]]

_STATUS = Path("/proc/self/status")
_WARM_UP_PASSES = 3


class Sizes(Section, frozen=True, kw_only=True):
    """How much is measured: single images for at least so many passes and seconds, batches as long."""

    passes: int
    at_least_s: float
    batch_size: int


class Assumed(Section, frozen=True, kw_only=True):
    """What no sensor measures; see `redl.metering.assumptions`."""

    country: str | None
    g_per_kwh: float | None
    pue: float
    cpu_tdp_w: float | None


class Task(Section, frozen=True, kw_only=True):
    """What a process is to measure: a runtime with its file, on the test images, from a folder."""

    runtime: Runtime
    threads: int
    folder: str
    file: str
    images: str
    sizes: Sizes
    assumed: Assumed
    placement: Placement


class Measured(Section, frozen=True, kw_only=True):
    """What a process found; `logits` has an entry for each test image, None where it is not finite."""

    single: SingleImages
    batches: Batches
    process: ServedProcess
    energy: EnergyReading
    conditions: PhaseConditions
    logits: tuple[Number | None, ...]


def measure(task: Task, answer: Answer) -> Measured:
    """Measure what answers images, from which nothing was asked before.

    `answer` takes uint8 images (N, 1, H, W) and returns their logits (N,).
    """
    images: Images = np.load(task.images, mmap_mode="r")
    batch = np.resize(images[: task.sizes.batch_size], (task.sizes.batch_size, *images.shape[1:]))
    answer(batch[:1])
    first = time.process_time()
    single = time_single(answer, batch, passes=task.sizes.passes, at_least_s=task.sizes.at_least_s)
    peak = resident_peak()
    batches = time_batches(answer, batch, at_least_s=task.sizes.at_least_s)
    process = ServedProcess(
        peak_bytes=peak,
        batch_peak_bytes=resident_peak(),
        first_answer_cpu_seconds=first,
        torch_loaded="torch" in sys.modules,
        versions=versions_of(task.runtime),
    )
    logits = np.concatenate(
        [answer(images[start : start + len(batch)]) for start in range(0, len(images), len(batch))]
    )
    energy, conditions = meter_energy(answer, batch, task)
    return Measured(
        single=single,
        batches=batches,
        process=process,
        energy=energy,
        conditions=conditions,
        logits=tuple(float(one) if np.isfinite(one) else None for one in logits),
    )


def time_single(answer: Answer, images: Images, *, passes: int, at_least_s: float) -> SingleImages:
    """Answer images one by one, in turns, at least so many and so long."""
    for place in range(_WARM_UP_PASSES):
        answer(images[place % len(images)][None])
    times: list[float] = []
    began, cpu = time.perf_counter(), time.process_time()
    for image in _in_turns(images):
        start = time.perf_counter()
        answer(image)
        times.append(time.perf_counter() - start)
        if len(times) >= max(2, passes) and time.perf_counter() - began >= at_least_s:
            break
    spent = time.process_time() - cpu
    return SingleImages(
        passes=len(times),
        p50_seconds=median(times),
        p95_seconds=quantiles(times, n=20, method="inclusive")[-1],
        cpu_seconds_per_image=spent / len(times),
    )


def time_batches(answer: Answer, batch: Images, *, at_least_s: float) -> Batches:
    """Answer a batch again and again, at least once and so long, after one that warms up."""
    answer(batch)
    began = time.perf_counter()
    passes, seconds = 0, 0.0
    while not passes or seconds < at_least_s:
        answer(batch)
        passes, seconds = passes + 1, time.perf_counter() - began
    images = passes * len(batch)
    return Batches(batch_size=len(batch), images=images, seconds=seconds, images_per_second=images / seconds)


def meter_energy(answer: Answer, images: Images, task: Task) -> tuple[EnergyReading, PhaseConditions]:
    """Meter the energy of images that are answered one by one, and the conditions meanwhile."""
    from redl.metering.assumptions import Assumptions
    from redl.metering.meter import EnergyMeter

    done = 0
    assumptions = Assumptions(**msgspec.structs.asdict(task.assumed))
    with EnergyMeter((), assumptions, placement=task.placement) as meter, meter.window():
        began = time.perf_counter()
        for image in _in_turns(images):
            answer(image)
            done += 1
            if done >= task.sizes.passes and time.perf_counter() - began >= task.sizes.at_least_s:
                break
    return meter.reading(images=done), meter.conditions()


def resident_peak() -> int | None:
    """Return the resident peak of this process since its start in bytes; None where no system says it."""
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), None)


def versions_of(runtime: Runtime) -> dict[str, str | None]:
    """Return the versions of what runs the network, of what made its file, and of Python's arrays."""
    packages = ("torch", "timm") if runtime.needs_torch else (*PACKAGES, "torch")
    return {name: package_version(name) for name in (*packages, "numpy")}


def _in_turns(images: Images) -> Iterator[Images]:
    for place in count():
        yield images[place % len(images)][None]


def _load(task: Task) -> Answer:
    """Load the network that a task names."""
    if task.runtime.needs_torch:
        from redl.deployment.torch_serving import load

        return load(Path(task.folder), Path(task.file), runtime=task.runtime, threads=task.threads)
    from redl.deployment.onnx_serving import load as load_onnx

    return load_onnx(Path(task.file), threads=task.threads)


if __name__ == "__main__":
    end_with_writer_of(sys.stdin.fileno())
    _task = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Task)
    Path(sys.argv[2]).write_bytes(msgspec.json.encode(measure(_task, _load(_task))))
