"""Deployments of made cases, for tests of what is done with them."""

from redl.record import Predictions
from redl.record.deployment import (
    Batches,
    Deployment,
    ServedFile,
    ServedProcess,
    SingleImages,
    agreement_of,
)
from tests.helpers.samples import PHASE_CONDITIONS, energy
from tests.helpers.saved import finished

LABELS = tuple(number % 2 for number in range(200))
SUBJECTS = tuple(number // 2 for number in range(200))
RIGHT = tuple(0.8 if label else 0.2 for label in LABELS)


def deployment(runtime="onnx", seed=1, *, lost=(), threads=1, reference=RIGHT, **changes):
    """Return figures of a network that answers as torch does but for the images `lost`."""
    answers = tuple(p if p is None or number not in lost else 1 - p for number, p in enumerate(reference))
    given = {
        "case": finished(seed=seed).case.id,
        "runtime": runtime,
        "threads": threads,
        "single": SingleImages(passes=20, p50_seconds=0.002, p95_seconds=0.003, cpu_seconds_per_image=0.004),
        "batches": Batches(batch_size=32, images=64, seconds=0.1, images_per_second=640.0),
        "process": ServedProcess(
            peak_bytes=150_000_000,
            batch_peak_bytes=160_000_000,
            first_answer_cpu_seconds=0.5,
            torch_loaded=False,
            versions={"onnxruntime": "1.32.0"},
        ),
        "file": ServedFile(name="model.onnx", bytes=29_000_000, sha256="0" * 64),
        "energy": energy(energy_wh=None, kind="unavailable").inference,
        "conditions": PHASE_CONDITIONS,
        "calibration_images": None,
        "agreement": agreement_of(answers, reference),
        "agreement_reason": None,
        "answers": Predictions(subjects=SUBJECTS, labels=LABELS, probabilities=answers),
        "reference": reference,
        "warnings": (),
    }
    return Deployment(**(given | changes))


def records_of(*deployments):
    """Return finished records of the cases of some deployments."""
    seeds = {int(one.case.rpartition("seed")[2]) for one in deployments}
    return {found.case.id: found for found in (finished(seed=seed) for seed in sorted(seeds))}
