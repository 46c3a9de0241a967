"""The energy counters of CPU packages and their memory that the kernel shows below /sys/class/powercap."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from redl.metering.energy import SensorError

POWERCAP = Path("/sys/class/powercap")

# Not intel-rapl-mmio, a second way to read the same packages.
_ZONE = re.compile(r"intel-rapl:\d+(:\d+)?")
_REMEDY = "allow reading its energy_uj files"
_MOST_WATTS = 500  # what a package may draw for minutes on end
_SENSELESS_WATTS = 1000  # a counter that is set to 0, as by a suspended machine, seems to wrap around
_ATTEMPTS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Zone:
    """One counter: where it is, what it counts and where it wraps around.

    `name` is the folder's, e.g. `intel-rapl:0:1`; `label` is `package-0`, or `package-0/dram` for its memory.
    """

    name: str
    label: str
    range_uj: int
    folder: Path

    def read(self) -> int:
        """Return the energy counted so far, in microjoules; raise SensorError if it cannot be read."""
        return _number(self.folder / "energy_uj")


def find_zones() -> tuple[Zone, ...]:
    """Return all packages and their memory, in order; of those with the same label or value only the first.

    Raise SensorError if there are none, if they cannot be read, or if another task of this node reads them.
    """
    zones = _distinct(_readable_zones())
    by_value = dict(zip(reversed(_read_steadily(zones)), reversed(zones), strict=True))
    return tuple(by_value.values())[::-1]


def delta_uj(zone: Zone, before: int, after: int) -> int:
    """Return the energy counted between two readings, in microjoules, with a wrap-around undone."""
    return after - before if after >= before else after - before + zone.range_uj


class PackageCounters:
    """The energy counters of all CPU packages and their memory; raises SensorError if they cannot be read."""

    sensor = "rapl_powercap"
    pace = "the counter steps every 0.001 s"  # Intel's Software Developer's Manual, volume 3, RAPL
    least_s = 0.01  # ten steps
    scope = "node: all CPU packages, with their memory where it is a zone"

    def __init__(self) -> None:
        listed = _readable_zones()
        self._zones = _distinct(listed)
        self.devices = tuple(zone.label for zone in self._zones)
        # A dictionary keeps their order and each of them once.
        self._notes = {
            f"{zone.label} is listed twice and counted once": None
            for zone in listed
            if zone not in self._zones
        }

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return what a reader of the figure should know."""
        return tuple(f"{self.sensor}: {note}" for note in self._notes)

    def read(self) -> tuple[int, ...]:
        """Return each zone's microjoules; read again while any moves, so that mirrored ones are equal."""
        return _read_steadily(self._zones)

    def joules(self, before: Sequence[int], after: Sequence[int], seconds: float) -> float:
        """Return the energy between two readings; raise SensorError if they do not determine it."""
        counted: dict[tuple[int, int], int] = {}
        for zone, start, end in zip(self._zones, before, after, strict=True):
            delta = _checked_delta_uj(zone, start, end, seconds)
            if delta == 0:
                self._notes[f"{zone.label} did not move"] = None
            elif (start, end) in counted:
                self._notes[f"{zone.label} mirrors another and is not counted"] = None
            else:
                counted[start, end] = delta
        return sum(counted.values()) / 1e6

    def close(self) -> None:
        """Do nothing, because each reading closes its files."""


def _read_steadily(zones: Sequence[Zone]) -> tuple[int, ...]:
    passes = (tuple(zone.read() for zone in zones) for _ in range(_ATTEMPTS))
    for one, other in pairwise(passes):
        if one == other:
            break
    return other


def _checked_delta_uj(zone: Zone, before: int, after: int, seconds: float) -> int:
    if seconds > zone.range_uj / 1e6 / _MOST_WATTS:
        raise SensorError(
            f"powercap: {zone.label} may have wrapped around more than once in a window of {seconds:.0f} s"
        )
    delta = delta_uj(zone, before, after)
    if after < before and delta > 1e6 * _SENSELESS_WATTS * (seconds + 1):
        raise SensorError(f"powercap: {zone.label}: the counter ran backwards: it was reset")
    # Memory that the processor does not count is a zone that stands still.
    if delta == 0 and not zone.label.endswith("/dram"):
        raise SensorError(f"powercap: {zone.label}: the counter did not move in a window of {seconds:.3f} s")
    return delta


def _distinct(zones: Sequence[Zone]) -> tuple[Zone, ...]:
    return tuple({zone.label: zone for zone in reversed(zones)}.values())[::-1]


def _readable_zones() -> tuple[Zone, ...]:
    task = os.environ.get("SLURM_LOCALID", "0")
    if task != "0":
        raise SensorError(f"powercap: task {task} of this node; task 0 counts the CPU packages")
    folders = {folder.name: folder for folder in _folders()}
    names = {name: _label(folder) for name, folder in folders.items()}
    zones = []
    for name in sorted(folders, key=lambda name: [int(number) for number in name.split(":")[1:]]):
        label = _counted_label(name, names)
        if label is not None:
            limit = _number(folders[name] / "max_energy_range_uj")
            zones.append(Zone(name=name, label=label, range_uj=limit, folder=folders[name]))
    if not zones:
        raise SensorError("powercap: no zone of a CPU package")
    for zone in zones:
        zone.read()
    return tuple(zones)


def _folders() -> Iterator[Path]:
    """Yield the zones' folders; nested ones are mostly at the top too, as links."""
    try:
        for zone in _zones_in(POWERCAP):
            yield zone
            yield from _zones_in(zone)
    except OSError as error:
        raise SensorError(f"powercap: {POWERCAP}: {error.strerror}") from error


def _zones_in(folder: Path) -> list[Path]:
    return [entry for entry in folder.iterdir() if _ZONE.fullmatch(entry.name)]


def _counted_label(name: str, names: dict[str, str]) -> str | None:
    """Return a zone's label; None for cores and uncore, parts of packages, and psys, which has them all."""
    parent = names.get(name.rpartition(":")[0], "")
    if names[name].startswith("package-"):
        return names[name]
    return f"{parent}/dram" if names[name] == "dram" and parent.startswith("package-") else None


def _label(folder: Path) -> str:
    return _text(folder / "name").strip()


def _number(path: Path) -> int:
    try:
        return int(_text(path))
    except ValueError as error:
        raise SensorError(f"powercap: {path.parent.name}: {path.name} does not contain a number") from error


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except PermissionError as error:
        raise SensorError(f"powercap: {path.parent.name} is denied; {_REMEDY}") from error
    except OSError as error:
        raise SensorError(f"powercap: {path.parent.name}: {error.strerror}") from error
