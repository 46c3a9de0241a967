"""Saved runs for tests: pytest-benchmark's JSON around records, without its own figures."""

import json

from redl.record import Metrics
from redl.results.gate.rule import parse_rule
from redl.results.reference import COMPARED, Band, Reference
from redl.results.store import KEY, Run, selection
from tests.helpers.changes import replace
from tests.helpers.samples import SCORES, WHOLE


def finished(setting="baseline", seed=1, *, accuracy=0.9, peak=512_000_000, model="densenet", **changes):
    """Return the record of a case that finished."""
    case = replace(WHOLE.case, setting=setting, seed=seed, model=model)
    memory = replace(WHOLE.memory, train_peak_bytes=peak)
    metrics = Metrics(valid=SCORES, test=replace(SCORES, accuracy=accuracy))
    return replace(WHOLE, **({"case": case, "memory": memory, "metrics": metrics} | changes))


def run_of(*records, name="a.json", collected=None, deselected=()):
    """Return records as a saved run."""
    by_id = {record.case.id: record for record in records}
    return Run(
        name=name,
        records=by_id,
        collected=tuple(by_id) if collected is None else tuple(collected),
        deselected=frozenset(deselected),
    )


def rules(*texts):
    """Return rules by their texts."""
    return [parse_rule(text) for text in texts]


def band_of(record, accuracies):
    """Return a band of a record's case."""
    return Band(
        dataset=record.case.dataset,
        model=record.case.model,
        setting=record.case.setting,
        downsample=record.case.downsample,
        seeds=tuple(range(len(accuracies))),
        accuracies=tuple(accuracies),
        train_peak_bytes=(512_000_000,) * len(accuracies),
        majority_accuracy=0.7,
        test_images=1000,
        data_fingerprint=record.data.fingerprint,
        recipe={name: getattr(record.recipe, name) for name in COMPARED},
    )


def reference_of(*bands):
    """Return a reference of the smoke profile."""
    return Reference(profile="smoke", environment={}, bands=bands)


def save(path, *records, extra=(), **whole):
    """Write records as a saved run; `extra` are further benchmarks, `whole` further keys of the file."""
    entries = [{"extra_info": {KEY: record.to_json()}} for record in records]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"benchmarks": [*entries, *extra]} | whole))
    return path


def selected(collected, deselected=()):
    """Return what a file says of its selection."""
    return {KEY: selection(collected, deselected)}
