"""Pieces of a batch: their gradients add up to those of the whole."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from redl.training.course import Course, Plan
from redl.training.loop import Hooks, Part, fit, pieces
from redl.training.precision import Precision
from redl.training.settings import setup_of

CPU = torch.device("cpu")


@given(st.integers(1, 70), st.none() | st.integers(1, 80))
def test_each_image_is_in_one_piece_in_order(count, size):
    images, labels = torch.arange(count), torch.arange(count) + 100
    cut = list(pieces(images, labels, size))
    assert images.tolist() == torch.cat([one for one, _ in cut]).tolist()
    assert labels.tolist() == torch.cat([one for _, one in cut]).tolist()


@given(st.integers(2, 70), st.integers(2, 80))
def test_pieces_are_no_larger_than_asked_for_and_never_of_one_image(count, size):
    sizes = [len(one) for one, _ in pieces(torch.arange(count), torch.arange(count), size)]
    assert min(sizes) > 1
    assert max(sizes) <= (3 if size == 2 and count % 2 else size)


def test_pieces_of_one_image_are_cut_only_if_asked_for():
    assert [1, 1, 1] == [len(one) for one, _ in pieces(torch.arange(3), torch.arange(3), 1)]


def trained(setting):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.Tanh(), nn.Linear(16, 1)).double()
    setup = setup_of(setting, CPU)
    plan = Plan(
        precision=Precision.of(setup, CPU),
        epochs=3,
        patience=3,
        batch_size=13,
        micro_batch=setup.micro_batch,
        seed=1,
    )
    generator = torch.Generator().manual_seed(2)
    images = torch.randint(0, 255, (60, 1, 8, 8), generator=generator, dtype=torch.uint8)
    labels = (torch.arange(60) % 2).float().unsqueeze(1)
    part = Part(images=images, labels=labels, subjects=np.arange(60, dtype=np.int32))
    seen = []

    class Doubled(nn.Module):
        """Compute in float64, so that only another training shows."""

        def __init__(self):
            super().__init__()
            self.inner = model

        def forward(self, images):
            seen.append(len(images))
            return self.inner(images.double())

    whole = Doubled()
    optimizer = torch.optim.SGD(whole.parameters(), lr=0.1)
    hooks = Hooks(window=nullcontext, seconds=lambda: 0.0, on_epoch=lambda _: None)
    with Course(whole, optimizer, plan) as course:
        found = fit(course, part, part, hooks)
    return found, [parameter.detach() for parameter in whole.parameters()], seen


@pytest.mark.parametrize("setting", ["micro1", "micro2", "micro5", "micro13"])
def test_a_training_in_pieces_is_the_same_without_batch_norm(setting):
    expected, weights, _ = trained("baseline")
    found, others, seen = trained(setting)
    assert expected.images == found.images
    for one, other in zip(expected.trace, found.trace, strict=True):
        assert one.train_loss == pytest.approx(other.train_loss, abs=1e-6)
    for one, other in zip(weights, others, strict=True):
        assert torch.allclose(one, other, atol=1e-6, rtol=0)
    if setting != "micro13":
        assert 13 not in seen[:5]
