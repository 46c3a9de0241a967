"""Activation checkpointing: the same training to the last bit, in less memory."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.checkpoint import checkpoint

from redl.errors import ModelError
from redl.study.case import TRANSFORMERS, Model, TrainedPart
from redl.study.profile import Pretraining
from redl.training.freezing import training_only
from redl.training.models import build
from redl.training.networks import network_of
from redl.training.recomputing import recomputing

FAMILIES = [model for model in Model if model is not Model.MLP]
PARTS = [(model, TrainedPart.LAST_BLOCK) for model in FAMILIES]
PARTS += [(model, TrainedPart.LORA) for model in TRANSFORMERS]


def network(model):
    torch.manual_seed(0)
    module, _ = build(
        network_of(model, None, image_size=32, reduced=True), image_size=32, pretraining=Pretraining.NO
    )
    for part in module.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.2
    return module


def trained(module, steps=3):
    """Train for some steps; return losses, gradients, buffers and what it answers in evaluation."""
    torch.manual_seed(1)
    images, labels = torch.rand(8, 1, 32, 32), torch.tensor([[0.0], [1.0]] * 4)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9)
    losses = []
    module.train()
    for _ in range(steps):
        optimizer.zero_grad()
        loss = binary_cross_entropy_with_logits(module(images), labels)
        loss.backward()
        losses.append(loss.detach())
        optimizer.step()
    gradients = [parameter.grad for parameter in module.parameters()]
    module.eval()
    with torch.no_grad():
        return [*losses, *gradients, *module.buffers(), module(images)]


@pytest.mark.parametrize("model", FAMILIES)
def test_losses_gradients_statistics_and_answers_are_the_baselines(model):
    plain = network(model)
    again = recomputing(copy.deepcopy(plain))
    expected, found = trained(plain), trained(again)
    assert len(expected) == len(found)
    assert all(map(torch.equal, expected, found))


@pytest.mark.parametrize(("model", "part"), PARTS)
def test_they_are_where_only_a_part_is_trained(model, part):
    plain = training_only(network(model), part)
    again = recomputing(copy.deepcopy(plain))
    expected, found = trained(plain), trained(again)
    assert len(expected) == len(found)
    assert all(one is other or torch.equal(one, other) for one, other in zip(expected, found, strict=True))


def test_a_batch_norm_in_evaluation_is_left_alone_while_it_is_computed_again():
    norm = nn.BatchNorm1d(4).eval()
    module = nn.Sequential(nn.Linear(4, 4), norm)
    module.set_grad_checkpointing = lambda: None
    recomputing(module)
    norm.eval()
    checkpoint(module, torch.rand(3, 4), use_reentrant=False).sum().backward()
    assert 0 == norm.num_batches_tracked


@pytest.mark.parametrize("model", FAMILIES)
def test_less_is_kept_for_the_backward_pass(model):
    def kept(module):
        sizes = {}

        def count(tensor):
            sizes[tensor.data_ptr()] = tensor.nbytes
            return tensor

        module.train()
        with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
            module(torch.rand(4, 1, 32, 32))
        return sum(sizes.values())

    plain = network(model)
    parameters = sum(parameter.nbytes for parameter in plain.parameters())
    again = recomputing(copy.deepcopy(plain))
    least = 0.9 if model in TRANSFORMERS else 0.7
    assert kept(again) < least * kept(plain) + parameters


def test_a_network_that_cannot_is_refused():
    with pytest.raises(ModelError, match="Linear: it cannot compute activations again; leave out ckpt"):
        recomputing(nn.Linear(2, 1))
