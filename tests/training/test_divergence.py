"""Divergence: seen in the epoch it happens, and never read off accuracy."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from redl.record import DivergenceKind
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


OFF = torch.amp.GradScaler("cpu", enabled=False)
LABELS = (torch.arange(40) % 4 == 0).float().unsqueeze(1)  # a quarter is positive
KNOWING = 4 * LABELS - 2 + torch.linspace(-0.5, 0.5, 40).unsqueeze(1)
SUBJECTS = np.arange(40, dtype=np.int32)


def new_watch():
    return DivergenceWatch(CPU, OFF)


def finished(watch, logits=KNOWING):
    return watch.finish(logits, LABELS, SUBJECTS)


def watched(model, optimizer, losses, logits=GOOD):
    watch = new_watch()
    for epoch, loss in enumerate(losses, start=1):
        watch.step(loss, logits)
        watch.step(GOOD, GOOD)
        watch.end_epoch(epoch, model, optimizer)
    return finished(watch)


def test_finite_training_is_not_flagged(model, optimizer):
    verdict = watched(model, optimizer, [GOOD, GOOD])
    assert (False, False, None, (), ()) == (
        verdict.ever,
        verdict.final,
        verdict.first_epoch,
        verdict.kinds,
        verdict.reasons,
    )


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
    watch = new_watch()
    assert watch.end_epoch(1, model, optimizer)
    assert ("parameters not finite in epoch 1",) == finished(watch).reasons


def test_lost_optimizer_state_is_flagged(model, optimizer):
    optimizer.state[model.bias]["exp_avg"].fill_(float("inf"))
    assert ("optimizer state not finite in epoch 1",) == watched(model, optimizer, [GOOD]).reasons


def test_a_lost_loss_alone_does_not_end_training(model, optimizer):
    watch = new_watch()
    watch.step(BAD, GOOD)
    assert not watch.end_epoch(1, model, optimizer)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_one_lost_parameter_among_many_is_flagged_in_every_format(model, optimizer, dtype, value):
    layers = nn.ModuleList([model, nn.Linear(40, 50).to(dtype)])
    with torch.no_grad():
        layers[1].weight[20, 30] = float(value)
    assert new_watch().end_epoch(1, layers, optimizer)


def test_the_largest_finite_parameters_are_not_flagged(model, optimizer):
    with torch.no_grad():
        model.weight.fill_(torch.finfo(torch.float32).max)
        model.half_weight = nn.Parameter(
            torch.full((9,), torch.finfo(torch.float16).min, dtype=torch.float16)
        )
    assert not new_watch().end_epoch(1, model, optimizer)


def test_an_empty_parameter_is_finite(model, optimizer):
    model.empty = nn.Parameter(torch.empty(0))
    assert not new_watch().end_epoch(1, model, optimizer)


def evaluated(*answers, loss=0.1, logits_at_end=KNOWING):
    """Watch evaluations, one an epoch, whose steps were all finite."""
    watch = new_watch()
    for epoch, logits in enumerate(answers, start=1):
        watch.evaluate(epoch, logits, loss, 0.25)
    return finished(watch, logits_at_end)


ALIKE = torch.full((40, 1), -3.0)


def test_one_answer_in_three_evaluations_is_a_collapse():
    verdict = evaluated(KNOWING, ALIKE, ALIKE, ALIKE)
    assert ((DivergenceKind.COLLAPSE,), 4, True) == (verdict.kinds, verdict.first_epoch, verdict.final)
    assert ("one answer for all images in epochs 2 to 4",) == verdict.reasons


def test_one_answer_in_two_evaluations_is_none():
    assert not evaluated(KNOWING, ALIKE, ALIKE).ever
    assert not evaluated(KNOWING, ALIKE, ALIKE, KNOWING, ALIKE, ALIKE).ever


def test_a_collapse_that_passes_is_not_final():
    verdict = evaluated(KNOWING, ALIKE, ALIKE, ALIKE, KNOWING)
    assert (True, False) == (verdict.ever, verdict.final)


def test_a_network_that_has_not_begun_to_learn_yet_is_not_collapsed():
    assert not evaluated(ALIKE, ALIKE, ALIKE, ALIKE, KNOWING).ever


def test_a_network_that_never_begins_is_collapsed_at_the_end():
    verdict = evaluated(ALIKE, ALIKE, ALIKE, ALIKE)
    assert ((DivergenceKind.COLLAPSE,), 4, True) == (verdict.kinds, verdict.first_epoch, verdict.final)


def test_answers_that_differ_at_a_loss_of_chance_are_no_beginning():
    watch = new_watch()
    for epoch, logits in enumerate([KNOWING, ALIKE, ALIKE, ALIKE, KNOWING], start=1):
        watch.evaluate(epoch, logits, 0.1 if epoch == 5 else 9.0, 0.25)
    assert not finished(watch).ever


@pytest.mark.parametrize(("others", "expected"), [(1, True), (2, False)])
def test_a_share_of_995_in_1000_is_one_answer(others, expected):
    answers = torch.linspace(-9, -1, 200).unsqueeze(1)  # not alike, but of one class
    answers[:others] = 1.0
    watch = new_watch()
    for epoch in (1, 2, 3):
        watch.evaluate(epoch, answers, 0.1, 0.25)
    assert expected == (DivergenceKind.COLLAPSE in finished(watch).kinds)


@pytest.mark.parametrize(("spread", "expected"), [(0.0009, True), (0.0011, False)])
def test_answers_of_both_classes_that_hardly_differ_are_one(spread, expected):
    answers = torch.logit(0.5 + spread * torch.tensor([-1.0, 1.0]).repeat(20)).unsqueeze(1)
    assert expected == (DivergenceKind.COLLAPSE in evaluated(answers, answers, answers).kinds)


def test_a_loss_at_the_entropy_of_the_prevalence_for_three_epochs_is_chance():
    entropy = -0.25 * math.log(0.25) - 0.75 * math.log(0.75)
    verdict = evaluated(*[KNOWING] * 4, loss=entropy)
    assert ("validation loss no better than the share of positives in epochs 2 to 4",) == verdict.reasons
    assert (DivergenceKind.CHANCE,) == verdict.kinds
    assert not evaluated(*[KNOWING] * 4, loss=entropy - 1e-6).ever


def test_the_first_epochs_loss_may_be_anything():
    assert not evaluated(*[KNOWING] * 3, loss=9.0).ever


def test_answers_whose_auc_may_be_a_half_are_chance_at_the_end():
    noise = torch.rand((40, 1), generator=torch.Generator().manual_seed(0))
    verdict = evaluated(KNOWING, KNOWING, logits_at_end=noise)
    assert ((DivergenceKind.CHANCE,), True) == (verdict.kinds, verdict.final)
    (reason,) = verdict.reasons
    assert reason.startswith("validation AUC of 0.")
    assert " cannot be told from chance (0." in reason


def steps(scaler, skipped, count, *, epochs=2):
    """Watch epochs of steps of which the first few overflow."""
    weight = nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    watch = DivergenceWatch(CPU, scaler)
    for epoch in range(1, epochs + 1):
        for step in range(count):
            weight.grad = torch.full((1,), float("inf") if step < skipped else 0.5)
            scaler.scale(torch.ones(1))  # makes the scale, as a first loss does
            scaler.step(optimizer)
            scaler.update()
            watch.step(GOOD, GOOD)
        watch.end_epoch(epoch, nn.Linear(1, 1), optimizer)
    return finished(watch)


def scaler(init_scale=2.0**16):
    return torch.amp.GradScaler("cpu", init_scale=init_scale)


def test_a_scaler_that_skips_more_than_one_step_in_twenty_is_flagged_after_its_first_epoch():
    verdict = steps(scaler(2.0**40), 3, 40)
    assert (DivergenceKind.SCALER,) == verdict.kinds
    assert (2, ("7.5% of steps skipped by the gradient scaler in epoch 2",)) == (
        verdict.first_epoch,
        verdict.reasons,
    )


def test_isolated_skips_are_normal():
    assert not steps(scaler(), 2, 40).ever


def test_a_scale_below_one_is_flagged_in_any_epoch():
    verdict = steps(scaler(1.0), 1, 40, epochs=1)
    assert ("gradients overflow unless scaled by 0.5 in epoch 1",) == verdict.reasons


def test_a_scaler_that_is_off_is_not_watched():
    assert not steps(torch.amp.GradScaler("cpu", enabled=False), 0, 4).ever


def test_the_first_flagged_epoch_gives_the_reasons_and_every_epoch_its_kind(model, optimizer):
    watch = new_watch()
    for epoch, logits in enumerate([KNOWING, ALIKE, ALIKE, ALIKE], start=1):
        watch.evaluate(epoch, logits, 0.1, 0.25)
    watch.step(BAD, GOOD)
    watch.end_epoch(5, model, optimizer)
    verdict = finished(watch)
    assert (DivergenceKind.COLLAPSE, DivergenceKind.HARD) == verdict.kinds
    assert ("one answer for all images in epochs 2 to 4",) == verdict.reasons
