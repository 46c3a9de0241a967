"""Matrices: what runs have of one data set under one profile, model by model and setting by setting."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from redl.errors import RecordError
from redl.record import Predictions, Record
from redl.results.aggregate import Aggregate, aggregated, comparable
from redl.results.arms import Arm, arms_of
from redl.results.machine import machines_of
from redl.results.store import Run
from redl.study.case import Model, Setting

# What is drawn at most: of more, neither colours nor panels can be told apart.
MATRICES, MODELS, SETTINGS = 6, 12, 12
MODELS_PER_PAGE = 6

Cells = tuple["Cell", ...]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Cell:
    """One model under one setting at one scale, over its seeds.

    `records` are those of the seeds that finished. `arm` holds their answers, None where they were not saved
    or do not belong together.
    """

    model: str
    setting: str
    downsample: int
    aggregate: Aggregate
    records: tuple[Record, ...]
    arm: Arm | None

    @property
    def is_baseline(self) -> bool:
        """Return whether others are compared with it."""
        return self.setting == Setting.BASELINE


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Matrix:
    """Cells of one data set under one profile, on phantom or on real images.

    `models` holds the cells of each model in full size, the baseline first; `scaled` those at every scale of
    each model that has images downsampled too. `page` counts from 1 where models take several. `capped` says
    what is not drawn, `unanswered` why there are no answers; both are empty if there is nothing to say.
    """

    dataset: str
    profile: str
    synthetic: bool | None
    models: Mapping[str, Cells]
    scaled: Mapping[str, Cells]
    page: int = 1
    capped: tuple[str, ...] = ()
    unanswered: str = ""

    @property
    def cells(self) -> Iterator[Cell]:
        """Yield the cells in full size."""
        return (cell for cells in self.models.values() for cell in cells)

    @property
    def settings(self) -> list[str]:
        """Return the settings in full size, in the order in which they come."""
        return list(dict.fromkeys(cell.setting for cell in self.cells))

    def pages(self) -> list[Matrix]:
        """Return the matrix in parts whose models fit on a page."""
        names = list(self.models)
        starts = range(0, len(names), MODELS_PER_PAGE)
        parts = [names[start : start + MODELS_PER_PAGE] for start in starts]
        return [
            replace(
                self,
                page=number,
                models={name: self.models[name] for name in part},
                scaled={name: self.scaled[name] for name in part if name in self.scaled},
            )
            for number, part in enumerate(parts, 1)
        ]


@dataclass(kw_only=True, slots=True)
class _Gathered:
    """Records and answers of one matrix while runs are read."""

    records: dict[str, Record] = field(default_factory=dict)
    answers: dict[str, Predictions] = field(default_factory=dict)
    unanswered: str = ""


_Key = tuple[str, str, bool | None]


def matrices(runs: Sequence[Run]) -> tuple[list[Matrix], list[str]]:
    """Return the matrices of runs, and what is not drawn because there is too much.

    Raise RecordError if two runs have results of one case that differ.
    """
    gathered = _gathered(runs)
    kept = list(gathered.items())[:MATRICES]
    more = len(gathered) - len(kept)
    said = [f"{more} more data sets or profiles than the first {MATRICES}"] if more else []
    return [_matrix(key, found) for key, found in kept], said


def _gathered(runs: Sequence[Run]) -> dict[_Key, _Gathered]:
    found: dict[_Key, _Gathered] = {}
    names: dict[tuple[_Key, str], str] = {}
    for run in runs:
        images = {(r.case.profile, r.case.dataset): r.data.synthetic for r in run.records.values() if r.data}
        answers, why = _answers(run)
        for name, record in run.records.items():
            case = record.case
            key = (case.profile, case.dataset, images.get((case.profile, case.dataset)))
            one = found.setdefault(key, _Gathered())
            if one.records.setdefault(name, record) != record:
                raise RecordError(f"{names[key, name]} and {run.name}: {name} differs; draw one of the two")
            names.setdefault((key, name), run.name)
            one.unanswered = one.unanswered or why
            if name in answers:
                one.answers.setdefault(name, answers[name])
    return found


def _answers(run: Run) -> tuple[Mapping[str, Predictions], str]:
    try:
        return run.predictions, ""
    except RecordError as error:  # all that needs no answers can be drawn
        return {}, str(error)


def _matrix(key: _Key, found: _Gathered) -> Matrix:
    profile, dataset, synthetic = key
    records, capped = _capped(list(found.records.values()))
    arms, why = _arms(records, found)
    cells = [_cell(aggregate, group, arms) for aggregate, group in _grouped(records)]
    full = _by_model(cell for cell in cells if cell.downsample == 1)
    scaled = {cell.model for cell in cells if cell.downsample > 1}
    return Matrix(
        dataset=dataset,
        profile=profile,
        synthetic=synthetic,
        models=full,
        scaled=_by_model(cell for cell in cells if cell.model in scaled),
        capped=(*capped, *_apart(cells)),
        unanswered=why,
    )


def _capped(records: list[Record]) -> tuple[list[Record], list[str]]:
    """Return the records that are drawn, in the order of models and settings, and what is not drawn."""
    models = _in_order((record.case.model for record in records), Model)
    settings = _in_order((record.case.setting for record in records), Setting)
    said = [
        f"the first {most} of {len(names)} {what} are drawn"
        for what, names, most in (("models", models, MODELS), ("settings", settings, SETTINGS))
        if len(names) > most
    ]
    places = {
        (m, s): (x, y) for x, m in enumerate(models[:MODELS]) for y, s in enumerate(settings[:SETTINGS])
    }
    shown = [record for record in records if (record.case.model, record.case.setting) in places]
    return sorted(shown, key=lambda record: places[record.case.model, record.case.setting]), said


def _in_order(names: Iterable[str], study: type[StrEnum]) -> list[str]:
    """Return each name once: those of the study in its order, then custom ones as they come."""
    order = {str(name): place for place, name in enumerate(study)}
    return sorted(dict.fromkeys(names), key=lambda name: order.get(name, len(order)))


def _arms(records: list[Record], found: _Gathered) -> tuple[dict[tuple[str, str, int], Arm], str]:
    if found.unanswered:
        return {}, found.unanswered
    try:
        arms = arms_of(records, found.answers)
    except RecordError as error:
        return {}, str(error)
    return {(arm.model, arm.setting, arm.downsample): arm for arm in arms if arm.seeds}, ""


def _grouped(records: list[Record]) -> Iterator[tuple[Aggregate, list[Record]]]:
    groups: dict[tuple[str, str, int], list[Record]] = {}
    for record in records:
        case = record.case
        groups.setdefault((case.model, case.setting, case.downsample), []).append(record)
    for group in groups.values():
        yield aggregated(group)[0], group


def _cell(aggregate: Aggregate, group: list[Record], arms: Mapping[tuple[str, str, int], Arm]) -> Cell:
    case = group[0].case
    return Cell(
        model=case.model,
        setting=case.setting,
        downsample=case.downsample,
        aggregate=aggregate,
        records=tuple(record for record in group if record.metrics is not None),
        arm=arms.get((case.model, case.setting, case.downsample)),
    )


def _by_model(cells: Iterable[Cell]) -> dict[str, Cells]:
    """Return the cells of each model; those of several machines without the costs, which are compared."""
    found: dict[str, Cells] = {}
    for cell in cells:
        found[cell.model] = (*found.get(cell.model, ()), cell)
    return {model: tuple(with_comparable(each)) for model, each in found.items()}


def with_comparable(cells: Sequence[Cell]) -> list[Cell]:
    """Return cells whose costs are to be compared: without them if they come from several machines."""
    aggregates = comparable([cell.aggregate for cell in cells])
    return [replace(cell, aggregate=found) for cell, found in zip(cells, aggregates, strict=True)]


def _apart(cells: Sequence[Cell]) -> Iterator[str]:
    for model in dict.fromkeys(cell.model for cell in cells):
        if len(machines_of(record for cell in cells if cell.model == model for record in cell.records)) > 1:
            yield f"{model} ran under more than one fingerprint, across which no resources are compared"
