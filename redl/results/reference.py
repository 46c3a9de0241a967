"""The reference: scores of repeated runs over seeds, and the bands in which a further run must lie.

A band is a one-sided prediction interval for one more seed. It catches what breaks training and is no claim
of non-inferiority.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from statistics import mean, stdev

from filelock import FileLock

from redl.errors import OptionError, RecordError
from redl.record import FinishedRecord, Record
from redl.record.strict import (
    Count,
    Divisor,
    Line,
    Number,
    Section,
    Share,
    Whole,
    Word,
    decode,
    encode,
    parse,
    read_bytes,
)
from redl.study.case import Case

SCHEMA = 2  # 1 had no AUCs
LEAST_SEEDS = 10
_CONFIDENCE = 0.999  # that one more seed is not below: a run has some eighty cases

# What of a recipe must be the same for accuracies to be compared.
COMPARED = (
    "network",
    "reduced",
    "input_size",
    "image_size",
    "epochs",
    "patience",
    "batch_size",
    "learning_rate",
    "weights_dtype",
    "autocast_dtype",
    "optimizer",
)

Plain = Line | Whole | Number | bool | None


class Band(Section, frozen=True, kw_only=True):
    """Test accuracies, AUCs and training peaks of one case over seeds, and what they were obtained with.

    `aucs` is empty in a band that was written before they were kept.
    """

    dataset: Word
    model: Word
    setting: Word
    downsample: Divisor
    seeds: tuple[Count, ...]
    accuracies: tuple[Share, ...]
    aucs: tuple[Share | None, ...] = ()
    train_peak_bytes: tuple[Count | None, ...]
    majority_accuracy: Share | None
    test_images: Divisor
    data_fingerprint: Word
    recipe: dict[Word, Plain]

    @property
    def mean(self) -> float:
        """Return the mean accuracy."""
        return mean(self.accuracies)

    @property
    def spread(self) -> float:
        """Return the accuracies' standard deviation; equal ones still allow for an image."""
        return max(stdev(self.accuracies), 1 / self.test_images)

    @property
    def low(self) -> float:
        """Return the least accuracy that one more seed may have."""
        from scipy.stats import t  # slow to import, and the plugin imports this module to collect tests

        count = len(self.accuracies)
        return self.mean - float(t.ppf(_CONFIDENCE, count - 1)) * self.spread * math.sqrt(1 + 1 / count)

    def fits(self, case: Case) -> bool:
        """Return whether the band is of a case, whatever its seed."""
        return _key(self) == (case.dataset, case.model, case.setting, case.downsample)

    def difference(self, record: Record) -> str | None:
        """Return what makes a record incomparable with the band; None if nothing does."""
        finished = record.finished()
        if finished.data.fingerprint != self.data_fingerprint:
            return "data"
        now = _recipe(finished)
        return next((name for name in COMPARED if now[name] != self.recipe[name]), None)


class Reference(Section, frozen=True, kw_only=True):
    """Bands of a profile, and the machine and software that they come from."""

    schema: int = SCHEMA
    profile: Word
    environment: dict[Word, Plain]
    bands: tuple[Band, ...]

    def band_of(self, case: Case) -> Band | None:
        """Return a case's band; None if there is none."""
        if case.profile != self.profile:
            return None
        return next((band for band in self.bands if band.fits(case)), None)


def find_reference(profile: str, reports: Path) -> Path | None:
    """Return a profile's reference: your own below `reports`, else the suite's; None if there is neither."""
    name = f"{profile}.json"
    shipped = Path(str(files("redl"))) / "suite" / "reference"  # in a wheel; a checkout has it in reports/
    return next((path for path in (reports / "reference" / name, shipped / name) if path.is_file()), None)


def load_reference(path: Path) -> Reference:
    """Read a reference; raise RecordError for any other file."""
    try:
        plain = parse(read_bytes(path), str(path))
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({type(error).__name__})") from error
    except RecordError as error:
        raise RecordError(f"{error}; write it anew by --redl-save-reference") from error
    if isinstance(plain, dict) and plain.get("schema") not in tuple(range(1, SCHEMA + 1)):
        raise RecordError(
            f"{path}: a reference of schema {plain.get('schema')}; this redl reads 1 to {SCHEMA}"
        )
    reference = decode(plain, Reference, str(path))
    for band in reference.bands:
        counts = {
            len(band.seeds),
            len(band.accuracies),
            len(band.aucs or band.seeds),
            len(band.train_peak_bytes),
        }
        if len(counts) > 1 or min(counts) < LEAST_SEEDS or set(band.recipe) != set(COMPARED):
            raise RecordError(f"{path}: the band of {'-'.join(_key(band)[:3])} is incomplete; write it anew")
    return reference


def save_reference(path: Path, records: Iterable[Record]) -> Reference:
    """Write the bands of a run's records; those of other cases that the file already has stay in it.

    So do those that another run writes meanwhile. Raise OptionError for a case that did not finish or has
    too few seeds, and leave the file as it was.
    """
    grouped: dict[str, list[Record]] = {}
    for record in records:
        grouped.setdefault(record.case.cell, []).append(record)
    if not grouped:
        raise OptionError("--redl-save-reference: no case ran")
    bands = tuple(_band(group) for group in grouped.values())
    first = next(iter(grouped.values()))[0].finished()
    written = {_key(band) for band in bands}
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):
        old = load_reference(path).bands if path.exists() else ()
        kept = tuple(band for band in old if _key(band) not in written)
        reference = Reference(
            profile=first.case.profile, environment=dict(first.environment), bands=kept + bands
        )
        partial = path.with_name(f".{path.name}.draft")
        partial.write_text(json.dumps(encode(reference, str(path)), indent=1) + "\n", encoding="utf-8")
        partial.replace(path)
    return reference


def _band(records: list[Record]) -> Band:
    first = records[0]
    accuracies = [record.metrics.test.accuracy if record.metrics else None for record in records]
    missing = [r.case.id for r, accuracy in zip(records, accuracies, strict=True) if accuracy is None]
    if missing:
        raise OptionError(f"--redl-save-reference: {missing[0]} has no accuracy; run it again")
    if len(records) < LEAST_SEEDS:
        raise OptionError(
            f"--redl-save-reference: {first.case.cell} has {len(records)} seeds; give {LEAST_SEEDS} or "
            "more by --redl-seeds"
        )
    whole = first.finished()
    return Band(
        dataset=first.case.dataset,
        model=first.case.model,
        setting=first.case.setting,
        downsample=first.case.downsample,
        seeds=tuple(record.case.seed for record in records),
        accuracies=tuple(accuracy for accuracy in accuracies if accuracy is not None),
        aucs=tuple(record.metrics.test.auc if record.metrics else None for record in records),
        train_peak_bytes=tuple(r.memory.train_peak_bytes if r.memory else None for r in records),
        majority_accuracy=whole.data.majority_accuracy,
        test_images=whole.data.images.test,
        data_fingerprint=whole.data.fingerprint,
        recipe=_recipe(whole),
    )


def _recipe(record: FinishedRecord) -> dict[str, Plain]:
    return {name: getattr(record.recipe, name) for name in COMPARED}


def _key(band: Band) -> tuple[str, str, str, int]:
    return band.dataset, band.model, band.setting, band.downsample
