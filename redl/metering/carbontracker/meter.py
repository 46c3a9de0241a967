"""The meter: CarbonTracker's samples inside the windows, as one reading."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType

from redl.errors import OptionError
from redl.metering.carbontracker.intensity import carbon_intensity
from redl.metering.carbontracker.sensors import Sensor, SensorError, find_sensors
from redl.metering.carbontracker.session import INTERVAL_S, Session, start
from redl.metering.carbontracker.stand_ins import SilentLog
from redl.metering.energy import Draw, Window, integrate
from redl.metering.environment import package_version
from redl.record import CarbonIntensity, CarbonTrackerFigures, EnergyKind, EnergyReading, Pue

_LEAST_COVERAGE = 0.9


class CarbonTrackerMeter:
    """Measure energy with CarbonTracker; only time inside `window()` counts.

    `gpu` asks for NVIDIA GPUs, which are then required; CPU packages are added where powercap can be read.
    Without either, CarbonTracker's constant guess stands in and the reading says `estimated`. If anything
    of CarbonTracker fails, the work goes on and the reading says why there is none. `pue` multiplies the
    energy in place of CarbonTracker's fixed one; `country` is an ISO 3166 alpha-2 code. Raise OptionError
    for a PUE below 1 or a country that CarbonTracker's table lacks.
    """

    def __init__(self, *, gpu: bool, pue: float = 1.0, country: str | None = None) -> None:
        if not (math.isfinite(pue) and pue >= 1):
            raise OptionError(
                f"PUE {pue}: a data centre draws at least what its machines draw; give 1 or more"
            )
        self._pue = Pue(
            value=float(pue), source="default 1.0: the machine alone" if pue == 1 else "set by the user"
        )
        self._log = SilentLog()
        self._intensity: CarbonIntensity | None = None
        self._sensors: tuple[Sensor, ...] = ()
        self._session: Session | None = None
        self._own_wh: tuple[float, float] | None = None
        self._windows: list[Window] = []
        self._inside = False
        # Dependencies of CarbonTracker warn of their old syntax when they are first compiled.
        with warnings.catch_warnings(action="ignore"), self._log.faults_kept():
            self._intensity = carbon_intensity(country)
            self._begin(gpu=gpu)
        if self._session is None:
            self.close()

    def __enter__(self) -> CarbonTrackerMeter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def window(self) -> Iterator[None]:
        """Count the energy drawn inside; the caller synchronises the device within both edges."""
        assert not self._inside, "windows of a meter cannot be nested"
        self._inside = True
        start = time.perf_counter()
        with self._log.faults_kept():
            if self._session is not None:
                self._session.tracker.epoch_start()
        try:
            yield
        finally:
            self._windows.append(Window(start=start, end=time.perf_counter()))
            self._inside = False
            with self._log.faults_kept():
                if self._session is not None:
                    self._session.tracker.epoch_end()

    def close(self) -> None:
        """Stop CarbonTracker, wait for its threads and release the sensors; a second call does nothing."""
        session, self._session = self._session, None
        if session is not None:
            with self._log.faults_kept():
                session.tracker.stop()
            with self._log.faults_kept():
                self._own_wh = session.own_wh()
        endings = session.endings if session is not None else ()
        for end in (*endings, *(sensor.shutdown for sensor in self._sensors)):
            with self._log.faults_kept():
                end()

    def reading(self) -> EnergyReading:
        """Close the meter and return what it measured in all windows together."""
        self.close()
        draws = [integrate(self._windows, sensor.samples) for sensor in self._sensors]
        reason = self._log.fault or _reason_unavailable(self._sensors, draws)
        energy_wh = None if reason else sum(draw.energy_wh or 0.0 for draw in draws) * self._pue.value
        return EnergyReading(
            energy_wh=energy_wh,
            co2eq_g=self._co2eq_g(energy_wh),
            kind=EnergyKind.UNAVAILABLE if reason else _kind(self._sensors),
            sensor="+".join(sensor.name for sensor in self._sensors) or None,
            devices=tuple(device for sensor in self._sensors for device in sensor.devices()),
            scope="; ".join(sensor.scope for sensor in self._sensors) or None,
            n_samples=min((draw.n_samples for draw in draws), default=0),
            interval_s=INTERVAL_S + sum(sensor.reading_s for sensor in self._sensors),
            coverage=min((draw.coverage for draw in draws), default=None),
            duration_s=sum(window.seconds for window in self._windows),
            carbontracker=self._figures(),
            pue=self._pue,
            carbon_intensity=self._intensity,
            warnings=tuple(_warnings(self._sensors, draws)),
            reason_unavailable=reason,
        )

    def _begin(self, *, gpu: bool) -> None:
        """Import CarbonTracker, which takes about a second, find its sensors and start it."""
        try:
            self._sensors = find_sensors(gpu=gpu)
        except SensorError as absent:
            self._log.keep(str(absent))
        else:
            self._session = start(self._sensors, self._log)

    def _co2eq_g(self, energy_wh: float | None) -> float | None:
        if energy_wh is None or self._intensity is None:
            return None
        return energy_wh / 1000 * self._intensity.g_per_kwh

    def _figures(self) -> CarbonTrackerFigures:
        raw, corrected = (None, None) if self._log.fault or self._own_wh is None else self._own_wh
        return CarbonTrackerFigures(
            version=package_version("carbontracker") or "not installed",
            energy_wh_raw=raw or None,  # its zeros mean that nothing was sampled
            energy_wh_corrected=corrected or None,
        )


def _reason_unavailable(sensors: Sequence[Sensor], draws: Sequence[Draw]) -> str | None:
    """Name the first sensor that gave nothing: a total without one of its parts would mislead."""
    for sensor, draw in zip(sensors, draws, strict=True):
        if draw.energy_wh is None:
            return f"{sensor.name}: {sensor.fault or 'no sample fell into the measured time'}"
    return None


def _kind(sensors: Sequence[Sensor]) -> EnergyKind:
    measured = all(sensor.kind is EnergyKind.MEASURED for sensor in sensors)
    return EnergyKind.MEASURED if measured else EnergyKind.ESTIMATED


def _warnings(sensors: Sequence[Sensor], draws: Sequence[Draw]) -> Iterator[str]:
    for sensor, draw in zip(sensors, draws, strict=True):
        yield from sensor.warnings
        if sensor.failures:
            yield f"{sensor.name}: {sensor.failures} readings failed, the last with {sensor.fault}"
        if sensor.kind is EnergyKind.MEASURED and draw.coverage < _LEAST_COVERAGE:
            yield f"{sensor.name}: no sample of its own in windows of {1 - draw.coverage:.0%} of the time"
