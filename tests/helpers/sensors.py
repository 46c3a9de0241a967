"""Stand-ins for energy sensors, fed from power curves of known integral, and a fake clock."""

import math
import os
import threading
import time
from bisect import bisect_right
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from pathlib import Path
from types import SimpleNamespace

import pynvml

from redl.metering.counters import powercap

SERVER_RANGE_UJ = 262_143_328_850  # max_energy_range_uj of Intel server packages
DRIVER_ABSENT = pynvml.NVML_ERROR_LIBRARY_NOT_FOUND


class FakeClock:
    """A clock that moves only by `advance`; `on_advance` lists what to call then."""

    def __init__(self, seconds=0.0):
        self.seconds = seconds
        self.on_advance = []

    def __call__(self):
        return self.seconds

    def advance(self, seconds):
        self.seconds += seconds
        for call in self.on_advance:
            call()


@dataclass(frozen=True)
class ScriptedPower:
    """A power curve: the power at a time in seconds, and the energy in joules since time 0."""

    watts: Callable[[float], float]
    energy: Callable[[float], float]

    def joules(self, start, end):
        return self.energy(end) - self.energy(start)

    @classmethod
    def constant(cls, watts):
        return cls(watts=lambda _: watts, energy=lambda t: watts * t)

    @classmethod
    def steps(cls, levels):
        """Follow (seconds, watts) pairs from time 0; the last power stays."""
        starts = list(accumulate((seconds for seconds, _ in levels), initial=0.0))[:-1]
        powers = [watts for _, watts in levels]
        lengths = [end - start for start, end in pairwise(starts)]
        before = [0.0, *accumulate(length * watts for length, watts in zip(lengths, powers, strict=False))]

        def position(t):
            return max(0, bisect_right(starts, t) - 1)

        return cls(
            watts=lambda t: powers[position(t)],
            energy=lambda t: before[position(t)] + powers[position(t)] * (t - starts[position(t)]),
        )

    @classmethod
    def sine(cls, mean, amplitude, period_s, phase=0.0):
        """Swing around a mean; the phase is in radians."""
        pace = 2 * math.pi / period_s
        swing = amplitude / pace
        return cls(
            watts=lambda t: mean + amplitude * math.sin(pace * t + phase),
            energy=lambda t: mean * t - swing * (math.cos(pace * t + phase) - math.cos(phase)),
        )


def stepped(curve, now, step_s, phase_s=0.0):
    """Return the joules a counter shows at a time, which it refreshes every `step_s` (0: always)."""
    return curve.energy(now if not step_s else math.floor((now - phase_s) / step_s) * step_s + phase_s)


# NVML.


@dataclass
class FakeGpu:
    """One GPU. Set an error, or a reset of the counter, at any time; None means a good reading."""

    curve: ScriptedPower
    uuid: str
    name: str = "NVIDIA H100"
    slices: tuple[str, ...] = ()  # UUIDs of its MIG slices
    step_s: float = 0.02
    phase_s: float = 0.0
    offset_mj: int = 5_000_000
    energy_error: int | None = None
    power_error: int | None = None
    celsius: int = 50
    sm_mhz: int = 1980
    limit_mw: int = 700_000
    throttle_bits: int = 0
    pids: tuple[int, ...] = ()  # of the processes that compute on it
    state_error: int | None = None  # of all that is neither power nor energy


@dataclass(frozen=True)
class FakeHandle:
    """What NVML gives out; it is void once NVML was shut down."""

    gpu: FakeGpu
    slice: str | None
    session: int


