"""Peaks of memory, by blocks of known size, and by networks whose need is known."""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from types import SimpleNamespace

import pynvml
import pytest
import torch

from redl.metering import memory
from redl.metering.memory import MemoryMeter, paper_compatible_bytes
from redl.metering.predicted_memory import predicted_memory
from redl.results.gate.noise import CPU_SPREAD
from tests.helpers.sensors import DRIVER_ABSENT, FakeClock, ScriptedPower, fake_nvml, gpu_uuid

MIB = 2**20
BLOCK = 64 * MIB
SLACK = 8 * MIB  # the interpreter and the kernel's page counters move meanwhile

needs_resettable_peak = pytest.mark.skipif(
    not memory._reset_resident_peak(), reason="the kernel does not let the resident peak be reset"
)


def block():
    return torch.ones(BLOCK // 4)


@pytest.fixture
def meter():
    return MemoryMeter(torch.device("cpu"))


@needs_resettable_peak
def test_a_block_held_in_the_phase_raises_its_peak_by_its_size(meter):
    with meter.phase() as phase:
        held = block()
    assert abs(phase.peak.allocated_bytes - held.nbytes) < SLACK


@needs_resettable_peak
def test_a_block_freed_within_the_phase_still_counts(meter):
    with meter.phase() as phase:
        held = block()
        del held
    assert abs(phase.peak.allocated_bytes - BLOCK) < SLACK


@needs_resettable_peak
def test_a_block_freed_before_the_phase_does_not_count(meter):
    held = block()
    del held
    with meter.phase() as phase:
        pass
    assert phase.peak.allocated_bytes < SLACK


@needs_resettable_peak
def test_a_block_allocated_before_the_phase_and_kept_counts(meter):
    held = block()
    with meter.phase() as phase:
        pass
    assert abs(phase.peak.allocated_bytes - held.nbytes) < SLACK


@needs_resettable_peak
def test_freed_memory_that_the_c_heap_holds_on_to_does_not_count(meter):
    crumbs = [b"x" * (BLOCK // 1024) for _ in range(1024)]
    held = crumbs[-1]  # the end of the heap, below which nothing is given back by itself
    del crumbs
    with meter.phase() as phase:
        pass
    assert phase.peak.allocated_bytes < SLACK
    assert held


@needs_resettable_peak
def test_the_process_peak_is_absolute(meter):
    with meter.phase() as phase:
        block()
    assert meter._start_bytes == phase.peak.process_bytes - phase.peak.allocated_bytes


@needs_resettable_peak
def test_a_phase_that_raises_still_has_a_peak(meter):
    with pytest.raises(ZeroDivisionError), meter.phase() as phase:
        raise ZeroDivisionError
    assert phase.peak.process_bytes is not None


def test_a_phase_that_has_not_ended_has_no_peak(meter):
    with meter.phase() as phase:
        assert phase.peak is None


@pytest.mark.parametrize("file", ["_CLEAR_REFS", "_STATUS"])
def test_a_system_without_the_kernels_files_gives_none_and_a_reason(monkeypatch, tmp_path, file):
    monkeypatch.setattr(memory, file, tmp_path / "absent" / "file")
    with MemoryMeter(torch.device("cpu")).phase() as phase:
        pass
    assert (None, None) == (phase.peak.allocated_bytes, phase.peak.process_bytes)
    assert phase.peak.reason


@needs_resettable_peak
def test_a_peak_below_the_start_is_no_measurement():
    held = block()
    meter = MemoryMeter(torch.device("cpu"))
    del held
    with meter.phase() as phase:
        pass
    assert phase.peak.allocated_bytes is None
    assert "freed since" in phase.peak.reason


@pytest.fixture
def cuda_calls(monkeypatch):
    """Record what is asked of a CUDA device that is not there."""
    calls = []

    def answer(name, value):
        monkeypatch.setattr(torch.cuda, name, lambda device: calls.append((name, str(device))) or value)

    answer("synchronize", None)
    answer("reset_peak_memory_stats", None)
    answer("max_memory_allocated", 300)
    answer("max_memory_reserved", 400)
    answer("get_device_properties", SimpleNamespace(uuid=gpu_uuid(1).removeprefix("GPU-")))
    answer("memory_reserved", 400)
    answer("memory_allocated", 200)
    return calls


@pytest.fixture
def driver(monkeypatch, cuda_calls):
    """Put two GPUs in NVML's place; `running` are the processes of the second."""
    nvml = fake_nvml(monkeypatch, [ScriptedPower.constant(100)] * 2, FakeClock())
    nvml.running = [SimpleNamespace(pid=1, usedGpuMemory=9000), own_process(500)]

    def processes(handle):
        nvml._held()
        return nvml.running if handle.gpu is nvml.gpus[1] else []

    monkeypatch.setattr(pynvml, "nvmlDeviceGetComputeRunningProcesses", processes)
    return nvml


def own_process(used):
    return SimpleNamespace(pid=os.getpid(), usedGpuMemory=used)


def cuda_peak():
    with MemoryMeter(torch.device("cuda", 1)).phase() as phase:
        pass
    return phase.peak


@pytest.mark.usefixtures("driver")
def test_on_cuda_the_peaks_are_the_allocators_and_the_drivers(cuda_calls):
    peak = cuda_peak()
    assert (300, 400, 500) == (peak.allocated_bytes, peak.reserved_bytes, peak.process_bytes)
    assert peak.reason is None
    assert {"cuda:1"} == {device for _, device in cuda_calls}


def test_a_process_on_several_slices_takes_what_it_has_on_all(driver):
    driver.running.append(own_process(70))
    assert 570 == cuda_peak().process_bytes


def test_nvml_is_given_back_after_a_phase(driver):
    cuda_peak()
    assert [] == driver.holds


def process_unlisted(driver, monkeypatch):
    driver.running = [SimpleNamespace(pid=os.getpid() + 1, usedGpuMemory=500)]


def nothing_listed(driver, monkeypatch):
    driver.running = []


def number_of_another_process(driver, monkeypatch):
    driver.running = [own_process(399)]


def memory_unreported(driver, monkeypatch):
    driver.running = [own_process(None)]


def driver_absent(driver, monkeypatch):
    driver.absent = True


def gpu_unknown(driver, monkeypatch):
    driver.gpus = driver.gpus[:1]


def permission_denied(driver, monkeypatch):
    def deny(handle):
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NO_PERMISSION)

    monkeypatch.setattr(pynvml, "nvmlDeviceGetComputeRunningProcesses", deny)


def device_lost(driver, monkeypatch):
    def lose(device):
        raise RuntimeError("CUDA error: unspecified launch failure")

    monkeypatch.setattr(torch.cuda, "get_device_properties", lose)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (process_unlisted, "NVML does not list this process"),
        (nothing_listed, "NVML does not list this process"),
        (number_of_another_process, "NVML does not list this process"),
        (memory_unreported, "the driver does not report the memory of a process"),
        (driver_absent, str(pynvml.NVMLError(DRIVER_ABSENT))),
        (gpu_unknown, "knows no GPU of UUID"),
        (permission_denied, str(pynvml.NVMLError(pynvml.NVML_ERROR_NO_PERMISSION))),
        (device_lost, "unspecified launch failure"),
    ],
)
def test_without_the_drivers_count_the_others_stand_and_the_reason_is_given(
    driver, monkeypatch, fault, reason
):
    fault(driver, monkeypatch)
    peak = cuda_peak()
    assert (300, 400, None) == (peak.allocated_bytes, peak.reserved_bytes, peak.process_bytes)
    assert peak.reason.startswith("no process bytes: ")
    assert reason in peak.reason


