"""The record of a case, made from its findings, with a reason for each missing figure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from redl.data.cache.entry import Prepared
from redl.execution.plan import CasePlan
from redl.execution.recipe_warnings import recipe_warnings
from redl.metering.environment import describe_environment
from redl.metering.memory import Peak
from redl.metering.predicted_memory import explanation, predicted_memory
from redl.metering.stretch import Stretch
from redl.record import (
    Conditions,
    Energy,
    EnergyReading,
    Flags,
    Inference,
    Latency,
    Memory,
    Metrics,
    PhaseConditions,
    Predictions,
    Pretrained,
    Recipe,
    Record,
    Status,
    Training,
)
from redl.training.chance import entropy
from redl.training.loop import Fit
from redl.training.metrics import Floats, score, threshold_at_specificity
from redl.training.models import parameter_count, trained_count


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """What training found.

    `faults` say which epochs could not be kept. `state_width` returns in how many bits the optimizer keeps
    the state of a parameter; None if that is not known. `state_elements` returns how many elements it has.
    """

    fit: Fit
    faults: tuple[str, ...]
    optimizer: str
    optimizer_state_bits: dict[str, int]
    state_width: Callable[[nn.Parameter], int] | None
    state_elements: Callable[[nn.Parameter], int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Inferred:
    """What passes over the test part found and took; `logits` are float32 (N, 1)."""

    logits: torch.Tensor
    passes: int
    seconds: float
    memory: Peak
    energy: EnergyReading
    conditions: PhaseConditions
    latency: Latency


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """Everything that a case found out; `valid_logits` are float32 (N, 1)."""

    plan: CasePlan
    flags: Flags
    pretrained: Pretrained
    model: nn.Module
    trained: Trained
    stretch: Stretch
    inferred: Inferred
    valid_logits: torch.Tensor


def summarise(found: Findings) -> Record:
    """Return the record of a case."""
    plan, divergence = found.plan, found.trained.fit.divergence
    return Record(
        status=Status.DIVERGED if divergence.final and divergence.broke else Status.COMPLETED,
        reason="; ".join(divergence.reasons) or None,
        warnings=tuple(_warnings(found)),
        case=plan.job.case,
        recipe=_recipe(found),
        data=plan.data.summary(),
        parameters=parameter_count(found.model),
        metrics=_metrics(found),
        training=_training(found),
        inference=_inference(found),
        memory=_memory(found),
        energy=Energy(train=found.stretch.energy, inference=found.inferred.energy),
        conditions=Conditions(train=found.stretch.conditions, inference=found.inferred.conditions),
        divergence=divergence,
        environment=describe_environment(
            plan.device,
            flags=found.flags,
            fast_path=plan.fast_path,
            profile=plan.profile,
            data_fingerprint=plan.data.fingerprint,
        ),
        placement=plan.job.placement,
    )


def predictions_of(found: Findings) -> Predictions:
    """Return what was answered for each test image."""
    data, probabilities = found.plan.data, _probabilities(found.inferred.logits)
    return Predictions(
        subjects=tuple(data.subjects[data.split.test].tolist()),
        labels=tuple(data.labels[data.split.test].tolist()),
        probabilities=tuple(p if math.isfinite(p) else None for p in probabilities.tolist()),
    )


def _recipe(found: Findings) -> Recipe:
    plan, trained = found.plan, found.trained
    case, profile, network, precision = plan.job.case, plan.profile, plan.network, plan.precision
    return Recipe(
        network=network.name,
        reduced=network.reduced,
        overrides=plan.job.options.profile.overrides(case.model),
        input_size=network.input_size(profile.image_size, case.downsample),
        epochs=profile.epochs,
        patience=profile.patience,
        batch_size=profile.batch_size,
        learning_rate=plan.learning_rate,
        image_size=profile.image_size,
        weights_dtype=_name(precision.weights_dtype),
        autocast_dtype=None if precision.autocast_dtype is None else _name(precision.autocast_dtype),
        grad_scaler=precision.grad_scaler,
        optimizer=trained.optimizer,
        optimizer_state_bits=trained.optimizer_state_bits,
        pretrained=found.pretrained,
        flags=found.flags,
        fast_path=plan.fast_path,
        recomputing=plan.setup.recomputing,
        micro_batch=plan.setup.micro_batch,
        trained_part=plan.setup.trained,
        trained_parameters=trained_count(found.model),
    )


def _metrics(found: Findings) -> Metrics:
    data, split = found.plan.data, found.plan.data.split
    labels = data.labels.astype(np.int64)
    valid, test = (_probabilities(logits) for logits in (found.valid_logits, found.inferred.logits))
    cut = threshold_at_specificity(labels[split.valid], valid)
    return Metrics(
        valid=score(labels[split.valid], valid, data.subjects[split.valid], threshold_at_90=cut),
        test=score(labels[split.test], test, data.subjects[split.test], threshold_at_90=cut),
    )


def _training(found: Findings) -> Training:
    trained = found.trained
    trace, best = trained.fit.trace, trained.fit.best_epoch
    return Training(
        epochs_run=len(trace),
        best_epoch=best,
        seconds_to_best=None if best is None else trace[best - 1].seconds,
        seconds_to_stop=found.stretch.seconds,
        images_per_second=trained.fit.images / found.stretch.seconds,
        trace=trace,
        resumed_after=found.stretch.resumed_after,
    )


def _inference(found: Findings) -> Inference:
    inferred = found.inferred
    images = inferred.passes * len(inferred.logits)
    return Inference(
        seconds=inferred.seconds,
        passes=inferred.passes,
        images=images,
        images_per_second=images / inferred.seconds,
        latency=inferred.latency,
    )


def _memory(found: Findings) -> Memory:
    trained, precision, stretch = found.trained, found.plan.precision, found.stretch
    train, inference = stretch.memory, found.inferred.memory
    parameters = list(found.model.parameters())
    return Memory(
        device=precision.device.type,
        train_peak_bytes=train.allocated_bytes,
        inference_peak_bytes=inference.allocated_bytes,
        reserved_peak_bytes=train.reserved_bytes,
        inference_reserved_peak_bytes=inference.reserved_bytes,
        process_peak_bytes=train.process_bytes,
        inference_process_peak_bytes=inference.process_bytes,
        predicted=predicted_memory(
            parameters, state_width=trained.state_width, state_elements=trained.state_elements
        ),
        explanation=explanation(
            parameters,
            half=precision.weights_dtype != torch.float32,
            autocast=precision.autocast_dtype is not None,
            state_width=trained.state_width,
            state_elements=trained.state_elements,
            train_peak_bytes=train.allocated_bytes,
        ),
        paper_compatible_bytes=stretch.paper_compatible_bytes,
    )


def _data_warnings(data: Prepared) -> Iterator[str]:
    found, summary = data.origin.findings, data.summary()
    if found.unreadable:
        yield f"data: {len(found.unreadable)} files could not be read and were left out"
    if data.origin.skipped:
        yield f"data: {len(data.origin.skipped)} scans have no images here and were skipped"
    if found.duplicates:
        yield f"data: {len(found.duplicates)} images occur under another subject too"
    yield from (f"data: {remark}: {count} files" for remark, count in summary.remarks.items())


def fit_warnings(fit: Fit, positive: float | None) -> Iterator[str]:
    """Yield what a reader must know of the kept weights; `positive` is the share in the validation part."""
    if fit.best_epoch is None:
        yield "training.best_epoch: no epoch had a finite validation loss"
        return
    loss = fit.trace[fit.best_epoch - 1].valid_loss
    if fit.divergence.kinds or loss is None or positive is None or loss < entropy(positive):
        return
    yield (
        f"metrics: overconfident: a validation loss of {loss:.3f} is no better than {entropy(positive):.3f}, "
        "that of the share of positives for every image; calibrate the probabilities before they are used"
    )


def _warnings(found: Findings) -> Iterator[str]:
    """Yield a reason for each missing figure, and what a reader must know of the others."""
    plan, trained, inferred, origin = found.plan, found.trained, found.inferred, found.plan.data.origin
    yield from recipe_warnings(plan, found.model, found.pretrained)
    if origin.ideal_accuracy is None:
        yield "data.ideal_accuracy: the best possible accuracy on these images is not known"
    yield from _data_warnings(plan.data)
    if found.stretch.paper_compatible_bytes is None:
        yield "memory.paper_compatible_bytes: the published figure is of a GPU's caching allocator"
    for phase, peak in {"train": found.stretch.memory, "inference": inferred.memory}.items():
        if peak.reason is not None:
            yield f"memory of {phase}: {peak.reason}"
    for phase, energy in {"train": found.stretch.energy, "inference": inferred.energy}.items():
        texts = (energy.reason_unavailable, *energy.warnings)
        yield from (f"energy of {phase}: {text}" for text in texts if text is not None)
    if not _labels_by_subject(plan.data):
        yield "metrics.*.subject_accuracy and subject_auc: a subject can have images of both classes"
    yield from fit_warnings(trained.fit, plan.data.summary().positive_fraction.valid)
    if not torch.isfinite(inferred.logits).all():
        yield "metrics: some answers of the trained network are not finite, so there are no scores"
    if ties := int((inferred.logits == 0).sum()):
        yield f"metrics: {ties} of {len(inferred.logits)} answers are exactly 0.5, which counts as negative"
    yield from (f"training: {fault}" for fault in trained.faults)
    if trained.state_width is None:
        yield "memory.predicted: the size of a custom optimizer's state is not known"


def _labels_by_subject(data: Prepared) -> bool:
    """Return whether all images of each subject share one label."""
    pairs = set(zip(data.subjects.tolist(), data.labels.tolist(), strict=True))
    return len(pairs) == len(np.unique(data.subjects))


def _probabilities(logits: torch.Tensor) -> Floats:
    probabilities: Floats = torch.sigmoid(logits.double()).squeeze(1).cpu().numpy()
    return probabilities


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
