"""Divergence: seen in the epoch it happens, and never read off accuracy."""

import pytest
import torch
from torch import nn

from redl.training.divergence import DivergenceWatch

CPU = torch.device("cpu")
GOOD, BAD = torch.tensor(1.0), torch.tensor(float("nan"))


@pytest.fixture
def model():
    return nn.Linear(2, 1)


@pytest.fixture
def optimizer(model):
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    return optimizer


def watched(model, optimizer, losses, logits=GOOD):
    watch = DivergenceWatch(CPU)
    for epoch, loss in enumerate(losses, start=1):
        watch.step(loss, logits)
        watch.step(GOOD, GOOD)
        watch.end_epoch(epoch, model, optimizer)
    return watch.verdict


def test_finite_training_is_not_flagged(model, optimizer):
    verdict = watched(model, optimizer, [GOOD, GOOD])
    assert (False, False, None, ()) == (verdict.ever, verdict.final, verdict.first_epoch, verdict.reasons)


def test_a_lost_loss_is_flagged_in_its_epoch_and_kept(model, optimizer):
    verdict = watched(model, optimizer, [GOOD, BAD, GOOD])
    assert (True, False, 2) == (verdict.ever, verdict.final, verdict.first_epoch)
    assert ("loss not finite in epoch 2",) == verdict.reasons


def test_a_loss_lost_in_the_last_epoch_is_final(model, optimizer):
    assert watched(model, optimizer, [GOOD, BAD]).final


def test_infinite_logits_are_flagged(model, optimizer):
    verdict = watched(model, optimizer, [GOOD], logits=torch.tensor([0.0, float("inf")]))
    assert ("logits not finite in epoch 1",) == verdict.reasons


def test_lost_parameters_are_flagged_and_end_training(model, optimizer):
    with torch.no_grad():
        model.bias.fill_(float("nan"))
    watch = DivergenceWatch(CPU)
    assert watch.end_epoch(1, model, optimizer)
    assert ("parameters not finite in epoch 1",) == watch.verdict.reasons


def test_lost_optimizer_state_is_flagged(model, optimizer):
    optimizer.state[model.bias]["exp_avg"].fill_(float("inf"))
    assert ("optimizer state not finite in epoch 1",) == watched(model, optimizer, [GOOD]).reasons


def test_a_lost_loss_alone_does_not_end_training(model, optimizer):
    watch = DivergenceWatch(CPU)
    watch.step(BAD, GOOD)
    assert not watch.end_epoch(1, model, optimizer)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_one_lost_parameter_among_many_is_flagged_in_every_format(model, optimizer, dtype, value):
    layers = nn.ModuleList([model, nn.Linear(40, 50).to(dtype)])
    with torch.no_grad():
        layers[1].weight[20, 30] = float(value)
    assert DivergenceWatch(CPU).end_epoch(1, layers, optimizer)


def test_the_largest_finite_parameters_are_not_flagged(model, optimizer):
    with torch.no_grad():
        model.weight.fill_(torch.finfo(torch.float32).max)
        model.half_weight = nn.Parameter(
            torch.full((9,), torch.finfo(torch.float16).min, dtype=torch.float16)
        )
    assert not DivergenceWatch(CPU).end_epoch(1, model, optimizer)


def test_an_empty_parameter_is_finite(model, optimizer):
    model.empty = nn.Parameter(torch.empty(0))
    assert not DivergenceWatch(CPU).end_epoch(1, model, optimizer)
