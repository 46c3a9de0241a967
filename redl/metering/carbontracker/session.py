"""One running CarbonTracker, started and ended without side effects."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from redl.metering.carbontracker.sensors import Sensor
from redl.metering.carbontracker.stand_ins import SilentLog, swapped

INTERVAL_S = 0.1  # at CarbonTracker's own 1 s, a phase of 4 s is off by a fifth
_EPOCHS = 2**31  # CarbonTracker ends itself after the last of its epochs


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A running CarbonTracker, and what is needed to end it, which its stop() forgets."""

    tracker: Any
    sampler: Any
    endings: tuple[Callable[[], None], ...]
    builtin_pue: float

    def own_wh(self) -> dict[str, float]:
        """Return CarbonTracker's own figure of each component in watt-hours, including its fixed PUE."""
        return {
            part.name: 1000 * self.builtin_pue * float(sum(part.energy_usage(self.sampler.epoch_times)))
            for part in self.sampler.components
        }


def import_carbontracker() -> None:
    """Import CarbonTracker, which takes about a second, before it is needed; a failure is reported then."""
    # Its dependencies warn about their old syntax when they are first compiled.
    with warnings.catch_warnings(action="ignore"), suppress(Exception, SystemExit):
        from carbontracker import tracker  # noqa: F401


def start(sensors: Sequence[Sensor], log: SilentLog) -> Session:
    """Build and start a CarbonTracker over `sensors`, with its globals swapped while it is built."""
    from carbontracker import constants, loggerutil, tracker
    from carbontracker.components import component
    from carbontracker.emissions.intensity import intensity

    by_component = {str(sensor.component): sensor for sensor in sensors}
    nowhere = SimpleNamespace(ip=lambda _: SimpleNamespace(ok=False))
    with ExitStack() as swaps:
        for owner, name, stand_in in (
            (tracker, "randint", lambda *_: 0),  # must not draw from the seeded stream
            (loggerutil, "Logger", lambda **_: log),
            (intensity, "geocoder", nowhere),
            (component, "handlers_by_name", lambda name, **_: [lambda **_: by_component[name]]),
        ):
            swaps.enter_context(swapped(owner, name, stand_in))
        running = tracker.CarbonTracker(
            epochs=_EPOCHS,
            epochs_before_pred=0,
            update_interval=INTERVAL_S,
            interpretable=False,
            ignore_errors=True,
            components=",".join(by_component),
            verbose=0,
        )
    try:
        updater, sampler = running.intensity_updater, running.tracker
        endings = (running.intensity_stopper.set, updater.join, sampler.stop)
        return Session(tracker=running, sampler=sampler, endings=endings, builtin_pue=constants.PUE_2023)
    except AttributeError:  # a failed or renamed CarbonTracker cannot end itself either
        with suppress(AttributeError):
            running.intensity_stopper.set()
        with suppress(AttributeError):
            running.tracker.stop()
        raise
