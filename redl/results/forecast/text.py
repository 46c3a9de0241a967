"""The text of a forecast: a table by model, then disk, memory, makespan, and what is not known and why."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median

from rich.console import Console
from rich.table import Table

from redl.printable import printable
from redl.results.forecast.forecast import Cost, Expected, Forecast
from redl.results.layout import named_table, uncut
from redl.results.notation import LOADED

UNKNOWN = "unknown"
WORKERS = (1, 2, 4, 8)
_HEADS = ("cases", "known", "hours", "kWh", "kg CO2eq", "MB")


def forecast_text(found: Forecast, *, width: int) -> str:
    """Return a forecast as text, laid out for so many columns."""
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False)
    with console.capture() as captured:
        console.print(_table(found))
        for line in _lines(found):
            console.print(line)
    return printable(captured.get())


def _table(found: Forecast) -> Table:
    table = named_table("what the selected cases take, at most", ("model",), _HEADS)
    for model in dict.fromkeys(one.case.model for one in found.expected):
        some = [one for one in found.expected if one.case.model == model]
        table.add_row(model, *_figures(some, found))
    table.add_section()
    table.add_row("all", *_figures(found.expected, found))
    return uncut(table)


def _figures(some: Sequence[Expected], found: Forecast) -> tuple[str, ...]:
    """Return the figures of a row: sums over the cases that are known, the largest memory among them."""
    costs = [one.cost for one in some if one.cost is not None]
    if not costs:
        return str(len(some)), "0", *[UNKNOWN] * 4
    hours = f"{sum(cost.seconds for cost in costs) / 3600:.3g}"
    memory = [cost.rate.memory_bytes for cost in costs if cost.rate.memory_bytes is not None]
    kwh = _kwh(costs)
    return (
        str(len(some)),
        str(len(costs)),
        hours + LOADED * any(cost.rate.loaded for cost in costs),
        UNKNOWN if kwh is None else f"{'~' * any(cost.rate.estimated for cost in costs)}{kwh:.3g}",
        UNKNOWN if kwh is None else f"{kwh * found.g_per_kwh / 1000:.3g}",
        f"{max(memory) / 1e6:.0f}" if memory else UNKNOWN,
    )


def _kwh(costs: Sequence[Cost]) -> float | None:
    """Return the energy of cases together; None, never a part of it, where one has none."""
    energies = [cost.energy_wh for cost in costs]
    return None if None in energies else sum(one or 0.0 for one in energies) / 1000


def _lines(found: Forecast) -> Iterator[str]:
    costs, history = found.costs, found.history
    yield (
        f"known: cases that saved runs of this machine tell ({history.runs} of them)"
        f"{' or a few steps' * any(cost.rate.steps for cost in costs)}; sums are of those. "
        f"hours: all epochs, evaluation and inference{_overhead(costs)}. Preparing data is not in them. "
        "MB: the largest peak in training."
    )
    if any(cost.rate.loaded for cost in costs):
        yield f"{LOADED}: told from times that were taken while others computed."
    if any(cost.rate.estimated for cost in costs):
        yield "~: told from estimates; no sensor measured the energy."
    if any(cost.energy_wh is None and cost.rate.cases for cost in costs):
        yield "kWh unknown: a saved run measured none; see what its records say of energy, or --redl-cpu-tdp."
    if any(cost.rate.steps for cost in costs):
        yield "kWh unknown: a few steps are too short to measure energy; a saved run tells it."
    if any(cost.rate.cases for cost in costs):
        yield _error(found)
    if any(cost.rate.steps for cost in costs):
        yield _error_of_steps(costs)
    if costs:
        yield _makespan(found)
    yield _disk(found)
    yield from _unknown(found)


def _error(found: Forecast) -> str:
    if found.accuracy is None:
        return "error: unknown, because no two saved cases are alike; save a second run, or another seed"
    one = found.accuracy
    return (
        f"error: {one.cases} saved cases, each predicted from the others like it, were off by "
        f"{one.median:.0%} in the median and by {one.most:.0%} at most"
    )


def _overhead(costs: Sequence[Cost]) -> str:
    """Say in how many of the cases the time around the images is, and what of it."""
    started = sum(bool(cost.rate.steps) for cost in costs)
    whole = sum(cost.rate.overhead_seconds is not None for cost in costs) - started
    without = len(costs) - started - whole
    parts = {
        "the start of each case's process, keeping epochs and all else that it does": whole,
        "opening the model in each case's process, but not the rest of its start nor keeping epochs": started,
        "without the start of each case's process and keeping epochs, which no saved run tells": without,
    }
    said = [words if count == len(costs) else f"{words} ({count})" for words, count in parts.items() if count]
    return "".join(f", {words}" for words in said)


def _error_of_steps(costs: Sequence[Cost]) -> str:
    kinds = {id(cost.rate): cost.rate for cost in costs if cost.rate.steps}.values()
    cases = sum(bool(cost.rate.steps) for cost in costs)
    steps = sorted(rate.steps for rate in kinds)
    spreads = [rate.spread for rate in kinds if rate.spread is not None]
    return (
        f"measured: {_counted(cases, 'case')} of {_counted(len(kinds), 'kind')}, each by {_range(steps)} "
        f"training steps on noise in 3 rounds, which differed by {median(spreads):.0%} in the median and by "
        f"{max(spreads):.0%} at most. That is not the error of a whole training, which no steps tell: the "
        "first step of an epoch is slower and weighs more in a round, and machines slow down as they warm up"
    )


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"


def _range(steps: Sequence[int]) -> str:
    return str(steps[0]) if steps[0] == steps[-1] else f"{steps[0]} to {steps[-1]}"


def _disk(found: Forecast) -> str:
    parts = {
        "prepared images": found.prepared_bytes,
        "epochs kept of one case at a time": found.epochs_bytes,
        "saved run": found.saved_bytes,
    }
    return "disk: " + ", ".join(f"{name} {_megabytes(size)}" for name, size in parts.items())


def _megabytes(size: float | None) -> str:
    return UNKNOWN if size is None else f"{size / 1e6:,.3g} MB" if size < 1e8 else f"{size / 1e6:,.0f} MB"


def _makespan(found: Forecast) -> str:
    hours = [
        f"{found.makespan(workers) / 3600:.3g} h with {workers} worker{'s' * (workers > 1)}"
        for workers in WORKERS
    ]
    return f"makespan, longest first, if workers do not slow each other down: {', '.join(hours)}"


def _unknown(found: Forecast) -> Iterator[str]:
    reasons = Counter(one.reason for one in found.expected if one.reason is not None)
    for reason, count in reasons.items():
        yield f"{UNKNOWN}: {_counted(count, 'case')} ({reason})"
    if reasons:
        yield (
            "to know them: --redl-plan=measure takes a few steps of each kind; or save one run of them with "
            "one seed, all else as planned, and --redl-epochs=1, and plan again"
        )
