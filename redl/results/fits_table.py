"""The table of fits: with which largest batch each model trains under each setting within each cap."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence

from rich.console import Console
from rich.table import Table

from redl.execution.largest_batch import MOST_TRIALS
from redl.printable import printable
from redl.record import EnergyKind
from redl.record.budget import Cap, Fit
from redl.results.layout import named_table, uncut
from redl.results.notation import LOADED, MISSING, megabytes
from redl.study.size import spelled_size

FIGURES = ("largest", "batch", "MB", "process MB", "ms/image", "mWh/image")
_HELD = {
    Cap.GROWTH: "A cap holds what the model adds to the process, the study's figure. process MB: all of it, "
    "libraries included; > where that alone is above the cap.",
    Cap.PROCESS: "A cap holds all that the driver counts for the process, as on a card of that size.",
}
_LEGEND = (
    "largest: images of a batch that trains; one more was refused. = the search was to try no larger one. > "
    "its trials were used up, so that more may fit. ms and mWh: of its second step.",
    "batch: how the run's batch trains, by micro<N> where it has to be cut; † where batch norm makes that "
    "another training.",
)
NOT_JUDGED = "not judged"

Judged = Callable[[str, str], str]


def fits_table(fits: Sequence[Fit], *, batch_size: int, width: int, judged: Judged) -> str:
    """Return a row for each model, setting and cap; `judged` returns what a setting costs in performance."""
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False)
    with console.capture() as captured:
        console.print(_table(fits, batch_size, judged))
        for line in (*(_HELD[held] for held in dict.fromkeys(fit.held for fit in fits)), *_LEGEND):
            console.print(line)
        for line in _notes(fits):
            console.print(line)
    return printable(captured.get())


def sentence(model: str, fits: Iterable[Fit], baseline_bytes: Callable[[int], float | None]) -> str:
    """Say with which setting a model trains at the largest batch, and what the baseline needs for that.

    `baseline_bytes` returns that for a batch; None where too few batches were tried.
    """
    fitting = [fit for fit in fits if fit.batch_size is not None]
    if not fitting:
        return f"{model} does not train within this budget with any of the settings that were tried."
    best = max(fitting, key=lambda fit: fit.batch_size or 0)
    size = best.batch_size or 0
    batch = f"batch {size}{'' if best.is_proven else ' or more'}"
    words = f"{model} trains in {spelled_size(best.cap_bytes)} at {batch} with {best.setting}"
    needed = baseline_bytes(size)
    if best.setting == "baseline" or needed is None:
        return f"{words}."
    return f"{words}; with the baseline it needs about {needed / 1e9:.2g} GB, by a line through its trials."


def _table(fits: Sequence[Fit], batch_size: int, judged: Judged) -> Table:
    sizes = sorted({fit.image_size for fit in fits})
    title = f"What fits, {', '.join(map(str, sizes))} px, batch {batch_size}"
    table = named_table(title, ("model", "setting", "cap"), FIGURES)
    table.add_column("performance")
    for fit in fits:
        row = (fit.model, fit.setting, spelled_size(fit.cap_bytes), *figures_of(fit, batch_size))
        table.add_row(*row, judged(fit.model, fit.setting))
    return uncut(table)


def figures_of(fit: Fit, batch_size: int) -> tuple[str, ...]:
    """Return the cells of FIGURES: what the largest batch is and takes."""
    probe = fit.best
    if fit.batch_size is None or probe is None:
        return f"below {fit.smallest}", *(MISSING,) * (len(FIGURES) - 1)
    energy = probe.energy
    per_image = energy.energy_wh_per_image
    loaded = LOADED * bool(probe.conditions.foreign_load)
    estimated = "~" if energy.kind is EnergyKind.ESTIMATED else ""
    return (
        _largest(fit),
        _batch(fit, batch_size, batch_norm=probe.batch_norm),
        megabytes(probe.peak_bytes),
        _process(probe.process_bytes, fit.cap_bytes),
        f"{_short(1000 * probe.step_seconds / fit.batch_size)}{loaded}",
        MISSING if per_image is None else f"{estimated}{_short(1000 * per_image)}{loaded}",
    )


def _largest(fit: Fit) -> str:
    if fit.is_proven:
        return str(fit.batch_size)
    return f"> {fit.batch_size}" if _is_cut_short(fit) else f"{fit.batch_size}="


def _is_cut_short(fit: Fit) -> bool:
    return not fit.is_proven and len(fit.trials) >= MOST_TRIALS


def _short(figure: float) -> str:
    """Return three digits, and all that stand before the point."""
    return f"{figure:.0f}" if figure >= 100 else f"{figure:.3g}"


def _process(taken: int | None, cap_bytes: int) -> str:
    return f"{'> ' if taken is not None and taken > cap_bytes else ''}{megabytes(taken)}"


def _batch(fit: Fit, batch_size: int, *, batch_norm: bool) -> str:
    assert fit.batch_size is not None, "something fits"
    if fit.batch_size >= batch_size:
        return str(batch_size)
    return f"{batch_size} by micro{fit.batch_size}{'†' if batch_norm else ''}"


def _notes(fits: Sequence[Fit]) -> list[str]:
    cards = dict.fromkeys(fit.emulated_on for fit in fits if fit.emulated_on)
    notes = [f"emulated on {card}, held to the cap; no card of that size ran." for card in cards]
    if any(fit.best is not None and fit.best.conditions.foreign_load for fit in fits):
        notes.append("! taken while others used the machine: no figure of this work by itself.")
    reasons = (fit.best.energy.reason_unavailable for fit in fits if fit.best is not None)
    notes += [f"no energy: {reason}" for reason in dict.fromkeys(reasons) if reason]
    return notes
