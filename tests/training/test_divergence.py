"""Divergence: seen in the epoch it happens, and never read off accuracy."""

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
        watch.look(loss, logits)
        watch.step()
        watch.look(GOOD, GOOD)
        watch.step()
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
    watch.look(BAD, GOOD)
    watch.step()
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


def kept(logits, labels=LABELS, subjects=SUBJECTS):
    """Judge a network that trained to its end by the validation logits of the weights that it kept."""
    return new_watch().finish(logits, labels, subjects)


def calibrated(prevalence, shift, seed, images):
    """Make up the logits of a calibrated network: two bell curves of spread 1 that lie `shift` apart."""
    random = np.random.default_rng(seed)
    labels = (np.arange(images) < round(prevalence * images)).astype(np.float32)
    scores = random.normal(shift * labels, 1.0)
    logits = shift * scores - shift**2 / 2 + np.log(prevalence / (1 - prevalence))
    return torch.tensor(logits, dtype=torch.float32).unsqueeze(1), torch.tensor(labels).unsqueeze(1)


ALIKE = torch.full((40, 1), -3.0)


@pytest.mark.parametrize("prevalence", [0.02, 0.05])
@pytest.mark.parametrize("shift", [1.0, 1.53])  # AUCs of 0.76 and 0.86
@pytest.mark.parametrize("images", [210, 1000])
def test_a_calibrated_network_of_a_rare_disease_is_not_flagged(prevalence, shift, images):
    subjects = np.arange(images, dtype=np.int32)
    verdicts = [kept(*calibrated(prevalence, shift, seed, images), subjects) for seed in range(20)]
    assert [()] * 20 == [verdict.kinds for verdict in verdicts]


def test_kept_weights_with_one_answer_are_a_collapse():
    verdict = kept(ALIKE)
    assert (DivergenceKind.COLLAPSE, DivergenceKind.CHANCE) == verdict.kinds
    assert verdict.final
    assert verdict.broke
    assert "the kept weights give one answer for all images" in verdict.reasons


def test_what_other_epochs_answered_does_not_count():
    watch = new_watch()
    for epoch, logits in enumerate([ALIKE, ALIKE, ALIKE, KNOWING, ALIKE, ALIKE, ALIKE], start=1):
        watch.evaluate(epoch, logits)
    assert () == finished(watch, KNOWING).kinds


@pytest.mark.parametrize(("others", "expected"), [(1, True), (2, False)])
def test_one_logit_for_995_images_of_1000_is_one_answer(others, expected):
    logits = torch.full((200, 1), -3.0)
    logits[:others] = 3.0
    labels = torch.zeros(200, 1)
    labels[:50] = 1.0
    verdict = kept(logits, labels, np.arange(200, dtype=np.int32))
    assert expected == (DivergenceKind.COLLAPSE in verdict.kinds)


@pytest.mark.parametrize(("spread", "expected"), [(0.0009, True), (0.0011, False)])
def test_logits_that_hardly_differ_are_one_answer(spread, expected):
    logits = -3 + spread * torch.linspace(-1.0, 1.0, 40).sign().unsqueeze(1)
    assert expected == (DivergenceKind.COLLAPSE in kept(logits).kinds)


def test_overconfident_logits_that_rank_images_are_not_flagged():
    assert () == kept(8 * KNOWING).kinds


def test_an_auc_that_may_be_a_half_is_chance_and_no_breakdown():
    noise = torch.rand((400, 1), generator=torch.Generator().manual_seed(0))
    verdict = kept(noise, LABELS.repeat(10, 1), np.arange(400, dtype=np.int32))
    assert ((DivergenceKind.CHANCE,), True, False) == (verdict.kinds, verdict.final, verdict.broke)
    (reason,) = verdict.reasons
    assert reason.startswith("validation AUC of 0.")
    assert " cannot be told from chance (0." in reason


@pytest.mark.parametrize(("positives", "expected"), [(9, False), (10, True)])
def test_too_few_positives_to_tell_are_not_chance(positives, expected):
    labels = torch.zeros(200, 1)
    labels[:positives] = 1.0
    noise = torch.rand((200, 1), generator=torch.Generator().manual_seed(1))
    verdict = kept(noise, labels, np.arange(200, dtype=np.int32))
    assert expected == (DivergenceKind.CHANCE in verdict.kinds)


def test_an_interval_that_reaches_a_useful_auc_is_not_chance():
    logits, labels = calibrated(0.1, 0.5, 0, 120)
    assert () == kept(logits, labels, np.arange(120, dtype=np.int32)).kinds


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_logits_that_are_not_finite_in_validation_alone_are_hard_divergence(model, optimizer, value):
    broken = KNOWING.clone()
    broken[3] = float(value)
    watch = new_watch()
    for epoch, logits in enumerate([KNOWING, broken, KNOWING], start=1):
        watch.look(GOOD, GOOD)
        watch.step()
        watch.end_epoch(epoch, model, optimizer)
        watch.evaluate(epoch, logits)
    verdict = finished(watch)
    assert ((DivergenceKind.HARD,), 2, False) == (verdict.kinds, verdict.first_epoch, verdict.final)
    assert ("validation logits not finite in epoch 2",) == verdict.reasons


def test_a_validation_part_without_images_shows_nothing():
    assert () == kept(torch.empty(0, 1), torch.empty(0, 1), np.empty(0, dtype=np.int32)).kinds


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
            watch.look(GOOD, GOOD)
            watch.step()
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
    watch.look(BAD, GOOD)
    watch.step()
    watch.end_epoch(1, model, optimizer)
    watch.evaluate(2, KNOWING)
    verdict = finished(watch, ALIKE)
    assert (DivergenceKind.HARD, DivergenceKind.COLLAPSE) == verdict.kinds[:2]
    assert ("loss not finite in epoch 1",) == verdict.reasons
