"""The meter of CarbonTracker's samples inside the windows, with one figure per component."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from redl.metering.carbontracker.sensors import Sensor, gpu_sensor, guess_sensor, package_sensor
from redl.metering.carbontracker.session import INTERVAL_S, Session, start
from redl.metering.carbontracker.stand_ins import SilentLog
from redl.metering.energy import (
    Brevity,
    Component,
    Draw,
    Figure,
    SensorError,
    Window,
    integrate,
    no_figure,
)
from redl.metering.gpus import Gpu
from redl.metering.machine import package_version
from redl.record import CarbonTrackerFigures, EnergyKind

_LEAST_COVERAGE = 0.9
_LEAST_SAMPLES = 10  # with fewer a window's mean may be off by a tenth, as one of 0.6 s was


class CarbonTrackerMeter:
    """A meter of energy by CarbonTracker; only time inside `window()` counts.

    `gpus` are those that are used. CPU packages are read if powercap may be read; otherwise CarbonTracker's
    constant guess is used, and its figure is `estimated`. If anything in CarbonTracker fails, the work
    continues and the figures give the reason.
    """

    def __init__(self, gpus: Sequence[Gpu] = (), *, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self._log = SilentLog()
        self._components = [Component.GPU, Component.CPU] if gpus else [Component.CPU]
        self._absent: dict[Component, str] = {}
        self._sensors: list[Sensor] = []
        self._session: Session | None = None
        self._own_wh: dict[str, float] = {}
        self._windows: list[Window] = []
        self._inside = False
        # CarbonTracker's dependencies warn about their old syntax when they are first compiled.
        with warnings.catch_warnings(action="ignore"), self._log.faults_kept():
            self._begin(gpus)
        if self._session is None:
            self.close()

    @contextmanager
    def window(self) -> Iterator[None]:
        """Count the energy drawn inside; the caller synchronises the device within both edges."""
        assert not self._inside, "windows of a meter cannot be nested"
        self._inside = True
        began = self._now()
        with self._log.faults_kept():
            if self._session is not None:
                self._session.tracker.epoch_start()
        try:
            yield
        finally:
            self._windows.append(Window(start=began, end=self._now()))
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

    def figures(self) -> dict[Component, Figure]:
        """Close the meter and return what it measured in all windows together."""
        self.close()
        return self.figures_so_far()

    def figures_so_far(self) -> dict[Component, Figure]:
        """Return what was measured in all windows that have ended, between two of them."""
        sensors = {sensor.component: sensor for sensor in self._sensors}
        return {
            component: self._figure(sensors[component])
            if component in sensors
            else no_figure(f"carbontracker_{component}", self._absent.get(component) or self._log.fault or "")
            for component in self._components
        }

    def own_figures(self, component: Component) -> CarbonTrackerFigures:
        """Return CarbonTracker's own figure of a component, and the corrected one."""
        figure = self.figures_so_far().get(component)
        if self._session is not None:
            with self._log.faults_kept():
                self._own_wh = self._session.own_wh()
        raw = None if self._log.fault else self._own_wh.get(component)
        return CarbonTrackerFigures(
            version=package_version("carbontracker") or "not installed",
            energy_wh_raw=raw or None,  # its zeros mean that nothing was sampled
            energy_wh_corrected=None if figure is None else figure.energy_wh,
        )

    def _begin(self, gpus: Sequence[Gpu]) -> None:
        """Import CarbonTracker, which takes about a second, test its sensors and start it."""
        if gpus:
            try:
                self._sensors.append(gpu_sensor(gpus, now=self._now))
            except SensorError as absent:
                self._absent[Component.GPU] = str(absent)
        try:
            self._sensors.append(package_sensor(now=self._now))
        except SensorError as absent:
            guess = guess_sensor(now=self._now)
            guess.warnings.append(str(absent))
            self._sensors.append(guess)
        self._session = start(self._sensors, self._log)

    def _figure(self, sensor: Sensor) -> Figure:
        draw = integrate(self._windows, sensor.samples)
        measured = sensor.kind is EnergyKind.MEASURED
        brevity = Brevity.of(self._windows, _LEAST_SAMPLES * INTERVAL_S) if measured else None
        reason = self._log.fault
        if reason is None and draw.energy_wh is None:
            reason = f"{sensor.name}: {sensor.fault or 'no sample fell into the measured time'}"
        return Figure(
            energy_wh=None if reason else draw.energy_wh,
            sensor=sensor.name,
            kind=EnergyKind.UNAVAILABLE if reason else sensor.kind,
            devices=tuple(sensor.devices()),
            scope=sensor.scope,
            warnings=tuple(_warnings(sensor, draw, brevity)),
            reason=reason,
            windows=None if brevity is None else brevity.windows,
            short_windows=None if brevity is None else brevity.short,
            n_samples=draw.n_samples,
            interval_s=INTERVAL_S,
            coverage=draw.coverage,
        )


def _warnings(sensor: Sensor, draw: Draw, brevity: Brevity | None) -> Iterator[str]:
    yield from sensor.warnings
    if sensor.failures:
        yield f"{sensor.name}: {sensor.failures} readings failed, the last with {sensor.fault}"
    if brevity is None:
        return
    yield from brevity.warnings(sensor.name, f"its power is read every {INTERVAL_S:g} s")
    if draw.coverage < _LEAST_COVERAGE:
        yield f"{sensor.name}: no sample of its own in windows of {1 - draw.coverage:.0%} of the time"
