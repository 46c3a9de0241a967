"""A made run of several settings: 240 patients with two images each, whose answers are known."""

import json

import numpy as np

from redl.record import Predictions
from redl.results.arms import arms_of
from redl.results.store import KEY, PREDICTIONS_KEY
from redl.study.case import Setting
from tests.helpers.changes import replace
from tests.helpers.samples import DIVERGED, WHOLE, component, energy, record

PATIENTS, IMAGES = 240, 2
MANY = 4  # patients that one of `lost` stands for, so that it is a sixtieth of all
LABELS = tuple(int(patient % 3 == 0) for patient in range(PATIENTS) for _ in range(IMAGES))
SUBJECTS = tuple(patient for patient in range(PATIENTS) for _ in range(IMAGES))
SEEDS = (1, 2, 3, 4, 5)
# Of each seed, the patients that every setting answers wrongly; those of one seed are not those of another.
WRONG = {seed: frozenset(range(seed, PATIENTS, 10)) for seed in SEEDS}


def answers(wrong, labels=LABELS, subjects=SUBJECTS):
    """Return predictions that are right but for the patients in `wrong`."""
    right = [
        0.8 if (label == 1) != (patient in wrong) else 0.2
        for label, patient in zip(labels, subjects, strict=True)
    ]
    return Predictions(subjects=subjects, labels=labels, probabilities=tuple(right))


def one(
    setting,
    seed,
    *,
    lost=0,
    apart=False,
    memory=400_000_000,
    seconds=10.0,
    wh=4.0,
    kind="measured",
    diverged=False,
    labels=LABELS,
    **changes,
):
    """Return a record and its predictions.

    `lost` sixtieths of the patients more are answered wrongly than by the baseline; with `apart` the wrong
    ones are others, as many in the mean, from one seed to the next.
    """
    wrong = set(WRONG[seed])
    if apart:
        count = len(wrong) + MANY * (10 if seed % 2 else -6)
        wrong = set(range(0, 3 * count, 3)) if count > 0 else set()
    wrong |= set(sorted(set(range(PATIENTS)) - wrong)[: MANY * lost])
    parts = () if wh is None else (component("gpu", wh, kind, "nvml"),)
    spent = energy(*parts, energy_wh=wh, kind="unavailable" if wh is None else kind)
    if wh is not None:
        reading = replace(spent.train, co2eq_g=wh / 1000 * spent.train.carbon_intensity.g_per_kwh)
        spent = replace(spent, train=reading, inference=reading)
    found = record(
        setting,
        case=replace(WHOLE.case, setting=setting, seed=seed),
        energy=spent,
        memory=replace(WHOLE.memory, train_peak_bytes=memory),
        training=replace(WHOLE.training, seconds_to_stop=seconds),
        divergence=DIVERGED if diverged else WHOLE.divergence,
    )
    return replace(found, **changes), answers(wrong, labels=labels)


def run_of(seeds=SEEDS, labels=LABELS, **settings):
    """Return records and predictions of settings by their names, each with what `one` takes."""
    records, predictions = [], {}
    for name, given in settings.items():
        for seed in seeds:
            found, answered = one(Setting[name.upper()], seed, labels=labels, **given)
            records.append(found)
            predictions[found.case.id] = answered
    return records, predictions


def arms(seeds=SEEDS, labels=LABELS, **settings):
    """Return the arms of such a run."""
    return arms_of(*run_of(seeds, labels, **settings))


def arm(probabilities, labels, subjects, setting=Setting.BASELINE):
    """Return an arm of given answers (S, N), NaN for one that is not finite."""
    records, predictions = [], {}
    for seed, row in enumerate(probabilities, start=1):
        found = record(setting, case=replace(WHOLE.case, setting=setting, seed=seed))
        records.append(found)
        plain = tuple(None if np.isnan(value) else float(value) for value in row)
        predictions[found.case.id] = Predictions(
            subjects=tuple(subjects), labels=tuple(labels), probabilities=plain
        )
    return arms_of(records, predictions)[0]


def save(path, records, predictions):
    """Write a run as pytest-benchmark saves it."""
    entries = [
        {KEY: found.to_json(), PREDICTIONS_KEY: predictions[found.case.id].to_json()}
        if found.case.id in predictions
        else {KEY: found.to_json()}
        for found in records
    ]
    path.write_text(json.dumps({"benchmarks": [{"extra_info": entry} for entry in entries]}))
    return path
