"""The energy of a block of any pytest test, in addition to what pytest-benchmark times."""

from __future__ import annotations

import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

from msgspec.structs import replace

from redl.metering.assumptions import Assumptions
from redl.metering.counters.zeus import amd_seems_here, visible_amd_gpus
from redl.metering.energy import SensorError
from redl.metering.gpus import visible_gpus
from redl.metering.meter import EnergyMeter
from redl.record import EnergyReading
from redl.record.strict import encode


class Carbon:
    """A meter for blocks of a test: `with carbon("training"): ...`.

    The reading of each block is kept in `readings` under its name and, as plain values, in
    `extra_info["carbon"]`; its watt-hours go into the `properties` of the test, which JUnit reports show. The
    GPUs that the process may see are counted, and waited for at both edges if it uses them through torch.
    """

    def __init__(
        self,
        assumptions: Assumptions,
        extra_info: MutableMapping[str, Any],
        properties: list[tuple[str, object]],
    ) -> None:
        self.readings: dict[str, EnergyReading] = {}
        self._assumptions = assumptions
        self._extra_info = extra_info
        self._properties = properties

    @contextmanager
    def __call__(self, name: str = "block", *, images: int | None = None) -> Iterator[None]:
        """Meter one block, in which `images` are processed; raise ValueError for a name already used."""
        if name in self.readings:
            raise ValueError(
                f"carbon({name!r}): this test has already metered a block of that name; use another"
            )
        gpus, notes = _gpus()
        with EnergyMeter(gpus, self._assumptions, synchronize=_synchronize) as meter:
            try:
                with meter.window():
                    yield
            finally:
                reading = meter.reading(images=images)
                self._keep(name, replace(reading, warnings=(*reading.warnings, *notes)))

    def _keep(self, name: str, reading: EnergyReading) -> None:
        self.readings[name] = reading
        self._extra_info.setdefault("carbon", {})[name] = encode(reading, f"carbon({name!r})")
        self._properties.append((f"carbon_{name}_wh", reading.energy_wh))


def _gpus() -> tuple[list[str], list[str]]:
    """Return the UUIDs of the GPUs that the process may see, and notes on that choice."""
    try:
        gpus = visible_gpus()
    except SensorError as absent:
        if not amd_seems_here():
            return [], [f"no GPU is counted: {absent}"]
        try:
            return list(visible_amd_gpus()), []
        except SensorError as other:
            return [], [f"no GPU is counted: {absent}; {other}"]
    return [gpu.uuid for gpu in gpus], sorted({note for gpu in gpus for note in gpu.warnings})


def _synchronize() -> None:
    """Wait for the GPU if torch uses it here, without importing torch for a test that does not."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.synchronize()
