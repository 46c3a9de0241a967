"""The sharing of a node: when the energy of its processors is not that of one case."""

from __future__ import annotations

from msgspec.structs import replace

from redl.metering.energy import Component
from redl.record import EnergyComponent, EnergyKind, PhaseConditions, Placement
from redl.record.conditions import MOST_FOREIGN_SHARE


def apart(component: EnergyComponent, placement: Placement, conditions: PhaseConditions) -> EnergyComponent:
    """Return a component as it is, or without any figure, and why, if it counts what others drew.

    Sensors of processors count the whole node. A GPU belongs to one worker, and an estimate by the rated
    power counts the processor time of the case by itself.
    """
    reason = _reason(component, placement, conditions)
    if component.component != Component.CPU or reason is None:
        return component
    return replace(
        component,
        energy_wh=None,
        kind=EnergyKind.UNAVAILABLE,
        sensor=None,
        scope=None,
        counter_wh=None,
        carbontracker=replace(component.carbontracker, energy_wh_raw=None, energy_wh_corrected=None),
        ratio=None,
        windows=None,
        short_windows=None,
        warnings=(),
        reason_unavailable=reason,
    )


def _reason(component: EnergyComponent, placement: Placement, conditions: PhaseConditions) -> str | None:
    if component.kind is not EnergyKind.MEASURED:
        return None
    if others := placement.neighbours:
        workers = "worker" if others == 1 else "workers"
        return f"the node's processors were shared with {others} other {workers} of this run"
    share = conditions.node_foreign_share or 0.0
    if not conditions.restricted or share <= MOST_FOREIGN_SHARE:
        return None
    return f"{component.sensor} counts the whole node, of whose busy processor time others used {share:.0%}"