@pytest.mark.usefixtures("cuda_calls")
def test_the_published_figure_is_reserved_and_allocated_memory_together():
    assert 600 == paper_compatible_bytes(torch.device("cuda"))


def test_the_published_figure_does_not_exist_on_a_cpu():
    assert paper_compatible_bytes(torch.device("cpu")) is None


@pytest.mark.usefixtures("driver")
def test_on_cuda_the_peak_is_reset_before_and_read_after_the_work_with_the_device_idle(cuda_calls):
    with MemoryMeter(torch.device("cuda")).phase():
        cuda_calls.append(("work", ""))
    assert [
        "synchronize",
        "reset_peak_memory_stats",
        "work",
        "synchronize",
    ] == [name for name, _ in cuda_calls][:4]
    assert {"max_memory_allocated", "max_memory_reserved"} <= {name for name, _ in cuda_calls[4:]}


@pytest.mark.usefixtures("cuda_calls")
def test_a_cuda_device_that_failed_does_not_hide_what_broke_the_phase(monkeypatch):
    def synchronize(device):
        raise RuntimeError(f"{device}: unspecified launch failure")

    def fail():
        monkeypatch.setattr(torch.cuda, "synchronize", synchronize)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), MemoryMeter(torch.device("cuda")).phase() as phase:
        fail()
    assert phase.peak.allocated_bytes is None


