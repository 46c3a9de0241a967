"""The conditions under which time and energy were measured: what else ran, how hot, how fast, how limited."""

from __future__ import annotations

from collections.abc import Iterator

from redl.record.strict import Amount, Count, Line, Number, Section, Word

# At a tenth, work that waits for its slowest thread takes up to a quarter longer on two cores.
MOST_FOREIGN_SHARE = 0.10

# NVML's reasons for a lower clock that the work itself does not explain; a power cap at full load is normal.
_SLOWDOWNS = frozenset(
    {"hw_slowdown", "sw_thermal_slowdown", "hw_thermal_slowdown", "hw_power_brake_slowdown"}
)


class GpuConditions(Section, frozen=True, kw_only=True):
    """The state of one GPU, read when the phase begins and after each window.

    `temperature_c` and `other_processes` are the highest readings, `sm_clock_mhz` is their mean after the
    windows, `throttle_reasons` are all that were seen then, in NVML's words. `power_limit_w` is the limit
    that is enforced. `other_processes` counts those that compute there and are not this one's descendants.
    """

    temperature_start_c: Number | None
    temperature_c: Number | None
    sm_clock_mhz: Amount | None
    power_limit_w: Amount | None
    throttle_reasons: tuple[Word, ...] | None
    other_processes: Count | None


class PhaseConditions(Section, frozen=True, kw_only=True):
    """The conditions of one phase.

    Shares are of the time of the `processors` that the process may use, inside the windows: what it and its
    descendants used, what others used, and what the hypervisor withheld. `load_average_*` are over a minute.
    `cpu_temperature_c` is the highest after a window, `cpu_clock_mhz` the mean over processors and windows.
    `settled_s` is how long the phase waited before it began. `reasons` say why a figure is None.

    Of the whole node, `node_foreign_share` is others' share of the time that any of its `node_processors` was
    busy. `shared` says that other cases of the run could use the same processors or GPU.
    """

    processors: Count
    load_average_start: Amount | None
    load_average_end: Amount | None
    own_cpu_share: Amount | None
    foreign_cpu_share: Amount | None
    steal_share: Amount | None
    cpu_temperature_start_c: Number | None
    cpu_temperature_c: Number | None
    cpu_clock_mhz: Amount | None
    gpus: tuple[GpuConditions, ...]
    settled_s: Amount
    reasons: tuple[Line, ...]
    node_processors: Count | None = None
    node_foreign_share: Amount | None = None
    shared: bool = False

    @property
    def restricted(self) -> bool:
        """Return whether the process may use only some processors of the node, as far as that is known."""
        return self.node_processors is not None and self.processors < self.node_processors

    @property
    def foreign_load(self) -> tuple[str, ...]:
        """Return why time and energy do not come from the work by itself; empty if nothing says so.

        That is if others and the hypervisor took more than a tenth of the processors' time, if another
        process computed on a GPU in use, if heat or a power brake slowed such a GPU down, or if other cases
        of the run could use the same device. What could not be read is no reason.
        """
        return tuple(self._foreign_load())

    def _foreign_load(self) -> Iterator[str]:
        if self.shared:
            yield "cases shared its processors or GPU"
        foreign, steal = self.foreign_cpu_share or 0.0, self.steal_share or 0.0
        if foreign + steal > MOST_FOREIGN_SHARE:
            withheld = f" and the hypervisor withheld {steal:.0%}" if steal >= 0.005 else ""
            yield f"others used {foreign:.0%} of the processors' time{withheld}"
        for number, gpu in enumerate(self.gpus, start=1):
            where = f"GPU {number} of {len(self.gpus)}"
            if gpu.other_processes:
                yield f"{where}: other processes computed there ({gpu.other_processes})"
            if slowed := sorted(_SLOWDOWNS.intersection(gpu.throttle_reasons or ())):
                yield f"{where}: slowed down ({', '.join(slowed)})"


class Conditions(Section, frozen=True, kw_only=True):
    """The conditions of both phases."""

    train: PhaseConditions
    inference: PhaseConditions

    @property
    def foreign_load(self) -> tuple[str, ...]:
        """Return why the time and energy of a phase do not come from the case by itself; empty if they do."""
        phases = {"train": self.train, "inference": self.inference}
        return tuple(f"{name}: {why}" for name, phase in phases.items() for why in phase.foreign_load)