@dataclass
class FakeNvml:
    """NVML with scripted GPUs; `holds` has one entry for each nvmlInit that was not undone."""

    gpus: list[FakeGpu]
    clock: Callable[[], float]
    absent: bool = False
    holds: list[int] = field(default_factory=list)
    sessions: int = 0

    def init(self):
        if self.absent:
            raise pynvml.NVMLError(DRIVER_ABSENT)
        self.sessions += not self.holds
        self.holds.append(self.sessions)

    def shutdown(self):
        self._held()
        self.holds.pop()

    def count(self):
        self._held()
        return len(self.gpus)

    def by_index(self, index):
        self._held()
        if not 0 <= index < len(self.gpus):
            raise pynvml.NVMLError(pynvml.NVML_ERROR_INVALID_ARGUMENT)
        return FakeHandle(self.gpus[index], None, self.sessions)

    def by_uuid(self, uuid):
        self._held()
        for gpu in self.gpus:
            if uuid == gpu.uuid or uuid in gpu.slices:
                return FakeHandle(gpu, uuid if uuid in gpu.slices else None, self.sessions)
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)

    def uuid(self, handle):
        return handle.slice or self._gpu(handle).uuid

    def name(self, handle):
        return self._gpu(handle).name + (" MIG 1g.10gb" if handle.slice else "")

    def parent(self, handle):
        if handle.slice is None:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_INVALID_ARGUMENT)
        return FakeHandle(self._gpu(handle), None, self.sessions)

    def mig_mode(self, handle):
        if "H100" not in self._gpu(handle).name:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
        return [int(bool(handle.gpu.slices))] * 2

    def power_mw(self, handle):
        return round(1000 * self._whole(handle, "power_error").curve.watts(self.clock()))

    def energy_mj(self, handle):
        gpu = self._whole(handle, "energy_error")
        return gpu.offset_mj + int(1000 * stepped(gpu.curve, self.clock(), gpu.step_s, gpu.phase_s))

    def state(self, name):
        """Return a reader of a field of the whole GPU."""
        return lambda handle, *_: getattr(self._whole(handle, "state_error"), name)

    def processes(self, handle):
        return [SimpleNamespace(pid=pid) for pid in self._whole(handle, "state_error").pids]

    def _held(self):
        if not self.holds:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_UNINITIALIZED)

    def _gpu(self, handle):
        self._held()
        if handle.session != self.sessions:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_INVALID_ARGUMENT)
        return handle.gpu

    def _whole(self, handle, error):
        gpu = self._gpu(handle)
        code = pynvml.NVML_ERROR_NOT_SUPPORTED if handle.slice else getattr(gpu, error)
        if code is not None:
            raise pynvml.NVMLError(code)
        return gpu


def gpu_uuid(index):
    return f"GPU-{index}{index}000000-1111-2222-3333-444444444444"


def fake_nvml(monkeypatch, curves, clock, step_s=0.02):
    """Put one GPU for each curve in NVML's place, and let the environment hide none."""
    gpus = [FakeGpu(curve, gpu_uuid(index), step_s=step_s) for index, curve in enumerate(curves)]
    nvml = FakeNvml(gpus, clock)
    for name, stand_in in (
        ("nvmlInit", nvml.init),
        ("nvmlShutdown", nvml.shutdown),
        ("nvmlDeviceGetCount", nvml.count),
        ("nvmlDeviceGetHandleByIndex", nvml.by_index),
        ("nvmlDeviceGetHandleByUUID", nvml.by_uuid),
        ("nvmlDeviceGetUUID", nvml.uuid),
        ("nvmlDeviceGetName", nvml.name),
        ("nvmlDeviceGetDeviceHandleFromMigDeviceHandle", nvml.parent),
        ("nvmlDeviceGetMigMode", nvml.mig_mode),
        ("nvmlDeviceGetPowerUsage", nvml.power_mw),
        ("nvmlDeviceGetTotalEnergyConsumption", nvml.energy_mj),
        ("nvmlDeviceGetTemperature", nvml.state("celsius")),
        ("nvmlDeviceGetClockInfo", nvml.state("sm_mhz")),
        ("nvmlDeviceGetEnforcedPowerLimit", nvml.state("limit_mw")),
        ("nvmlDeviceGetCurrentClocksThrottleReasons", nvml.state("throttle_bits")),
        ("nvmlDeviceGetComputeRunningProcesses", nvml.processes),
    ):
        monkeypatch.setattr(pynvml, name, stand_in)
    for variable in ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"):
        monkeypatch.delenv(variable, raising=False)
    return nvml


# Powercap.


@dataclass
class FakeZone:
    """One zone of a powercap tree, e.g. `intel-rapl:0:1`."""

    folder: str
    label: str
    curve: ScriptedPower
    start_uj: int = 1_000_000
    range_uj: int = SERVER_RANGE_UJ
    step_s: float = 0.001

    def energy_uj(self, now):
        return (self.start_uj + int(1e6 * stepped(self.curve, now, self.step_s))) % self.range_uj


