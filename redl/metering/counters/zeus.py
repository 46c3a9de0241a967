"""The counters that the optional library zeus reads: AMD GPUs, Apple silicon and Jetson modules.

Of zeus only the readers of these devices are used, not its monitor, which would choose NVIDIA's GPUs first,
and which spawns processes. It is imported only where such a device seems to be.
"""

from __future__ import annotations

import queue
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from redl.metering.carbontracker.stand_ins import one_line, swapped
from redl.metering.counters.difference import joules_between
from redl.metering.energy import SensorError

_AMD_DRIVER = Path("/dev/kfd")  # the interface that ROCm computes by
_JETSON = (Path("/etc/nv_tegra_release"), Path("/usr/lib/aarch64-linux-gnu/tegra"))
_APPLE_PARTS = {
    "cpu_total_mj": "CPU",
    "dram_mj": "memory",
    "gpu_mj": "GPU",
    "gpu_sram_mj": "GPU memory",
    "ane_mj": "neural engine",
}


def amd_seems_here() -> bool:
    """Return whether the driver of AMD's GPUs is loaded."""
    return _AMD_DRIVER.exists()


def chip_seems_here() -> bool:
    """Return whether this is Apple silicon or a Jetson module, whose CPU and GPU are one chip."""
    return sys.platform == "darwin" or any(path.exists() for path in _JETSON)


def visible_amd_gpus() -> tuple[str, ...]:
    """Return a label for each AMD GPU that HIP shows to this process; raise SensorError without zeus."""
    return tuple(f"AMD GPU {number}" for number in range(len(_amd())))


class AmdCounters:
    """The energy counters of the first `count` of the AMD GPUs that HIP shows to this process.

    Raise SensorError, in one line, if zeus or AMD's library cannot read them.
    """

    sensor = "zeus"
    pace = "how often the counter steps is not known"
    least_s = 1.0

    def __init__(self, count: int) -> None:
        self._gpus = _amd()
        if count > len(self._gpus):
            raise SensorError(f"zeus: AMD's library shows {len(self._gpus)} GPUs, and {count} are in use")
        with _one_line_faults():
            self.devices = tuple(str(self._gpus.get_name(position)) for position in range(count))
            for position in range(count):
                if not self._gpus.supports_get_total_energy_consumption(position):
                    raise SensorError(f"{self._label(position)}: zeus found its energy counter not usable")
        self.scope = "the GPUs used"
        # The driver has one counter for the two halves of this model, of which HIP makes two GPUs.
        halves = (name for name in self.devices if "MI250" in name)
        self.warnings = tuple(
            dict.fromkeys(f"zeus: {name}: both halves of the card are counted" for name in halves)
        )

    def read(self) -> tuple[int, ...]:
        """Return each GPU's millijoules since its driver was loaded; raise SensorError if one is missing."""
        with _one_line_faults():
            return tuple(
                int(self._gpus.get_total_energy_consumption(position))
                for position in range(len(self.devices))
            )

    def joules(self, before: Sequence[int], after: Sequence[int], seconds: float) -> float:
        """Return the energy between two readings; raise SensorError if they do not determine it."""
        return joules_between(before, after, seconds, self._label)

    def close(self) -> None:
        """Do nothing, because zeus keeps its handles of AMD's library as long as the process lives."""

    def _label(self, position: int) -> str:
        return f"zeus: GPU {position + 1} of {len(self.devices)}, {self.devices[position]}"


