"""The training loop, on networks that take milliseconds."""

from contextlib import contextmanager, nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from redl.errors import DataError
from redl.study.case import Setting
from redl.training.course import Course, Plan
from redl.training.loop import Hooks, Part, batches, fit, predict
from redl.training.precision import Precision
from redl.training.settings import TrainingSetup, setup_of

CPU = torch.device("cpu")
MIXED = Precision.of(TrainingSetup(autocast_dtype=torch.bfloat16), CPU)


def part(count, seed=0):
    """Make images with a patch that is bright where the label is 1, and rows of zeros as around a breast."""
    generator = torch.Generator().manual_seed(seed)
    labels = (torch.arange(count) % 2).float().unsqueeze(1)
    images = torch.randint(0, 100, (count, 1, 8, 8), generator=generator, dtype=torch.uint8)
    images[:, :, 2:6, 2:4] += (120 * labels).to(torch.uint8).view(-1, 1, 1, 1)
    images[:, :, :2] = 0
    return Part(images=images, labels=labels, subjects=np.arange(count, dtype=np.int32))


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 1))


class Breaking(nn.Module):
    """Answer NaN at one training step, counted from 1."""

    def __init__(self, step):
        super().__init__()
        self.inner, self.step, self.steps = network(), step, 0

    def forward(self, images):
        self.steps += self.training
        logits = self.inner(images)
        return logits * float("nan") if self.training and self.steps == self.step else logits


def train(
    model,
    setting=Setting.BASELINE,
    half_dtype=None,
    *,
    epochs=5,
    patience=5,
    batch_size=16,
    seed=1,
    on_epoch=lambda _: None,
    window=nullcontext,
    learning_rate=1e-2,
    images=64,
    valid=None,
):
    setup = setup_of(setting, CPU, half_dtype)
    precision = Precision.of(setup, CPU)
    model = precision.place(model)
    optimizer = setup.optimizer(model, learning_rate)
    plan = Plan(precision=precision, epochs=epochs, patience=patience, batch_size=batch_size, seed=seed)
    hooks = Hooks(window=window, seconds=lambda: 0.0, on_epoch=on_epoch)
    with Course(model, optimizer, plan) as course:
        return fit(course, part(images), valid or part(32, seed=1), hooks)


def losses(found):
    return [epoch.train_loss for epoch in found.trace]


@pytest.mark.parametrize("setting", Setting)
def test_every_setting_learns(setting):
    assert train(network(), setting).trace[-1].valid_accuracy > 0.9


@pytest.mark.parametrize("setting", Setting)
def test_the_same_seed_gives_the_identical_trace(setting):
    assert train(network(), setting).trace == train(network(), setting).trace


def test_another_seed_gives_another_trace():
    assert losses(train(network(), seed=1)) != losses(train(network(), seed=2))


def test_float16_weights_with_ordinary_adam_diverge_and_are_flagged():
    found = train(network(), Setting.HALF, torch.float16)
    assert found.divergence.ever
    assert found.divergence.final
    assert 1 == found.divergence.first_epoch


def test_float16_weights_with_8_bit_adam_do_not_diverge():
    assert not train(network(), Setting.HALF_EIGHT_BIT, torch.float16).divergence.ever


@pytest.mark.parametrize("step", [1, 4, 5, 12])
def test_a_nan_at_a_step_is_flagged_in_that_epoch(step):
    divergence = train(Breaking(step)).divergence
    assert -(-step // 4) == divergence.first_epoch  # 4 steps an epoch
    assert f"loss not finite in epoch {divergence.first_epoch}" in divergence.reasons


def test_training_stops_once_parameters_are_lost():
    assert 2 == len(train(Breaking(6), epochs=9, patience=9).trace)


def test_a_lost_loss_is_none_in_the_trace():
    assert None is losses(train(Breaking(6)))[1]


def test_the_weights_of_the_best_epoch_come_back_after_a_loss_of_all():
    model = Breaking(6)
    found = train(model)
    assert 1 == found.best_epoch
    assert all(torch.isfinite(weight).all() for weight in model.parameters())


def test_training_stops_when_patience_ends():
    upside_down = part(32, seed=1)
    wrong = replace(upside_down, labels=1 - upside_down.labels)
    found = train(network(), valid=wrong, epochs=20, patience=3, learning_rate=1e-1)
    assert found.best_epoch + 3 == len(found.trace)


def test_the_best_weights_are_those_of_the_lowest_validation_loss():
    model = network()
    found = train(model, learning_rate=3e-1, epochs=8)
    valid = part(32, seed=1)
    logits = predict(model, valid.images, precision=Precision.of(TrainingSetup(), CPU), batch_size=32)
    loss = nn.functional.binary_cross_entropy_with_logits(logits, valid.labels).item()
    assert min(epoch.valid_loss for epoch in found.trace) == pytest.approx(loss)
    assert found.trace[found.best_epoch - 1].valid_loss == pytest.approx(loss)


def test_the_last_epochs_weights_stay_where_they_are_the_best():
    model = network()
    found = train(model, epochs=4)
    valid = part(32, seed=1)
    logits = predict(model, valid.images, precision=Precision.of(TrainingSetup(), CPU), batch_size=16)
    assert 4 == found.best_epoch
    assert (
        found.trace[-1].valid_loss
        == nn.functional.binary_cross_entropy_with_logits(logits, valid.labels).item()
    )


def test_evaluation_lies_outside_the_window():
    inside, evaluated_inside = [False], []

    class Watched(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = network()

        def forward(self, images):
            evaluated_inside.append((self.training, inside[0]))
            return self.inner(images)

    @contextmanager
    def window():
        inside[0] = True
        yield
        inside[0] = False

    train(Watched(), window=window, epochs=2)
    assert {(True, True), (False, False)} == set(evaluated_inside)


def test_every_epoch_is_reported_as_it_ends():
    reported = []
    found = train(network(), on_epoch=reported.append)
    assert list(found.trace) == reported


def test_every_image_is_counted_once_an_epoch():
    assert 5 * 64 == train(network()).images


@pytest.mark.parametrize(
    ("images", "batch_size", "sizes"),
    [(8, 4, [4, 4]), (9, 4, [4, 4]), (10, 4, [4, 4, 2]), (3, 1, [1, 1, 1]), (2, 4, [2])],
)
def test_only_a_last_batch_of_one_is_left_out(images, batch_size, sizes):
    assert sizes == [len(labels) for _, labels in batches(part(images), torch.arange(images), batch_size)]


def test_batch_norm_meets_no_last_batch_of_one():
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))
    assert 2 * 16 == train(model, images=17, epochs=2).images


def test_a_network_without_batch_norm_trains_on_batches_of_one():
    assert 2 * 5 == train(network(), images=5, epochs=2, batch_size=1).images


@pytest.mark.parametrize("batch_size", [1, 16])
def test_one_image_cannot_be_trained_on(batch_size):
    with pytest.raises(DataError, match="one image is left to train on"):
        train(network(), images=1, batch_size=batch_size)


def test_prediction_covers_the_last_incomplete_batch():
    images = part(7).images
    assert (7, 1) == predict(network(), images, precision=MIXED, batch_size=4).shape


def test_prediction_does_not_move_batch_statistics():
    model = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(64, 1)).train()
    predict(model, part(8).images, precision=Precision.of(TrainingSetup(), CPU), batch_size=4)
    assert 0 == model[0].num_batches_tracked
