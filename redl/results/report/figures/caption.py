"""Captions: in words, from what a figure is drawn, and how much of it was measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from redl.record import EnergyKind, Record
from redl.results.report.figures.drawing import slug
from redl.results.report.figures.matrix import Cell, Matrix

_DEVICES = {"cpu": "growth of the process's resident memory", "cuda": "peak of the GPU's allocator"}


def name_of(what: str, matrix: Matrix) -> str:
    """Return the stem of a figure's files, e.g. `radar-rsna-smoke`, with its page from the second on."""
    images = "" if matrix.synthetic is not False else "-real"
    page = "" if matrix.page == 1 else f"-{matrix.page}"
    return f"{what}-{slug(matrix.dataset)}-{slug(matrix.profile)}{images}{page}"


def titled(what: str, matrix: Matrix) -> str:
    """Return a figure's title, e.g. `Resources and performance: rsna, smoke profile`."""
    return f"{what}: {matrix.dataset}, {matrix.profile} profile"


def caption(words: Sequence[str], matrix: Matrix, cells: Iterable[Cell], *more: str) -> str:
    """Return a caption: what is shown, then the data, seeds and patients that it is from, then the rest."""
    drawn = list(cells)
    parts = [*words, _source(matrix, drawn), *(part for part in more if part), *_ended(drawn), *matrix.capped]
    return " ".join(f"{part[0].upper()}{part[1:].rstrip('.')}." for part in parts)


def energy_words(cells: Iterable[Cell]) -> str:
    """Return whether energy was measured or estimated."""
    found = {cell.aggregate.energy_kind for cell in cells}
    kinds = [kind for kind in (EnergyKind.MEASURED, EnergyKind.ESTIMATED) if kind in found]
    if not kinds:
        return ""
    return f"energy of training is {' for some and '.join(kinds)}{' for others' * (len(kinds) > 1)}"


def memory_words(cells: Iterable[Cell]) -> str:
    """Return what the peak of memory is, which depends on the device."""
    devices = {record.memory.device for cell in cells for record in cell.records if record.memory}
    said = [_DEVICES.get(device, device) for device in sorted(devices)]
    return f"peak memory is the {' or the '.join(said)}, the largest of any seed" if said else ""


def load_words(cells: Iterable[Cell]) -> str:
    """Return a warning if times were taken while other programs computed."""
    loaded = any(cell.aggregate.train_under_load or cell.aggregate.inference_under_load for cell in cells)
    return "other programs computed during some of the cases, which lengthens their times" if loaded else ""


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, e.g. `1 seed`, `3 seeds`."""
    return f"{number} {noun}{'s' * (number != 1)}"


def _source(matrix: Matrix, cells: Sequence[Cell]) -> str:
    images = {True: "phantom images", False: "real images", None: "images of unknown origin"}
    reduced = any(r.recipe and r.recipe.reduced for cell in cells for r in cell.records)
    networks = ", networks made small" if reduced else ""
    return (
        f"data: {matrix.dataset}, {images[matrix.synthetic]}, {matrix.profile} profile{networks}; "
        f"{_seeds(cells)}, {_patients(cells)}"
    )


def _seeds(cells: Sequence[Cell]) -> str:
    numbers = sorted({len(cell.records) for cell in cells})
    if not numbers:
        return "no seed"
    return counted(numbers[0], "seed") if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]} seeds"


def _patients(cells: Sequence[Cell]) -> str:
    found: Iterable[Record] = (record for cell in cells for record in cell.records)
    numbers = sorted({record.data.subjects.test for record in found if record.data})
    return (
        " or ".join(map(str, numbers)) + f" test patient{'s' * (numbers != [1])}"
        if numbers
        else ("an unknown number of patients")
    )


def _ended(cells: Sequence[Cell]) -> list[str]:
    """Return how many seeds diverged or did not finish, if any."""
    broken = sum(cell.aggregate.broken for cell in cells)
    diverged = sum(cell.aggregate.diverged for cell in cells)
    said = [f"{counted(diverged, 'diverged case')} are among them"] if diverged > 1 else []
    said += ["1 diverged case is among them"] if diverged == 1 else []
    return said + ([f"{counted(broken, 'case')} did not finish and cannot be shown"] if broken else [])