class ChipCounters:
    """The energy counters of a chip with CPU and GPU on it, all of its parts together.

    Raise SensorError, in one line, if zeus is not installed or finds no such chip.
    """

    sensor = "zeus"
    least_s = 1.0
    warnings: tuple[str, ...] = ()

    def __init__(self) -> None:
        _check_installed()
        with _one_line_faults():
            found = _apple() or _jetson()
        if found is None:
            raise SensorError("zeus: neither Apple silicon nor a Jetson module")
        self._chip, self.pace = found
        self._close: Callable[[], None] = getattr(self._chip, "close", lambda: None)
        self._parts = self._found_parts()
        self.devices = tuple(self._parts.values())
        self.scope = "the whole chip, with its GPU" if self.devices != ("module",) else "the whole module"

    def read(self) -> tuple[int, ...]:
        """Return each part's millijoules; raise SensorError if they cannot be read."""
        with _one_line_faults():
            # Asked twice, because a Jetson's reader counts up to 0.1 s only after it has answered.
            self._chip.get_total_energy_consumption()
            found = self._chip.get_total_energy_consumption()
            return tuple(int(getattr(found, part)) for part in self._parts)

    def joules(self, before: Sequence[int], after: Sequence[int], seconds: float) -> float:
        """Return the energy between two readings; raise SensorError if they do not determine it.

        A part may stand still, e.g. a GPU that is not used.
        """
        if any(end < start for start, end in zip(before, after, strict=True)):
            raise SensorError("zeus: a counter ran backwards: it was reset")
        return joules_between([sum(before)], [sum(after)], seconds, lambda _: "zeus")

    def close(self) -> None:
        """Stop reading; a second call does nothing."""
        close, self._close = self._close, lambda: None
        close()

    def _found_parts(self) -> dict[str, str]:
        """Return the parts that are counted, and their names; raise SensorError if some are missing."""
        with _one_line_faults():
            there = set(self._chip.get_available_metrics())
        for parts in ({"total_energy_mj": "module"}, {"cpu_energy_mj": "CPU", "gpu_energy_mj": "GPU"}):
            if set(parts) <= there:
                return parts
        parts = {name: label for name, label in _APPLE_PARTS.items() if name in there}
        if "cpu_total_mj" not in parts:
            self.close()
            raise SensorError("zeus: the chip has no sensor of all of its parts")
        return parts


@cache
def _amd() -> Any:  # noqa: ANN401 - zeus has no annotations that mypy may read
    """Return zeus's list of AMD GPUs; once, because it keeps handles that a second opening would void."""
    _check_installed()
    with _one_line_faults(), warnings.catch_warnings(action="ignore"):
        from zeus.device.gpu import amd

        if not amd.amdsmi_is_available():
            raise SensorError("zeus: AMD's library amdsmi, a part of ROCm, is not usable here")
        return amd.AMDGPUs()


def _apple() -> tuple[Any, str] | None:
    from zeus.device.soc import apple

    if not apple.apple_silicon_is_available():
        return None
    return apple.AppleSilicon(), "how often the counter steps is not known"


def _jetson() -> tuple[Any, str] | None:
    """Return the reader of a Jetson's power rails, as a thread instead of the process that zeus would spawn.

    A process of a case may start none, and one would outlive a case that is killed.
    """
    from zeus.device.soc import jetson

    if not jetson.jetson_is_available():
        return None
    threads = SimpleNamespace(get_context=lambda _: SimpleNamespace(Queue=queue.Queue, Process=_Poller))
    with swapped(jetson, "mp", threads):
        chip = jetson.Jetson()
    chip.close = chip._stop_process  # noqa: SLF001 - zeus itself stops only when Python ends
    return chip, "its power is read every 0.1 s"


class _Poller(threading.Thread):
    """A thread in place of a process."""

    def __init__(self, *, target: Callable[..., object], args: tuple[object, ...]) -> None:
        super().__init__(target=target, args=args, name="zeus poller", daemon=True)

    def kill(self) -> None:
        """Do nothing, because it has been told to stop."""


def _check_installed() -> None:
    if find_spec("zeus") is None or find_spec("zeus.device") is None:
        raise SensorError("zeus: not installed; `pip install 'redl[zeus]'` makes this device readable")


@contextmanager
def _one_line_faults() -> Iterator[None]:
    """Raise SensorError, in one line, for whatever goes wrong inside."""
    try:
        yield
    except SensorError:
        raise
    except Exception as error:  # each vendor's library raises its own
        raise SensorError(f"zeus: {one_line(error)}") from error
