"""The energy counters of NVIDIA GPUs, Volta and later."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

import pynvml

from redl.metering.counters.difference import joules_between
from redl.metering.gpus import Gpu, nvml, nvml_faults, open_handle


class GpuCounters:
    """The energy counters of GPUs, each once; raises SensorError if NVML does not know one of them."""

    sensor = "nvml_energy_counter"
    pace = "the counter steps every 0.01 to 0.1 s"  # arXiv 2312.02741
    least_s = 1.0  # ten of the longest steps

    def __init__(self, gpus: Sequence[Gpu]) -> None:
        self._gpus = tuple({gpu.uuid: gpu for gpu in gpus}.values())
        self.devices = tuple(gpu.name for gpu in self._gpus)
        sliced = any(gpu.slice for gpu in self._gpus)
        self.scope = "whole GPUs, of which slices were used" if sliced else "the GPUs used"
        self.warnings = tuple(dict.fromkeys(note for gpu in self._gpus for note in gpu.warnings))
        with ExitStack() as held:
            held.enter_context(nvml())
            self._handles = [open_handle(gpu) for gpu in self._gpus]
            self._held = held.pop_all()

    def read(self) -> tuple[int, ...]:
        """Return each GPU's millijoules since its driver was loaded; raise SensorError if one is missing."""
        return tuple(self._millijoules(position) for position in range(len(self._handles)))

    def joules(self, before: Sequence[int], after: Sequence[int], seconds: float) -> float:
        """Return the energy between two readings; raise SensorError if they do not determine it."""
        return joules_between(before, after, seconds, self._label)

    def close(self) -> None:
        """Release NVML; a second call does nothing."""
        self._held.close()

    def _millijoules(self, position: int) -> int:
        with nvml_faults(self._label(position)):
            return int(pynvml.nvmlDeviceGetTotalEnergyConsumption(self._handles[position]))

    def _label(self, position: int) -> str:
        return f"NVML: GPU {position + 1} of {len(self._gpus)}, {self._gpus[position].name}"
