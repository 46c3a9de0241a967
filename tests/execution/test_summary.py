"""The summary: what a reader is warned of beside the figures."""

from types import SimpleNamespace

import pytest

from redl.execution.summary import fit_warnings
from redl.record import Divergence, DivergenceKind, Epoch

SOUND = Divergence(ever=False, final=False, first_epoch=None, kinds=(), reasons=())
AT_CHANCE = Divergence(ever=True, final=True, first_epoch=2, kinds=(DivergenceKind.CHANCE,), reasons=("",))


def trained(*losses, best, divergence=SOUND):
    """Return as much of a training as its warnings are about."""
    trace = tuple(
        Epoch(epoch=number, train_loss=0.1, valid_loss=loss, valid_accuracy=0.9, seconds=1.0)
        for number, loss in enumerate(losses, start=1)
    )
    return SimpleNamespace(trace=trace, best_epoch=best, divergence=divergence)


@pytest.mark.parametrize(("loss", "expected"), [(0.325, 0), (0.326, 1)])
def test_a_kept_loss_no_better_than_the_share_of_positives_is_overconfident(loss, expected):
    warnings = list(fit_warnings(trained(loss, 9.0, best=1), positive=0.1))  # entropy 0.3251
    assert expected == len(warnings)
    assert all(
        warning.startswith("metrics: overconfident: a validation loss of 0.326") for warning in warnings
    )


def test_a_network_at_chance_is_not_called_overconfident_too():
    assert [] == list(fit_warnings(trained(9.0, best=1, divergence=AT_CHANCE), positive=0.1))


def test_a_training_without_a_finite_loss_is_warned_of():
    (warning,) = fit_warnings(trained(None, best=None), positive=0.1)
    assert "training.best_epoch: no epoch had a finite validation loss" == warning


def test_without_validation_images_there_is_nothing_to_say():
    assert [] == list(fit_warnings(trained(None, best=1), positive=None))