@pytest.mark.usefixtures("driver")
def test_on_cuda_the_c_library_is_left_alone(monkeypatch):
    changed = []
    monkeypatch.setattr(memory, "_map_large_blocks", lambda: changed.append(True))
    cuda_peak()
    assert [] == changed


BASE = {"batch": 2048, "width": 512}


def network(width, device):
    layers = [layer for _ in range(12) for layer in (torch.nn.Linear(width, width), torch.nn.ReLU())]
    return torch.nn.Sequential(*layers).to(device)


def train(*, batch, width):
    """Return the peak of two steps; gradients are cleared before the forward pass, as in redl's own loop."""
    meter = MemoryMeter(torch.device("cpu"))
    model = network(width, "cpu")
    optimizer = torch.optim.Adam(model.parameters())
    images = torch.rand(batch, width)
    with meter.phase() as phase:
        for _ in range(2):
            optimizer.zero_grad(set_to_none=True)
            loss = model(images).mean()
            loss.backward()
            optimizer.step()
    return phase.peak.allocated_bytes


def in_a_fresh_process(work, **sizes):
    """Call in a separate child, whose heap has no history of tests."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["redl.execution.preload"])
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(work, **sizes).result()


def needed(*, batch, width):
    """Count the bytes that must be held when the forward pass ends, on a device without memory."""
    model = network(width, "meta")
    parameters = {parameter.untyped_storage()._cdata for parameter in model.parameters()}
    saved = {}

    def note(tensor):
        storage = tensor.untyped_storage()
        if storage._cdata not in parameters:
            saved[storage._cdata] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        outputs = model(torch.rand(batch, width, device="meta"))
    activations = sum(storage.nbytes() for storage in saved.values())
    last_sums = outputs.nbytes  # the last ReLU's input, which is not saved
    predicted = predicted_memory(model.parameters(), state_width=lambda _: 32)
    return predicted.weights + predicted.optimizer_state + activations + last_sums


@pytest.fixture(scope="module")
def base_peak():
    return in_a_fresh_process(train, **BASE)


@pytest.mark.slow
@needs_resettable_peak
@pytest.mark.parametrize("doubled", BASE)
def test_doubling_the_batch_or_the_width_raises_the_peak_as_predicted(base_peak, doubled):
    larger = BASE | {doubled: 2 * BASE[doubled]}
    peak = in_a_fresh_process(train, **larger)
    assert abs(needed(**larger) - needed(**BASE) - (peak - base_peak)) < CPU_SPREAD * peak


@pytest.mark.slow
@needs_resettable_peak
def test_the_peak_is_what_a_network_needs_and_a_little_for_the_libraries(base_peak):
    assert needed(**BASE) < base_peak < needed(**BASE) + 64 * MIB  # 51 MB seen
