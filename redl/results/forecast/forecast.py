"""The forecast of a run: what each of its cases takes at most, or why no saved run tells it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

from redl.data.counting import is_phantom
from redl.data.datasets import DataOptions
from redl.execution.job import RunOptions
from redl.record import Counts, DataSummary, FinishedRecord
from redl.results.forecast.history import History, Sort, sort_asked
from redl.results.forecast.rate import Accuracy, Rate, accuracy, rates
from redl.results.schedule import longest_first, makespan
from redl.study.case import Case, Dataset
from redl.study.profile import Profile

_EPOCHS_KEPT = 3  # files: the best epoch, the last one, and the next until it is whole


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What one case takes at most, by the `rate` of its sort; energy with the PUE that was given.

    `seconds` include the rate's overhead, where that is known.
    """

    seconds: float
    energy_wh: float | None
    rate: Rate


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """A case, its cost, and in words why that is not known."""

    case: Case
    cost: Cost | None
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What is expected of each case, and of all of them.

    `images` are those of each data set, None where nothing tells them; `image_size` their side.
    """

    expected: tuple[Expected, ...]
    images: Mapping[str, Counts | None]
    image_size: int
    accuracy: Accuracy | None
    g_per_kwh: float
    case_bytes: float | None
    history: History

    @cached_property
    def costs(self) -> tuple[Cost, ...]:
        """Return the costs that are known."""
        return tuple(one.cost for one in self.expected if one.cost is not None)

    @property
    def prepared_bytes(self) -> int | None:
        """Return the bytes of all prepared images, one a pixel; None if those of a data set are not known."""
        counts = [_all(count) for count in self.images.values()]
        return None if None in counts else sum(one or 0 for one in counts) * self.image_size**2

    @property
    def epochs_bytes(self) -> int | None:
        """Return the most bytes of the epochs that one of the known cases keeps while it trains."""
        states = [cost.rate.state_bytes for cost in self.costs if cost.rate.state_bytes is not None]
        return _EPOCHS_KEPT * max(states) if states else None

    @property
    def saved_bytes(self) -> float | None:
        """Return the bytes of the saved run; None if none of this profile was saved before."""
        return None if self.case_bytes is None else self.case_bytes * len(self.expected)

    @property
    def memory_bytes(self) -> int | None:
        """Return the largest peak of memory in training that is known."""
        return max((c.rate.memory_bytes for c in self.costs if c.rate.memory_bytes is not None), default=None)

    def makespan(self, workers: int) -> float:
        """Return the seconds that the known cases take on several workers, the longest first."""
        return makespan(longest_first([cost.seconds for cost in self.costs]), workers)


def forecast(
    cases: Sequence[Case],
    options: RunOptions,
    data: DataOptions,
    history: History,
    *,
    counted: Mapping[str, Counts | str] = {},
    measured: Mapping[Sort, Rate | str] = {},
) -> Forecast:
    """Return what cases would take, by the saved runs of this machine and by what was `measured` instead.

    `counted` are the images of data sets. Both mappings may hold, in words, why something is not known.
    """
    known = dict(measured) | rates(history.records)
    images = {
        dataset: _images(dataset, options.profile, data, history.records, counted.get(dataset))
        for dataset in dict.fromkeys(case.dataset for case in cases)
    }
    return Forecast(
        expected=tuple(
            _expected(case, options, known, images[case.dataset], counted.get(case.dataset)) for case in cases
        ),
        images=images,
        image_size=options.profile.image_size,
        accuracy=accuracy(history.records, (sort_asked(case, options) for case in cases)),
        g_per_kwh=options.assumptions.carbon_intensity().g_per_kwh,
        case_bytes=history.case_bytes.get(options.profile.name),
        history=history,
    )


def unknown_sorts(cases: Iterable[Case], options: RunOptions, history: History) -> list[Sort]:
    """Return the sorts of cases that no saved run tells, each once, in the order of the cases."""
    known = rates(history.records)
    return [sort for sort in dict.fromkeys(sort_asked(case, options) for case in cases) if sort not in known]


def _expected(
    case: Case,
    options: RunOptions,
    known: Mapping[Sort, Rate | str],
    images: Counts | None,
    counted: Counts | str | None,
) -> Expected:
    sort = sort_asked(case, options)
    rate = known.get(sort)
    if rate is None or isinstance(rate, str):
        return Expected(case=case, cost=None, reason=rate or _why_not(sort, known))
    if images is None:
        why = f"; {counted}" if isinstance(counted, str) else ""
        reason = f"the images of these {case.dataset} data: not counted{why}"
        return Expected(case=case, cost=None, reason=reason)
    cost = _cost(rate, options, options.profile.of(case.model), images)
    return Expected(case=case, cost=cost, reason=None)


def _why_not(sort: Sort, known: Iterable[Sort]) -> str:
    if not any((one.model, one.setting) == (sort.model, sort.setting) for one in known):
        return f"{sort.model}: a setting that was never trained here"
    scale = "" if sort.downsample == 1 else f" downsampled by {sort.downsample}"
    return (
        f"{sort.model}: trained here, but not with images of {sort.image_size} pixels{scale} in batches of "
        f"{sort.batch_size}, networks, TF32 and --redl-plain as chosen"
    )


def _cost(rate: Rate, options: RunOptions, profile: Profile, images: Counts) -> Cost:
    """Return the cost of a case that trains for all of its epochs and is then measured."""
    trained = profile.epochs * images.train
    of_pass = images.test * rate.infer_seconds
    passes = max(1, math.ceil(profile.inference_window_s / of_pass)) if of_pass else 1
    answered = (profile.epochs + 1) * images.valid + (passes + profile.inference_rounds) * images.test
    energy = None
    if rate.train_wh is not None and rate.infer_wh is not None:
        energy = options.assumptions.pue * (trained * rate.train_wh + passes * images.test * rate.infer_wh)
    return Cost(
        seconds=trained * rate.train_seconds
        + answered * rate.infer_seconds
        + profile.latency_passes * rate.latency_seconds
        + 2 * options.settle_s
        + (rate.overhead_seconds or 0.0),
        energy_wh=energy,
        rate=rate,
    )


def _images(
    dataset: str,
    profile: Profile,
    data: DataOptions,
    records: Iterable[FinishedRecord],
    counted: Counts | str | None,
) -> Counts | None:
    """Return how many images the parts of a data set have, if not counted, by the newest record of it."""
    if isinstance(counted, Counts):
        return counted
    chosen = _chosen(dataset, data)
    found = [one.data for one in records if one.case.dataset == dataset and _is_of(one, profile, data)]
    same = [one for one in found if _agrees(one, chosen)]
    return same[-1].images if same else None


def _is_of(record: FinishedRecord, profile: Profile, data: DataOptions) -> bool:
    """Return whether a case had as many images, which depends on a phantom's profile and on `images`."""
    overrides, own = record.recipe.overrides, profile.overrides(record.case.model)
    if overrides.get("images") != own.get("images"):
        return False
    if record.data.synthetic != is_phantom(record.case.dataset, data):
        return False
    return record.case.profile == profile.name or not record.data.synthetic


def _chosen(dataset: str, data: DataOptions) -> dict[str, object]:
    """Return what decides which images a data set has, as its records name it."""
    if dataset == Dataset.RSNA:
        return asdict(data.cohort)
    if dataset == Dataset.LIDC:
        return {"min_raters": data.lidc.min_raters, "max_cluster": data.lidc.max_cluster}
    return {}


def _agrees(found: DataSummary, chosen: Mapping[str, object]) -> bool:
    return all(found.options.get(name, value) == value for name, value in chosen.items())


def _all(counts: Counts | None) -> int | None:
    return None if counts is None else counts.train + counts.valid + counts.test
