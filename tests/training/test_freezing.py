"""Freezing: what is trained is what the name says, and the rest stays as it is to the last bit."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from redl.errors import ModelError
from redl.study.case import TRANSFORMERS, Model, TrainedPart
from redl.study.profile import Pretraining
from redl.training.freezing import training_only
from redl.training.models import build
from redl.training.networks import network_of
from redl.training.optimizers import adam

FAMILIES = [model for model in Model if model is not Model.MLP]
CLASSIFIERS = {"densenet": "classifier", "swin": "head.fc", "vit": "head", "efficientnet": "classifier"}
# Of reduced networks: the last block or stage, and what follows it.
LAST = {
    "densenet": ("features.denseblock4.", "features.norm5.", "classifier."),
    "swin": ("layers.1.", "norm.", "head.fc."),
    "vit": ("blocks.2.", "norm.", "head."),
    "efficientnet": ("blocks.5.", "conv_head.", "bn2.", "classifier."),
}
APPLICABLE = [
    (model, part)
    for model in FAMILIES
    for part in TrainedPart
    if part is not TrainedPart.LORA or model in TRANSFORMERS
]


def network(model):
    torch.manual_seed(0)
    module, _ = build(
        network_of(model, None, image_size=32, reduced=True), image_size=32, pretraining=Pretraining.NO
    )
    for norm in (one for one in module.modules() if isinstance(one, nn.LayerNorm)):
        nn.init.ones_(norm.weight)  # Swin V2's start from zeros, which pretrained ones are not
    return module


def trained_names(module):
    return {name for name, parameter in module.named_parameters() if parameter.requires_grad}


def train(module, images, steps=3):
    optimizer = adam(module, 1e-2)
    labels = torch.tensor([[0.0], [1.0]] * (len(images) // 2))
    for _ in range(steps):
        module.train()
        optimizer.zero_grad()
        binary_cross_entropy_with_logits(module(images), labels).backward()
        optimizer.step()
        module.eval()
    return module


@pytest.mark.parametrize(("model", "classifier"), CLASSIFIERS.items())
def test_a_head_is_the_classifier_alone(model, classifier):
    found = trained_names(training_only(network(model), TrainedPart.HEAD))
    assert {f"{classifier}.weight", f"{classifier}.bias"} == found


def test_the_head_of_a_network_that_is_not_timms_is_its_last_layer():
    assert {"3.weight", "3.bias"} == trained_names(training_only(network(Model.MLP), TrainedPart.HEAD))


@pytest.mark.parametrize(("model", "starts"), LAST.items())
def test_the_last_block_goes_with_what_follows_it(model, starts):
    module = training_only(network(model), TrainedPart.LAST_BLOCK)
    expected = {name for name, _ in module.named_parameters() if name.startswith(starts)}
    assert expected == trained_names(module)
    assert all(any(name.startswith(start) for name in expected) for start in starts)


@pytest.mark.parametrize("model", TRANSFORMERS)
def test_lora_trains_its_adapters_and_the_classifier(model):
    module = training_only(network(model), TrainedPart.LORA)
    classifier = {f"{CLASSIFIERS[model]}.{kind}" for kind in ("weight", "bias")}
    adapters = {name for name, _ in module.named_parameters() if ".down." in name or ".up." in name}
    assert classifier | adapters == trained_names(module)


@pytest.mark.parametrize(("model", "part"), APPLICABLE)
def test_what_is_frozen_is_the_same_to_the_last_bit_after_training(model, part):
    module = training_only(network(model), part)
    trained = trained_names(module)
    before = copy.deepcopy(module.state_dict())
    after = train(module, torch.rand(8, 1, 32, 32)).state_dict()
    changed = {name for name, tensor in after.items() if not torch.equal(before[name], tensor)}
    statistics = {name for name in changed if "running_" in name or name.endswith("num_batches_tracked")}
    assert trained == changed - statistics
    assert all(name.startswith(LAST[model]) for name in statistics if part is TrainedPart.LAST_BLOCK)
    assert part is TrainedPart.LAST_BLOCK or not statistics


@pytest.mark.parametrize("part", [TrainedPart.HEAD, TrainedPart.LAST_BLOCK])
@pytest.mark.parametrize("model", FAMILIES)
def test_what_is_frozen_works_as_in_evaluation_even_while_the_rest_is_trained(model, part):
    module = training_only(network(model), part)
    frozen = [
        one
        for one in module.modules()
        if list(one.parameters()) and not any(parameter.requires_grad for parameter in one.parameters())
    ]
    modes = []
    for one in frozen:
        one.register_forward_hook(lambda *given: modes.append(given[0].training))
    module.train()
    module(torch.rand(4, 1, 32, 32))
    assert modes
    assert not any(modes)


def test_what_is_trained_is_in_training():
    module = training_only(network(Model.DENSENET), TrainedPart.LAST_BLOCK)
    module.train()
    module(torch.rand(4, 1, 32, 32))
    assert module.features.norm5.training
    assert not module.features.norm0.training


@pytest.mark.parametrize("model", FAMILIES)
def test_a_batch_in_pieces_is_the_same_training_of_a_head(model):
    images, labels = torch.rand(8, 1, 32, 32), torch.tensor([[0.0], [1.0]] * 4)

    def gradients(size):
        module = training_only(network(model), TrainedPart.HEAD)
        module.train()
        for few, truth in zip(images.split(size), labels.split(size), strict=True):
            (binary_cross_entropy_with_logits(module(few), truth) * len(few) / 8).backward()
        return [parameter.grad for parameter in module.parameters() if parameter.requires_grad]

    for one, other in zip(gradients(8), gradients(2), strict=True):
        assert torch.allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("model", FAMILIES)
def test_a_head_keeps_no_activations_but_its_own_input(model):
    def kept(module):
        sizes = []
        with torch.autograd.graph.saved_tensors_hooks(
            lambda tensor: sizes.append(tensor.nbytes) or tensor, lambda tensor: tensor
        ):
            module(torch.rand(4, 1, 32, 32))
        return sum(sizes)

    module = training_only(network(model), TrainedPart.HEAD)
    classifier = module.get_submodule(CLASSIFIERS[model])
    assert 4 * 5 * classifier.in_features >= kept(module.train()) > 0


def test_a_network_without_known_blocks_has_no_last_one():
    with pytest.raises(ModelError, match="Sequential: its last block is not known; leave out lastblock"):
        training_only(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1)), TrainedPart.LAST_BLOCK)
