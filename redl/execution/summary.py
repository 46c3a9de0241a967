"""Summary: a case's findings in the words of the record, with a reason for each missing figure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from redl.data.cache.entry import Prepared
from redl.metering.environment import describe_environment
from redl.metering.memory import Peak
from redl.metering.predicted_memory import explanation, predicted_memory
from redl.record import (
    DivergenceKind,
    Energy,
    EnergyReading,
    FastPath,
    Flags,
    Inference,
    Latency,
    Memory,
    Metrics,
    Predictions,
    Pretrained,
    Recipe,
    Record,
    Status,
    Training,
)
from redl.study.case import Case
from redl.study.profile import Profile, Size
from redl.training.loop import Fit
from redl.training.metrics import Floats, score, threshold_at_specificity
from redl.training.models import parameter_count
from redl.training.networks import Network
from redl.training.precision import Precision


@dataclass(frozen=True, kw_only=True, slots=True)
class Pass:
    """Hold what one phase cost."""

    energy: EnergyReading
    memory: Peak


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """Hold all that a case found out, as it came; logits are float32 (N, 1)."""

    case: Case
    profile: Profile
    overrides: dict[str, Size]
    network: Network
    fast_path: FastPath
    precision: Precision
    widened: bool
    flags: Flags
    pretrained: Pretrained
    optimizer: str
    optimizer_state_bits: dict[str, int]
    state_width: Callable[[nn.Parameter], int] | None
    data: Prepared
    model: nn.Module
    fit: Fit
    seconds: float
    train: Pass
    inference: Pass
    inference_seconds: float
    inference_passes: int
    latency: Latency
    paper_compatible_bytes: int | None
    valid_logits: torch.Tensor
    test_logits: torch.Tensor


def summarise(found: Findings) -> Record:
    """Put the findings into a record."""
    divergence = found.fit.divergence
    # A network at chance was trained to the end all the same.
    broke_down = divergence.final and set(divergence.kinds) != {DivergenceKind.CHANCE}
    return Record(
        status=Status.DIVERGED if broke_down else Status.COMPLETED,
        reason="; ".join(divergence.reasons) or None,
        warnings=tuple(_warnings(found)),
        case=found.case,
        recipe=_recipe(found),
        data=found.data.summary(),
        parameters=parameter_count(found.model),
        metrics=_metrics(found),
        training=_training(found),
        inference=_inference(found),
        memory=_memory(found),
        energy=Energy(train=found.train.energy, inference=found.inference.energy),
        divergence=divergence,
        environment=describe_environment(
            found.precision.device,
            flags=found.flags,
            fast_path=found.fast_path,
            profile=found.profile,
            data_fingerprint=found.data.fingerprint,
        ),
    )


def predictions_of(found: Findings) -> Predictions:
    """Return what was answered for each test image."""
    test, probabilities = found.data.split.test, _probabilities(found.test_logits)
    return Predictions(
        subjects=tuple(found.data.subjects[test].tolist()),
        labels=tuple(found.data.labels[test].tolist()),
        probabilities=tuple(p if math.isfinite(p) else None for p in probabilities.tolist()),
    )


def _recipe(found: Findings) -> Recipe:
    profile, precision = found.profile, found.precision
    return Recipe(
        network=found.network.name,
        reduced=found.network.reduced,
        overrides=found.overrides,
        input_size=found.network.input_size(profile.image_size, found.case.downsample),
        epochs=profile.epochs,
        patience=profile.patience,
        batch_size=profile.batch_size,
        learning_rate=profile.learning_rate,
        image_size=profile.image_size,
        weights_dtype=_name(precision.weights_dtype),
        autocast_dtype=None if precision.autocast_dtype is None else _name(precision.autocast_dtype),
        grad_scaler=precision.grad_scaler,
        optimizer=found.optimizer,
        optimizer_state_bits=found.optimizer_state_bits,
        pretrained=found.pretrained,
        flags=found.flags,
        fast_path=found.fast_path,
    )


def _metrics(found: Findings) -> Metrics:
    valid, test = (_probabilities(logits) for logits in (found.valid_logits, found.test_logits))
    labels, subjects, split = found.data.labels.astype(np.int64), found.data.subjects, found.data.split
    cut = threshold_at_specificity(labels[split.valid], valid)
    return Metrics(
        valid=score(labels[split.valid], valid, subjects[split.valid], threshold_at_90=cut),
        test=score(labels[split.test], test, subjects[split.test], threshold_at_90=cut),
    )


def _training(found: Findings) -> Training:
    trace, best = found.fit.trace, found.fit.best_epoch
    return Training(
        epochs_run=len(trace),
        best_epoch=best,
        seconds_to_best=None if best is None else trace[best - 1].seconds,
        seconds_to_stop=found.seconds,
        images_per_second=found.fit.images / found.seconds,
        trace=trace,
    )


def _inference(found: Findings) -> Inference:
    images = found.inference_passes * len(found.test_logits)
    return Inference(
        seconds=found.inference_seconds,
        passes=found.inference_passes,
        images=images,
        images_per_second=images / found.inference_seconds,
        latency=found.latency,
    )


def _memory(found: Findings) -> Memory:
    train, inference = found.train.memory, found.inference.memory
    held = list(found.model.parameters())
    return Memory(
        device=found.precision.device.type,
        train_peak_bytes=train.allocated_bytes,
        inference_peak_bytes=inference.allocated_bytes,
        reserved_peak_bytes=train.reserved_bytes,
        inference_reserved_peak_bytes=inference.reserved_bytes,
        process_peak_bytes=train.process_bytes,
        inference_process_peak_bytes=inference.process_bytes,
        predicted=predicted_memory(held, state_width=found.state_width),
        explanation=explanation(
            held,
            half=found.precision.weights_dtype != torch.float32,
            autocast=found.precision.autocast_dtype is not None,
            state_width=found.state_width,
            train_peak_bytes=train.allocated_bytes,
        ),
        paper_compatible_bytes=found.paper_compatible_bytes,
    )


def _warnings(found: Findings) -> Iterator[str]:
    """Give each figure that is missing its reason, and say what a reader of the others must know."""
    if found.widened:
        dtype = _name(*found.precision.half_dtypes)
        yield (
            f"recipe: this CPU has no {dtype} instructions; convolutions ran in float32 and were rounded, so "
            "time and energy say nothing about hardware that has them"
        )
    if found.data.origin.ideal_accuracy is None:
        yield "data.ideal_accuracy: the best possible accuracy on these images is not known"
    if found.data.origin.unreadable:
        yield f"data: {len(found.data.origin.unreadable)} files could not be read and were kept out"
    if found.data.origin.skipped:
        yield f"data: {len(found.data.origin.skipped)} scans have no images here and were skipped"
    if found.paper_compatible_bytes is None:
        yield "memory.paper_compatible_bytes: the published figure is of a GPU's caching allocator"
    for phase, peak in {"train": found.train.memory, "inference": found.inference.memory}.items():
        if peak.reason is not None:
            yield f"memory of {phase}: {peak.reason}"
    for phase, energy in {"train": found.train.energy, "inference": found.inference.energy}.items():
        texts = (energy.reason_unavailable, *energy.warnings)
        yield from (f"energy of {phase}: {text}" for text in texts if text is not None)
    if not _labels_by_subject(found.data):
        yield "metrics.*.subject_accuracy and subject_auc: a subject can have images of both classes"
    if found.fit.best_epoch is None:
        yield "training.best_epoch: no epoch had a finite validation loss"
    if not torch.isfinite(found.test_logits).all():
        yield "metrics: the trained network answers values that are not finite, which no score can take"
    if found.pretrained.requested and not found.pretrained.loaded:
        name = found.network.name
        yield f"recipe: no pretrained weights of {name} were to be had, so it was trained from scratch"
    if found.state_width is None:
        yield "memory.predicted: what the state of an optimizer of the user's own takes is not known"
    if found.pretrained.loaded and found.pretrained.sha256 is None:
        yield "recipe.pretrained.sha256: the file of the loaded weights is not in the hub's cache"


def _labels_by_subject(data: Prepared) -> bool:
    """Tell whether all images of each subject share one label."""
    pairs = set(zip(data.subjects.tolist(), data.labels.tolist(), strict=True))
    return len(pairs) == len(np.unique(data.subjects))


def _probabilities(logits: torch.Tensor) -> Floats:
    probabilities: Floats = torch.sigmoid(logits.double()).squeeze(1).cpu().numpy()
    return probabilities


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
