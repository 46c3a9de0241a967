"""Reports of a comparison: a table, Markdown, strict JSON, and annotations for GitHub's pull requests."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from redl.printable import printable, printable_json, printable_line
from redl.results.gate.change import Change
from redl.results.gate.comparison import Comparison, Outcome

_HEAD = ("case", "figure", "expected", "after", "change", "allowed", "")
_LONGEST = 2000  # characters of a line, as of an error
_MOVE = "to make this run the baseline: redl baseline set RUN"


def summary(comparison: Comparison) -> str:
    """Return one line that says how a comparison ended."""
    changes = comparison.changes
    regressed = sum(change.regressed for change in changes)
    improved = sum(change.improved for change in changes)
    figures = sum(change.cells == 1 for change in changes)
    words = (
        f"{comparison.outcome.name.lower().replace('_', ' ')}: {_counted(figures, 'figure')} of "
        f"{_counted(comparison.cases, 'case')} against {comparison.baseline}, {regressed} regressed, "
        f"{improved} improved"
    )
    if comparison.faults:
        words += f", {len(comparison.faults)} could not be compared"
    return words + (
        f"; {_counted(comparison.deselected, 'case')} deselected" if comparison.deselected else ""
    )


def as_table(comparison: Comparison, *, width: int, changed_only: bool) -> str:
    """Return the changes as a table, all or only those beyond what is allowed, then a line for each fault."""
    from rich.console import Console  # slow to import, and the plugin imports this module to collect tests
    from rich.table import Table

    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False)
    shown = [c for c in comparison.changes if c.regressed or c.improved or not changed_only]
    table = Table(title=f"against {comparison.baseline}", title_justify="left")
    for head in _HEAD:
        table.add_column(head, justify="left" if head in {"case", "figure", ""} else "right", no_wrap=True)
    for change in _worst_first(shown):
        table.add_row(*_row(change))
    with console.capture() as captured:
        if shown:
            console.print(table)
        for line in _lines(comparison):
            console.print(line, soft_wrap=True)
    return printable(captured.get())


def as_markdown(comparison: Comparison) -> str:
    """Return a comparison as Markdown, every change in a row."""
    lines = [f"**{_escaped(summary(comparison))}**", ""]
    if comparison.changes:
        lines += [_cells(_HEAD), _cells(["---"] * len(_HEAD))]
        lines += [_cells(_row(change)) for change in _worst_first(comparison.changes)]
        lines.append("")
    lines += [f"- {_escaped(line)}" for line in (*comparison.faults, *_remarks(comparison))]
    return "\n".join(lines).rstrip() + "\n"


def as_json(comparison: Comparison) -> str:
    """Return a comparison as strict JSON."""
    changes = [
        {
            "cell": change.cell,
            "cells": change.cells,
            "seeds": list(change.seeds),
            "figure": change.figure.name,
            "unit": change.figure.unit,
            "higher_is_better": change.figure.higher_is_better,
            "before": change.before,
            "expected": change.expected,
            "after": change.after,
            "allowed": change.allowed,
            "detectable": change.detectable,
            "rule": change.rule,
            "state": _state(change) or "fine",
        }
        for change in comparison.changes
    ]
    whole = {
        "outcome": comparison.outcome.name.lower(),
        "baseline": comparison.baseline,
        "cases": comparison.cases,
        "deselected": comparison.deselected,
        "bits": {
            "identical": len(comparison.bits.identical),
            "moved": list(comparison.bits.moved),
            "unknown": list(comparison.bits.unknown),
        },
        "changes": changes,
        "faults": list(comparison.faults),
        "notes": list(comparison.notes),
    }
    return printable_json(json.dumps(whole, indent=1, allow_nan=False)) + "\n"


def as_annotations(comparison: Comparison) -> str:
    """Return what GitHub Actions shows beside a pull request, one annotation per line."""
    lines = [f"::error title=redl::{_annotation(fault)}" for fault in comparison.faults]
    for change in _worst_first(comparison.changes):
        if state := _state(change):
            case, figure, before, after, _, allowed, _ = _row(change)
            level = "error" if change.regressed else "notice"
            text = f"{case}: {figure} {state}, {before} -> {after}, allowed {allowed}"
            lines.append(f"::{level} title=redl::{_annotation(text)}")
    lines += [f"::notice title=redl::{_annotation(remark)}" for remark in _remarks(comparison)]
    level = "notice" if comparison.outcome is Outcome.FINE else "error"
    lines.append(f"::{level} title=redl::{_annotation(summary(comparison))}")
    return "\n".join(lines) + "\n"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _lines(comparison: Comparison) -> Iterator[str]:
    yield from comparison.faults
    yield from _remarks(comparison)
    if any(change.improved for change in comparison.changes):
        yield _MOVE
    yield summary(comparison)


def _remarks(comparison: Comparison) -> Iterator[str]:
    """Yield whether the runs computed the same, what the gate could have seen, and what it did not judge."""
    if comparison.cases:
        yield str(comparison.bits)
    yield from _sight(comparison.changes)
    yield from comparison.notes


def _sight(changes: Sequence[Change]) -> Iterator[str]:
    """Yield for each score which falls would have been found with a probability of 90 %."""
    for figure in dict.fromkeys(change.figure.name for change in changes if change.detectable is not None):
        found = [c for c in changes if c.figure.name == figure and c.detectable is not None]
        most = max(change.cells for change in found)
        levels = {
            "in a single case": [c.detectable for c in found if c.cells == 1],
            "in a model on a data set, or a setting": [c.detectable for c in found if 1 < c.cells < most],
            "in all of them": [c.detectable for c in found if c.cells == most > 1],
        }
        parts = [f"{_range(each)} {where}" for where, each in levels.items() if each]
        yield f"{figure}: found with 90 % would be a fall of {', of '.join(parts)}"


def _range(falls: Sequence[float | None]) -> str:
    known = sorted(fall for fall in falls if fall is not None)
    low, high = f"{known[0]:.3f}", f"{known[-1]:.3f}"
    return low if low == high else f"{low} to {high} (median {median(known):.3f})"


def _worst_first(changes: Sequence[Change]) -> list[Change]:
    return sorted(changes, key=lambda change: (not change.regressed, not change.improved))


def _row(change: Change) -> tuple[str, ...]:
    figure = change.figure
    seeds = f" ({len(change.seeds)} seeds)" if len(change.seeds) > 1 else ""
    seeds = f" ({change.cells} together)" if change.cells > 1 else seeds
    difference = change.after - change.expected
    sign = "-" if figure.higher_is_better else "+"
    return (
        change.cell + seeds,
        figure.name,
        _figure(change.expected, figure.unit),
        _figure(change.after, figure.unit),
        ("+" if difference >= 0 else "-") + _figure(abs(difference), figure.unit),
        sign + _figure(change.allowed, figure.unit),
        _state(change),
    )


def _figure(value: float, unit: str) -> str:
    match unit:
        case "B":
            return f"{value / 1e6:.1f} MB"
        case "":
            return f"{value:.3f}"
        case _:
            return f"{value:.3g} {unit}"


def _state(change: Change) -> str:
    return "regressed" if change.regressed else "improved" if change.improved else ""


def _cells(cells: Iterable[str]) -> str:
    return f"| {' | '.join(map(_escaped, cells))} |"


def _escaped(text: str) -> str:
    """Escape what Markdown would take as a cell's end, as HTML, or as a link or an image."""
    line = printable_line(text, longest=_LONGEST)
    for character in "\\|[":
        line = line.replace(character, f"\\{character}")
    return line.replace("<", "&lt;")


def _annotation(text: str) -> str:
    """Return text as one line, without what GitHub's workflow commands interpret."""
    return printable_line(text, longest=_LONGEST).replace("%", "%25")
