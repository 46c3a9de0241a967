"""A run of the whole matrix: recorded smoke accuracies and peaks of memory, replayed with noise.

Nobody measured times, energies, losses or answers of it. They only have the size and the shape of a run.
"""

import random
from pathlib import Path

from redl.record import Counts, Epoch, Metrics, PredictedMemory, Predictions, Scores
from redl.results.reference import load_reference
from redl.results.store import Run
from redl.study.case import Case
from tests.helpers.changes import replace
from tests.helpers.samples import SCORES, WHOLE, component, energy

RECORDED = Path(__file__).parents[4] / "reports" / "reference" / "smoke.json"
PARAMETERS = {
    "densenet": 6_948_609,
    "swin": 86_900_000,
    "vit": 116_700_000,
    "efficientnet": 51_100_000,
    "mlp": 8_388_865,
}
PATIENTS, IMAGES = 80, 2
LABELS = tuple(int(patient % 3 == 0) for patient in range(PATIENTS) for _ in range(IMAGES))
SUBJECTS = tuple(patient for patient in range(PATIENTS) for _ in range(IMAGES))


def replayed(seeds=3, *, epochs=20, models=None, datasets=None, copies=1):
    """Return a run of every recorded cell; `copies` repeats the models under further names."""
    noise, records, answers = random.Random(0), {}, {}
    for band in load_reference(RECORDED).bands:
        if band.model not in (models or PARAMETERS) or band.dataset not in (datasets or ("rsna", "lidc")):
            continue
        for copy in range(copies):
            for seed in range(1, seeds + 1):
                case = Case(
                    dataset=band.dataset,
                    model=band.model if copy == 0 else f"{band.model}{copy}",
                    setting=band.setting,
                    seed=seed,
                    downsample=band.downsample,
                    profile="smoke",
                )
                probabilities = _probabilities(noise, noise.choice(band.accuracies))
                records[case.id] = _record(noise, case, band, epochs, probabilities)
                answers[case.id] = Predictions(subjects=SUBJECTS, labels=LABELS, probabilities=probabilities)
    return Run(
        name="replayed.json",
        records=records,
        collected=tuple(records),
        read_predictions=lambda: answers,
    )


def _probabilities(noise, accuracy):
    """Return answers of which about a share `accuracy` is right."""
    right = [noise.random() < accuracy for _ in LABELS]
    return tuple(
        noise.uniform(0.51, 0.99) if label == good else noise.uniform(0.01, 0.49)
        for label, good in zip(LABELS, right, strict=True)
    )


def _record(noise, case, band, epochs, probabilities):
    size, lighter = PARAMETERS[band.model], 0.7 if case.setting != "baseline" else 1.0
    seconds = lighter * size / 1e6 * noise.uniform(0.9, 1.1)
    right = [(p > 0.5) == label for p, label in zip(probabilities, LABELS, strict=True)]
    score: Scores = replace(SCORES, accuracy=sum(right) / len(right))
    spent = energy(
        component("cpu", seconds / 30, "estimated", "tdp"), energy_wh=seconds / 30, kind="estimated"
    )
    trace = tuple(
        Epoch(
            epoch=epoch,
            train_loss=0.7 / epoch,
            valid_loss=0.1 + noise.uniform(0.6, 0.7) / epoch,
            valid_accuracy=0.9,
            seconds=seconds / epochs,
        )
        for epoch in range(1, epochs + 1)
    )
    state = 2 * size if "8bit" in case.setting else 8 * size
    width = 2 if "half" in case.setting else 4
    return replace(
        WHOLE,
        case=case,
        parameters=size,
        metrics=Metrics(valid=SCORES, test=score),
        energy=spent,
        memory=replace(
            WHOLE.memory,
            train_peak_bytes=noise.choice(band.train_peak_bytes),
            predicted=PredictedMemory(
                weights=width * size,
                gradients=width * size,
                optimizer_state=state,
                total=2 * width * size + state,
            ),
        ),
        training=replace(
            WHOLE.training,
            epochs_run=epochs,
            best_epoch=epochs,
            seconds_to_best=seconds,
            seconds_to_stop=seconds,
            trace=trace,
        ),
        inference=replace(WHOLE.inference, seconds=seconds / 10),
        data=replace(WHOLE.data, subjects=Counts(train=3, valid=1, test=PATIENTS)),
        warnings=("replayed with noise: no measurement",),
    )
