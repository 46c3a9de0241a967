"""Peak memory of a phase, measured, and what weights, gradients and optimizer state should take.

On a GPU the peak is the allocator's. On a CPU it is the growth of the process's resident set since the
meter was made, which counts everything the process does and so is noisier. Build the meter after all
imports and the data, just before the model.
"""

from __future__ import annotations

import ctypes
import gc
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import torch

from redl.record import PredictedMemory

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")

# Block of bitsandbytes' 8-bit optimizers: one 32-bit scale for each 256 elements of each moment.
_BLOCK = 256

# What a process that does nothing may lose between two readings.
_UNREST_BYTES = 4 * 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class Peak:
    """Hold a phase's peaks in bytes; `reason` says why those that are None were not measured."""

    allocated_bytes: int | None
    reserved_bytes: int | None
    process_bytes: int | None
    reason: str | None


@dataclass(kw_only=True, slots=True)
class Phase:
    """Carry the peak of one phase, which is None until the phase ends."""

    peak: Peak | None = None


class MemoryMeter:
    """Measure the peak memory of phases on one device, against the memory in use when it is made."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        release_freed_memory()
        self._start_bytes = _resident("VmRSS")

    @contextmanager
    def phase(self) -> Iterator[Phase]:
        """Measure one phase; its `peak` is set when it ends, also by an exception.

        On CUDA `allocated_bytes` and `reserved_bytes` are the caching allocator's. On a CPU
        `allocated_bytes` is the resident peak above the meter's start and `process_bytes` that peak itself.
        """
        phase = Phase()
        on_cuda = self._device.type == "cuda"
        release_freed_memory()
        reset = self._reset_cuda() if on_cuda else _reset_resident_peak()
        try:
            yield phase
        finally:
            phase.peak = self._cuda_peak() if on_cuda else self._cpu_peak(reset=reset)

    def _reset_cuda(self) -> bool:
        torch.cuda.synchronize(self._device)
        torch.cuda.reset_peak_memory_stats(self._device)
        return True

    def _cuda_peak(self) -> Peak:
        try:
            torch.cuda.synchronize(self._device)
        except RuntimeError as error:  # must not hide what broke the phase
            return _unmeasured(f"the device failed: {type(error).__name__}")
        return Peak(
            allocated_bytes=torch.cuda.max_memory_allocated(self._device),
            reserved_bytes=torch.cuda.max_memory_reserved(self._device),
            process_bytes=None,
            reason="the process's own share of GPU memory is not read from NVML",
        )

    def _cpu_peak(self, *, reset: bool) -> Peak:
        if not reset:
            return _unmeasured("the kernel does not let a process reset its resident peak (clear_refs)")
        peak = _resident("VmHWM")
        if peak is None or self._start_bytes is None:
            return _unmeasured("this system does not tell a process its resident size (/proc/self/status)")
        if peak < self._start_bytes - _UNREST_BYTES:
            return _unmeasured("memory in use when the meter was made has been freed since")
        return Peak(
            allocated_bytes=max(0, peak - self._start_bytes),
            reserved_bytes=None,
            process_bytes=peak,
            reason="a CPU has no caching allocator that reserves memory",
        )


def predicted_memory(
    parameters: Iterable[torch.nn.Parameter], *, optimizer_state_bits: Mapping[str, int]
) -> PredictedMemory:
    """Predict the bytes of weights, gradients and Adam's two moments.

    `optimizer_state_bits` maps a state's width in bits to its number of parameters, as `{"32": 1000}`.
    8-bit state adds two 32-bit scales for each block of 256 elements, as bitsandbytes keeps it
    (Dettmers et al. 2022, arXiv 2110.02861).
    """
    held = list(parameters)
    weights = sum(parameter.numel() * parameter.element_size() for parameter in held)
    gradients = sum(p.numel() * p.element_size() for p in held if p.requires_grad)
    state = sum(_moments_bytes(int(bits), count) for bits, count in optimizer_state_bits.items())
    return PredictedMemory(
        weights=weights, gradients=gradients, optimizer_state=state, total=weights + gradients + state
    )


def release_freed_memory() -> None:
    """Collect garbage and give the C allocator's free pages back, so that they count as freed."""
    gc.collect()
    with suppress(AttributeError, OSError, TypeError):  # only glibc has malloc_trim
        ctypes.CDLL(None).malloc_trim(0)


def _moments_bytes(bits: int, count: int) -> int:
    scales = 4 * math.ceil(count / _BLOCK) if bits == 8 else 0
    return 2 * (count * bits // 8 + scales)


def _unmeasured(reason: str) -> Peak:
    return Peak(allocated_bytes=None, reserved_bytes=None, process_bytes=None, reason=reason)


def _reset_resident_peak() -> bool:
    """Set VmHWM back to VmRSS (proc_pid_clear_refs(5), value 5); tell whether that was allowed."""
    try:
        _CLEAR_REFS.write_text("5")
    except OSError:
        return False
    return True


def _resident(field: str) -> int | None:
    """Return a size that /proc/self/status gives in KiB, in bytes."""
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    sizes = [int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:")]
    return sizes[0] if sizes else None