@dataclass
class PowercapTree:
    """A tree of zones under `root`, as the kernel lays it out; feed it in one of three ways."""

    root: Path
    zones: list[FakeZone]
    places: dict[str, Path]

    def write(self, now):
        """Set all counters to what they show at a time."""
        for zone in self.zones:
            self.set_uj(zone.folder, zone.energy_uj(now))

    def set_uj(self, folder, energy_uj):
        """Set one counter atomically, so that no reader sees half of it; a zone that is gone stays so."""
        place = self.places[folder]
        if place.is_dir():
            (place / "energy_uj.new").write_text(f"{energy_uj}\n")
            (place / "energy_uj.new").replace(place / "energy_uj")

    def remove(self, folder):
        """Remove a zone's counter, as an unloaded driver does."""
        (self.places[folder] / "energy_uj").unlink()
        self.places[folder] = self.root / "gone"

    def follow(self, clock):
        """Feed the tree whenever a fake clock moves."""
        self.write(clock())
        clock.on_advance.append(lambda: self.write(clock()))

    def feed_on_read(self, monkeypatch, clock, *readers):
        """Feed the tree before each call of redl's reader, or of the (class, method) pairs given."""
        for owner, name in readers or [(powercap.Zone, "read")]:
            monkeypatch.setattr(owner, name, self._fed_first(clock, getattr(owner, name)))

    def _fed_first(self, clock, read):
        def read_fed(*arguments):
            self.write(clock())
            return read(*arguments)

        return read_fed

    @contextmanager
    def fed(self, clock=time.perf_counter, every_s=0.005):
        """Feed the tree from a thread, in real time."""
        ended = threading.Event()

        def feed():
            while not ended.wait(every_s):
                self.write(clock())

        self.write(clock())
        thread = threading.Thread(target=feed, name="powercap feeder", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            ended.set()
            thread.join()


def two_sockets(package=None, memory=None):
    """Return a server's zones: two packages with memory and cores in each, and the whole platform."""
    package, memory = package or ScriptedPower.constant(100), memory or ScriptedPower.constant(10)
    platform = ScriptedPower.constant(900)
    return [
        FakeZone("intel-rapl:0", "package-0", package, 3_000_000),
        FakeZone("intel-rapl:0:0", "core", package, 5_000_000),
        FakeZone("intel-rapl:0:1", "dram", memory, 7_000_000),
        FakeZone("intel-rapl:1", "package-1", package, 11_000_000),
        FakeZone("intel-rapl:1:0", "uncore", memory, 13_000_000),
        FakeZone("intel-rapl:1:1", "dram", memory, 17_000_000),
        FakeZone("intel-rapl:2", "psys", platform, 19_000_000),
        FakeZone("intel-rapl-mmio:0", "package-0", package, 23_000_000),
    ]


def powercap_tree(monkeypatch, tmp_path, zones=None, *, layout="links"):
    """Write a powercap tree and put it in place of the machine's own.

    `layout`: "links", as in sysfs, every zone listed at the top and inside its parent too; "top", plain
    folders only at the top; "nested", subzones only inside their parents.
    """
    zones = two_sockets() if zones is None else zones
    root = tmp_path / "class" / "powercap"
    root.mkdir(parents=True)
    devices = tmp_path / "devices" if layout == "links" else root
    places = {}
    for zone in zones:
        control, *numbers = zone.folder.split(":")
        parent = f"{control}:{numbers[0]}"
        nested = len(numbers) > 1 and layout != "top"
        place = devices / parent / zone.folder if nested else devices / zone.folder
        place.mkdir(parents=True)
        (place / "name").write_text(f"{zone.label}\n")
        (place / "max_energy_range_uj").write_text(f"{zone.range_uj}\n")
        places[zone.folder] = place
        if layout == "links":
            (root / zone.folder).symlink_to(os.path.relpath(place, root))
    for control in {zone.folder.split(":")[0] for zone in zones}:
        (root / control).mkdir()
        (root / control / "enabled").write_text("1\n")
    tree = PowercapTree(root, list(zones), places)
    tree.write(0.0)
    monkeypatch.setattr(powercap, "POWERCAP", root)
    monkeypatch.delenv("SLURM_LOCALID", raising=False)
    return tree


def no_powercap(monkeypatch, tmp_path):
    """Hide the machine's own powercap tree."""
    monkeypatch.setattr(powercap, "POWERCAP", tmp_path / "absent")
    monkeypatch.delenv("SLURM_LOCALID", raising=False)
