"""Carbon: the energy of a block of any pytest test, beside what pytest-benchmark times."""

from __future__ import annotations

import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

from msgspec.structs import replace

from redl.metering.assumptions import Assumptions
from redl.metering.energy import SensorError
from redl.metering.gpus import visible_gpus
from redl.metering.meter import EnergyMeter
from redl.record import EnergyReading
from redl.record.strict import encode


class Carbon:
    """Meter blocks of a test: `with carbon("training"): ...`.

    Each block's reading is kept in `readings` under its name and, as plain values, in `extra_info["carbon"]`;
    its watt-hours go into the test's `properties`, which JUnit reports show. GPUs that the process may see
    are counted, and waited for at both edges if the process uses them through torch.
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
        """Meter one block, in which `images` are worked on; raise ValueError for a name that was used."""
        if name in self.readings:
            raise ValueError(f"carbon({name!r}): this test has metered a block of that name; give another")
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
    """Return the UUIDs of the GPUs that the process may see, and what is to be known of that choice."""
    try:
        gpus = visible_gpus()
    except SensorError as absent:
        return [], [f"no GPU is counted: {absent}"]
    return [gpu.uuid for gpu in gpus], sorted({note for gpu in gpus for note in gpu.warnings})


def _synchronize() -> None:
    """Wait for the GPU if torch uses it here; a test without torch does not pay for its import."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.synchronize()
