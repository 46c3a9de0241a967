"""Quantities: what a case costs, as an axis shows it: a name, a unit that fits, and whence it comes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from redl.record import Record
from redl.results.aggregate import Aggregate


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantity:
    """A cost of a case: that of all seeds (`of`), and of one (`of_seed`), in bytes, seconds or Wh.

    `units` are names of units and their sizes, in rising order. `is_mean` says whether `of` is a mean over
    seeds and not the largest.
    """

    name: str
    of: Callable[[Aggregate], float | None]
    of_seed: Callable[[Record], float | None]
    units: tuple[tuple[str, float], ...]
    is_mean: bool = True

    def unit_for(self, largest: float) -> tuple[str, float]:
        """Return the largest unit of which `largest` is at least one, and what it is divided by."""
        fitting = [unit for unit in self.units if largest >= unit[1]]
        return fitting[-1] if fitting else self.units[0]

    def said(self, value: float) -> str:
        """Return a value with its unit, e.g. `306 MB`."""
        unit, divisor = self.unit_for(value)
        return f"{value / divisor:.3g} {unit}" if value / divisor < 1000 else f"{value / divisor:.0f} {unit}"


def _inference(record: Record) -> float | None:
    return record.inference.seconds / record.inference.passes if record.inference else None


MEMORY = Quantity(
    name="peak memory",
    of=lambda aggregate: aggregate.train_peak_bytes,
    of_seed=lambda record: record.memory.train_peak_bytes if record.memory else None,
    units=(("kB", 1e3), ("MB", 1e6), ("GB", 1e9)),
    is_mean=False,
)
TIME = Quantity(
    name="training time",
    of=lambda aggregate: aggregate.train_seconds,
    of_seed=lambda record: record.training.seconds_to_stop if record.training else None,
    units=(("s", 1.0),),
)
ENERGY = Quantity(
    name="energy of training",
    of=lambda aggregate: aggregate.energy_wh,
    of_seed=lambda record: record.energy.train.energy_wh if record.energy else None,
    units=(("mWh", 1e-3), ("Wh", 1.0), ("kWh", 1e3)),
)
INFERENCE = Quantity(
    name="inference time",
    of=lambda aggregate: aggregate.inference_seconds,
    of_seed=_inference,
    units=(("ms", 1e-3), ("s", 1.0)),
)
TRAINING = (MEMORY, TIME, ENERGY)
