"""Peaks of memory, by blocks of known size."""

import pytest
import torch

from redl.metering import memory
from redl.metering.memory import MemoryMeter, predicted_memory

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
    return calls


def test_on_cuda_the_peaks_are_the_allocators(cuda_calls):
    with MemoryMeter(torch.device("cuda", 1)).phase() as phase:
        pass
    assert (300, 400) == (phase.peak.allocated_bytes, phase.peak.reserved_bytes)
    assert {"cuda:1"} == {device for _, device in cuda_calls}


@pytest.mark.usefixtures("cuda_calls")
def test_on_cuda_the_process_peak_is_none_with_a_reason():
    with MemoryMeter(torch.device("cuda")).phase() as phase:
        pass
    assert phase.peak.process_bytes is None
    assert phase.peak.reason


def test_on_cuda_the_peak_is_reset_before_and_read_after_the_work_with_the_device_idle(cuda_calls):
    with MemoryMeter(torch.device("cuda")).phase():
        cuda_calls.append(("work", ""))
    assert [
        "synchronize",
        "reset_peak_memory_stats",
        "work",
        "synchronize",
        "max_memory_allocated",
        "max_memory_reserved",
    ] == [name for name, _ in cuda_calls]


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


def parameters(*sizes, dtype=torch.float32):
    return [torch.nn.Parameter(torch.zeros(size, dtype=dtype)) for size in sizes]


def test_full_precision_with_adam_takes_16_bytes_a_parameter():
    predicted = predicted_memory(parameters(1000), optimizer_state_bits={"32": 1000})
    assert 16_000 == predicted.total


def test_half_weights_take_half_the_weights_and_gradients():
    predicted = predicted_memory(parameters(1000, dtype=torch.bfloat16), optimizer_state_bits={"16": 1000})
    assert (2000, 2000, 4000) == (predicted.weights, predicted.gradients, predicted.optimizer_state)


def test_frozen_weights_have_no_gradients():
    frozen = torch.nn.Parameter(torch.zeros(10), requires_grad=False)
    predicted = predicted_memory([frozen], optimizer_state_bits={})
    assert (40, 0, 0) == (predicted.weights, predicted.gradients, predicted.optimizer_state)


def test_8_bit_state_is_what_bitsandbytes_allocates():
    bitsandbytes = pytest.importorskip("bitsandbytes")
    held = parameters(256 * 100)
    optimizer = bitsandbytes.optim.Adam8bit(held)
    held[0].grad = torch.zeros_like(held[0])
    optimizer.init_state(optimizer.param_groups[0], held[0], 0, 0)
    state = optimizer.state[held[0]]
    allocated = sum(state[name].nbytes for name in ("state1", "state2", "absmax1", "absmax2"))
    assert allocated == predicted_memory(held, optimizer_state_bits={"8": 25_600}).optimizer_state


def test_a_last_incomplete_block_has_scales_too():
    assert 2 * 257 + 2 * 4 * 2 == predicted_memory([], optimizer_state_bits={"8": 257}).optimizer_state


def test_32_bit_state_is_what_torch_allocates():
    held = parameters(500)
    optimizer = torch.optim.Adam(held)
    held[0].grad = torch.zeros_like(held[0])
    optimizer.step()
    state = optimizer.state[held[0]]
    allocated = state["exp_avg"].nbytes + state["exp_avg_sq"].nbytes
    assert allocated == predicted_memory(held, optimizer_state_bits={"32": 500}).optimizer_state
