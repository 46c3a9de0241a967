"""Measured peak memory of a phase.

On a GPU the peak is the allocator's. On a CPU it is the growth of the process's resident set since the
meter was made, which includes everything the process does and freed memory that the C library keeps.
Create the meter after all imports and the data, just before the model.
"""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from redl.metering.energy import SensorError

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")

# mallopt(3): from this size on a block is mapped by itself, and goes back to the system when it is freed.
# glibc would raise its own 128 KiB to 32 MiB as blocks are freed, and then keep freed activations resident:
# the peak of a small network was 1.8 times what it held. 1 MiB costs about 3 % of DenseNet-121's time at
# 32 px, 128 KiB would cost 45 %.
_M_MMAP_THRESHOLD = -3
_MAPPED_BYTES = 2**20

# What an idle process may lose between two readings.
_UNREST_BYTES = 4 * 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class Peak:
    """The peaks of a phase in bytes; `reason` names those that are None and says why."""

    allocated_bytes: int | None
    reserved_bytes: int | None
    process_bytes: int | None
    reason: str | None


@dataclass(kw_only=True, slots=True)
class Phase:
    """A phase being measured; `so_far` returns its peak until now, and `peak` is None until it ends."""

    so_far: Callable[[], Peak]
    peak: Peak | None = None


class MemoryMeter:
    """A meter of the peak memory of phases on one device, above the memory in use when it is made.

    On a CPU it makes the C library return large blocks as soon as they are freed, permanently.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        if device.type == "cpu":
            _map_large_blocks()
        release_freed_memory()
        self._start_bytes = _resident("VmRSS")

    @property
    def start_bytes(self) -> int | None:
        """Return the resident size when the meter was made; None on a GPU, and where it cannot be read."""
        return self._start_bytes if self._device.type == "cpu" else None

    @contextmanager
    def phase(self) -> Iterator[Phase]:
        """Measure one phase; its `peak` is set when it ends, also by an exception.

        On CUDA `allocated_bytes` and `reserved_bytes` are the caching allocator's, and `process_bytes` is
        what the driver counts for this process when the phase ends. On a CPU `allocated_bytes` is the
        resident peak above the meter's start and `process_bytes` that peak itself.
        """
        on_cuda = self._device.type == "cuda"
        release_freed_memory()
        reset = self._reset_cuda() if on_cuda else _reset_resident_peak()
        phase = Phase(so_far=self._cuda_peak if on_cuda else partial(self._cpu_peak, reset=reset))
        try:
            yield phase
        finally:
            phase.peak = phase.so_far()

    def _reset_cuda(self) -> bool:
        torch.cuda.synchronize(self._device)
        torch.cuda.reset_peak_memory_stats(self._device)
        return True

    def _cuda_peak(self) -> Peak:
        try:
            torch.cuda.synchronize(self._device)
        except RuntimeError as error:  # must not hide what broke the phase
            return _unmeasured(f"the device failed: {type(error).__name__}")
        counted, reason = process_bytes(self._device)
        return Peak(
            allocated_bytes=torch.cuda.max_memory_allocated(self._device),
            reserved_bytes=torch.cuda.max_memory_reserved(self._device),
            process_bytes=counted,
            reason=reason,
        )

    def _cpu_peak(self, *, reset: bool) -> Peak:
        if not reset:
            return _unmeasured("the kernel does not let a process reset its resident peak (clear_refs)")
        peak = _resident("VmHWM")
        if peak is None or self._start_bytes is None:
            return _unmeasured(
                "this system does not report the resident size of a process (/proc/self/status)"
            )
        if peak < self._start_bytes - _UNREST_BYTES:
            return _unmeasured("memory in use when the meter was made has been freed since")
        return Peak(
            allocated_bytes=max(0, peak - self._start_bytes),
            reserved_bytes=None,
            process_bytes=peak,
            reason="no reserved bytes: a CPU has no caching allocator that reserves memory",
        )


def paper_compatible_bytes(device: torch.device) -> int | None:
    """Return reserved plus allocated memory at this moment, which the published code printed; None on a CPU.

    It counts allocated memory twice and is no peak: Selvan, Schoen and Dam (2023) read it after the first
    epoch.
    """
    if device.type != "cuda":
        return None
    return torch.cuda.memory_reserved(device) + torch.cuda.memory_allocated(device)


def process_bytes(device: torch.device) -> tuple[int | None, str | None]:
    """Return the GPU memory that the driver counts for this process, or None with the reason.

    It includes the context, the kernels and everything that the caching allocator reserved. None of it is
    returned before the process ends or empties the cache, so the value after a phase is the peak so far.
    """
    try:
        return _driver_bytes(device), None
    except (SensorError, RuntimeError) as error:  # must not hide what broke the phase
        return None, f"no process bytes: {error}"


def release_freed_memory() -> None:
    """Collect garbage and return the C allocator's free pages, so that they count as freed."""
    gc.collect()
    with suppress(AttributeError, OSError, TypeError):  # only glibc has malloc_trim
        ctypes.CDLL(None).malloc_trim(0)


def _map_large_blocks() -> None:
    with suppress(AttributeError, OSError, TypeError):  # only glibc's mallopt is known to do it
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _MAPPED_BYTES)


def _driver_bytes(device: torch.device) -> int:
    import pynvml  # only where there is a GPU

    from redl.metering.gpus import gpu_of, nvml, open_handle

    gpu = gpu_of(str(torch.cuda.get_device_properties(device).uuid))
    with nvml():
        running = pynvml.nvmlDeviceGetComputeRunningProcesses(open_handle(gpu))
    own = [process.usedGpuMemory for process in running if process.pid == os.getpid()]
    if None in own:
        raise SensorError("the driver does not report the memory of a process")
    # Inside a container the driver may number processes as the host does, so this number may be another's.
    if sum(own) < torch.cuda.memory_reserved(device) or not own:
        raise SensorError("NVML does not list this process, as in a container with its own process numbers")
    return int(sum(own))


def _unmeasured(cause: str) -> Peak:
    reason = f"no figure: {cause}"
    return Peak(allocated_bytes=None, reserved_bytes=None, process_bytes=None, reason=reason)


def _reset_resident_peak() -> bool:
    """Set VmHWM back to VmRSS (proc_pid_clear_refs(5), value 5); return whether that was allowed."""
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
