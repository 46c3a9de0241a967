"""The headline: one figure of a component, chosen from two meters and an estimate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from redl.metering.energy import Component, Figure, no_figure
from redl.record import CarbonTrackerFigures, EnergyComponent, EnergyKind

# Between these CarbonTracker's samples and the counter agree as well as power sensors do.
_AGREEMENT = (0.9, 1.1)


def headline(
    component: Component,
    counter: Figure,
    samples: Figure,
    estimate: Callable[[], Figure | None],
    carbontracker: CarbonTrackerFigures,
) -> EnergyComponent:
    """Put a component's figures together; of counter, samples and estimate the first with energy leads.

    Samples that CarbonTracker only guessed never lead; `estimate` is called only if nothing was measured.
    """
    candidates = [counter] if samples.kind is EnergyKind.ESTIMATED else [counter, samples]
    ratio = _ratio(counter, samples)
    if all(figure.energy_wh is None for figure in candidates) and (estimated := estimate()) is not None:
        candidates.append(estimated)
    leading = next((figure for figure in candidates if figure.energy_wh is not None), None)
    reasons = list(dict.fromkeys(figure.reason for figure in candidates if figure.reason is not None))
    notes = [note for figure in dict.fromkeys((*candidates, samples)) for note in figure.warnings]
    shown = leading or no_figure("", "")
    return EnergyComponent(
        component=component,
        energy_wh=shown.energy_wh,
        kind=shown.kind,
        sensor=shown.sensor or None,
        devices=shown.devices,
        scope=shown.scope,
        counter_wh=counter.energy_wh,
        carbontracker=carbontracker,
        ratio=ratio,
        windows=shown.windows,
        short_windows=shown.short_windows,
        n_samples=samples.n_samples,
        interval_s=samples.interval_s,
        coverage=samples.coverage,
        warnings=tuple(dict.fromkeys((*(reasons if leading else ()), *notes, *_disagreement(ratio)))),
        reason_unavailable=None if leading else _remedied(reasons, component),
    )


def _ratio(counter: Figure, samples: Figure) -> float | None:
    """Return CarbonTracker's samples over the counter, where both measured."""
    if counter.energy_wh is None or samples.energy_wh is None or samples.kind is not EnergyKind.MEASURED:
        return None
    return samples.energy_wh / counter.energy_wh


def _disagreement(ratio: float | None) -> Iterator[str]:
    low, high = _AGREEMENT
    if ratio is not None and not low <= ratio <= high:
        yield f"the two meters disagree: CarbonTracker's samples give {ratio:.2f} of what the counter does"


def _remedied(reasons: Sequence[str], component: Component) -> str:
    remedy = ["--redl-cpu-tdp=WATTS estimates it"] if component is Component.CPU else []
    return "; ".join([*reasons, *remedy])
