"""The GPUs that a process uses, by UUID because CUDA and NVML number them differently."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import pynvml

from redl.metering.energy import SensorError

_ORDER_WARNING = (
    "CUDA_VISIBLE_DEVICES counts GPUs of different models, which CUDA orders by speed and NVML by PCI bus: "
    "set CUDA_DEVICE_ORDER=PCI_BUS_ID, or name them by UUID"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Gpu:
    """A physical GPU.

    `slice`: only a MIG slice of it is used; its energy is still that of the whole GPU.
    """

    uuid: str
    name: str
    slice: bool = False
    warnings: tuple[str, ...] = ()


@contextmanager
def nvml() -> Iterator[None]:
    """Keep NVML open in the block; handles are not valid after it. Raise SensorError for NVML errors."""
    with nvml_faults():
        pynvml.nvmlInit()
        try:
            yield
        finally:
            with suppress(pynvml.NVMLError):  # nothing is left to release
                pynvml.nvmlShutdown()


@contextmanager
def nvml_faults(what: str = "NVML") -> Iterator[None]:
    """Raise SensorError, in one line that begins with `what`, for any NVML error inside."""
    try:
        yield
    except pynvml.NVMLError as error:
        raise SensorError(f"{what}: {error}") from error


def open_handle(gpu: Gpu) -> Any:  # noqa: ANN401 - an opaque pointer
    """Return NVML's handle of a GPU, valid while NVML is open; raise SensorError without one."""
    with nvml_faults():
        return pynvml.nvmlDeviceGetHandleByUUID(gpu.uuid)


def gpu_of(uuid: str) -> Gpu:
    """Return the GPU of a UUID, or of one of its MIG slices, with or without the prefix `GPU-` or `MIG-`.

    Raise SensorError if NVML knows none.
    """
    prefixes = ("",) if uuid.startswith(("GPU-", "MIG-")) else ("GPU-", "MIG-")
    with nvml():
        for prefix in prefixes:
            with suppress(pynvml.NVMLError_NotFound, pynvml.NVMLError_InvalidArgument):
                return _gpu(pynvml.nvmlDeviceGetHandleByUUID(prefix + uuid))
    raise SensorError(f"NVML: knows no GPU of UUID {uuid}")


def visible_gpus() -> tuple[Gpu, ...]:
    """Return the GPUs that CUDA_VISIBLE_DEVICES leaves to this process, in its order, without asking CUDA.

    Raise SensorError if NVML cannot be used, or if numbers do not determine which of several GPUs in MIG
    mode CUDA will use.
    """
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None and re.match(r"\s*(-|$)", chosen):
        return ()
    if chosen is not None and chosen.startswith("MIG-"):
        return _parents(chosen.split(","))
    with nvml():
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        every = [_gpu(handle) for handle in handles]
    return _visible(every, chosen)


def computes_bfloat16() -> bool:
    """Return whether the first visible GPU has bfloat16 instructions; False without a GPU or if NVML fails.

    They came with compute capability 8.0 (CUDA C++ Programming Guide, features by compute capability).
    """
    try:
        gpus = visible_gpus()
        with nvml(), nvml_faults():
            major, _ = pynvml.nvmlDeviceGetCudaComputeCapability(open_handle(gpus[0])) if gpus else (0, 0)
    except SensorError:
        return False
    return bool(major >= 8)


def _visible(every: Sequence[Gpu], chosen: str | None) -> tuple[Gpu, ...]:
    if len(every) > 1 and any(gpu.slice for gpu in every):
        raise SensorError("several GPUs, some in MIG mode: name the slice in CUDA_VISIBLE_DEVICES")
    if chosen is None:
        return tuple(every)
    by_uuid = chosen.startswith("GPU-")
    positions = list(_positions(chosen.split(","), [gpu.uuid for gpu in every], by_uuid=by_uuid))
    if len(set(positions)) < len(positions):  # CUDA then shows no GPU
        return ()
    gpus = tuple(every[position] for position in positions)
    if by_uuid or len(gpus) == len(every) or not _orders_differ(every):
        return gpus
    return tuple(replace(gpu, warnings=(_ORDER_WARNING,)) for gpu in gpus)


def _orders_differ(gpus: Sequence[Gpu]) -> bool:
    return len({gpu.name for gpu in gpus}) > 1 and os.environ.get("CUDA_DEVICE_ORDER") != "PCI_BUS_ID"


def _positions(entries: Sequence[str], uuids: Sequence[str], *, by_uuid: bool) -> Iterator[int]:
    """Yield the place of each entry in NVML's order; the first invalid one ends the list, as in CUDA."""
    for entry in entries:
        if by_uuid:
            # An abbreviated UUID counts if it fits only one GPU.
            found = [place for place, uuid in enumerate(uuids) if uuid.startswith(entry)]
            place = found[0] if entry.startswith("GPU-") and len(found) == 1 else -1
        else:
            number = re.match(r"\s*\+?(\d+)", entry)  # CUDA reads the digits that lead
            place = int(number[1]) if number else -1
        if not 0 <= place < len(uuids):
            return
        yield place


def _parents(entries: Sequence[str]) -> tuple[Gpu, ...]:
    """Return the GPUs of the named MIG slices, each once; the first unknown one ends the list."""
    gpus: list[Gpu] = []
    with nvml():
        for entry in entries:
            try:
                gpus.append(_gpu(pynvml.nvmlDeviceGetHandleByUUID(entry)))
            except (pynvml.NVMLError_NotFound, pynvml.NVMLError_InvalidArgument):
                break
    return tuple(dict.fromkeys(gpus))


def _gpu(handle: Any) -> Gpu:  # noqa: ANN401 - an opaque pointer
    """Describe the physical GPU of a handle, which may be a slice's."""
    sliced = pynvml.nvmlDeviceGetUUID(handle).startswith("MIG-")
    if sliced:
        handle = pynvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(handle)
    return Gpu(
        uuid=pynvml.nvmlDeviceGetUUID(handle),
        name=pynvml.nvmlDeviceGetName(handle),
        slice=sliced or _in_mig_mode(handle),
    )


def _in_mig_mode(handle: Any) -> bool:  # noqa: ANN401 - an opaque pointer
    """Return whether CUDA can use only slices of a GPU; models and drivers before MIG raise an error."""
    try:
        current, _ = pynvml.nvmlDeviceGetMigMode(handle)
    except pynvml.NVMLError:
        return False
    return bool(current)
