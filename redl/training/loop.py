"""The training loop, whole and in one place, and the pass that evaluates.

Images stay uint8 until a batch is taken. No step reads a value back from the device; the loss and the
divergence flags are read once per epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from redl.errors import DataError
from redl.record import Divergence, Epoch
from redl.training.course import Course
from redl.training.precision import Precision


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One part of the split: uint8 images (N, 1, H, W), on the device or not, float32 labels (N, 1).

    `subjects` (N,) are the numbers of those whose images they are.
    """

    images: torch.Tensor
    labels: torch.Tensor
    subjects: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, kw_only=True, slots=True)
class Hooks:
    """What the loop calls.

    `window` opens around the training steps of an epoch, and `seconds` reads the clock that runs inside it,
    so evaluation is in neither. `on_epoch` is given each epoch as it ends, `keep` the course as it then is.
    """

    window: Callable[[], AbstractContextManager[object]]
    seconds: Callable[[], float]
    on_epoch: Callable[[Epoch], None]
    keep: Callable[[Course], None] = lambda _: None


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """Result of one training run; `images` counts each image once per epoch."""

    images: int
    trace: tuple[Epoch, ...]
    best_epoch: int | None
    divergence: Divergence


def fit(course: Course, train: Part, valid: Part, hooks: Hooks) -> Fit:
    """Train with early stopping on the validation loss, and leave the best epoch's weights in the model.

    Training also stops once a parameter is not finite. Without any finite validation loss the last weights
    stay. Raise DataError if there is only one image to train on.
    """
    if len(train) == 1:
        raise DataError("one image is left to train on; take more images, e.g. by a larger --redl-images")
    model, optimizer, scaler, watch = course.model, course.optimizer, course.scaler, course.watch
    plan = course.plan
    precision, batch_size, micro_batch = plan.precision, plan.batch_size, plan.micro_batch

    for epoch in course.epochs():
        model.train()
        order = torch.randperm(len(train), generator=course.shuffle)
        total, seen = torch.zeros((), device=precision.device), 0
        with hooks.window():
            for images, labels in batches(train, order, batch_size):
                optimizer.zero_grad(set_to_none=True)  # before the activations, which need the room
                for few, truth in pieces(images, labels, micro_batch):
                    with precision.autocast():
                        logits = model(precision.inputs(few))
                    loss = binary_cross_entropy_with_logits(logits.float(), truth)
                    share = len(truth) / len(labels)
                    scaler.scale(loss if share == 1 else loss * share).backward()
                    watch.look(loss, logits)
                    total += loss.detach() * len(truth)
                    seen += len(truth)
                scaler.step(optimizer)
                scaler.update()
                watch.step()
        lost = watch.end_epoch(epoch, model, optimizer)

        logits = predict(model, valid.images, precision=precision, batch_size=batch_size)
        valid_loss = binary_cross_entropy_with_logits(logits, valid.labels).item()
        ended = Epoch(
            epoch=epoch,
            train_loss=finite(total.item() / seen),
            valid_loss=finite(valid_loss),
            valid_accuracy=_accuracy(logits, valid.labels),
            seconds=hooks.seconds(),
        )
        hooks.on_epoch(ended)
        watch.evaluate(epoch, logits)
        course.end_epoch(ended, valid_loss, logits, images=seen, lost=lost)
        hooks.keep(course)

    course.restore_best()
    assert course.kept_logits is not None, "there is at least one epoch"
    return Fit(
        images=course.images * len(course.trace),
        trace=course.trace,
        best_epoch=course.best_epoch,
        divergence=watch.finish(course.kept_logits, valid.labels, valid.subjects),
    )


def predict(model: nn.Module, images: torch.Tensor, *, precision: Precision, batch_size: int) -> torch.Tensor:
    """Return float32 logits (N, 1) of uint8 images (N, 1, H, W), including the last incomplete batch."""
    model.eval()
    with torch.inference_mode(), precision.autocast():
        return torch.cat([model(precision.inputs(batch)).float() for batch in images.split(batch_size)])


def batches(part: Part, order: torch.Tensor, batch_size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Cut a part, in an order (N,), into batches of images and labels, each on the device where it is stored.

    A last single image is left out, because batch norm cannot train on it. Joined to the batch before it, it
    would raise the peak memory; every epoch leaves out another one.
    """
    by_device = {device: order.to(device) for device in {part.images.device, part.labels.device}}
    for batch in range(0, len(order), batch_size):
        images, labels = (
            tensor[by_device[tensor.device][batch : batch + batch_size]]
            for tensor in (part.images, part.labels)
        )
        if len(labels) > 1 or batch_size == 1:
            yield images, labels


def pieces(
    images: torch.Tensor, labels: torch.Tensor, micro_batch: int | None
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Cut a batch into pieces whose sizes differ by at most one image.

    A piece of one image is cut only if that was asked for, because batch norm cannot train on one; so under
    `micro2` an odd batch has a piece of three.
    """
    count = 1 if micro_batch is None else -(-len(labels) // micro_batch)
    if micro_batch != 1:
        count = max(1, min(count, len(labels) // 2))
    yield from zip(images.tensor_split(count), labels.tensor_split(count), strict=True)


def finite(value: float) -> float | None:
    """Return the value, or None where it is not finite."""
    return value if abs(value) < float("inf") else None


def _accuracy(logits: torch.Tensor, labels: torch.Tensor) -> float | None:
    if not torch.isfinite(logits).all():
        return None
    return ((logits > 0) == (labels > 0.5)).float().mean().item()
