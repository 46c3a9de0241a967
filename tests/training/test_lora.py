"""LoRA: the same network at the start, and an update of low rank from there."""

import pytest
import timm
import torch
from torch import nn

from redl.errors import ModelError
from redl.training.lora import Adapted, with_adapters

SMALL = {"in_chans": 1, "num_classes": 1, "img_size": 32}
NETWORKS = {
    "swin": (
        "swinv2_base_window8_256",
        {"depths": (2, 2), "num_heads": (3, 6), "embed_dim": 48, "patch_size": 4},
    ),
    "vit": ("vit_base_patch32_plus_256", {"embed_dim": 64, "depth": 3, "num_heads": 4, "patch_size": 4}),
}


def network(family):
    torch.manual_seed(0)
    name, options = NETWORKS[family]
    module = timm.create_model(name, **SMALL, **options)
    for norm in (one for one in module.modules() if isinstance(one, nn.LayerNorm)):
        nn.init.ones_(norm.weight)  # Swin V2's start from zeros, which pretrained ones are not
    return module


def answers(module, images):
    module.eval()
    with torch.inference_mode():
        return module(images)


@pytest.mark.parametrize("family", NETWORKS)
def test_the_network_starts_as_it_was_to_the_last_bit(family):
    images = torch.rand(4, 1, 32, 32)
    module = network(family)
    before = answers(module, images)
    assert with_adapters(module)
    assert torch.equal(before, answers(module, images))


@pytest.mark.parametrize(("family", "blocks"), [("swin", 4), ("vit", 3)])
def test_four_layers_of_each_block_are_adapted_and_no_other(family, blocks):
    module = network(family)
    with_adapters(module)
    names = [name for name, one in module.named_modules() if isinstance(one, Adapted)]
    kinds = {"attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2"}
    assert 4 * blocks == len(names)
    assert kinds == {".".join(name.split(".")[-2:]) for name in names}


@pytest.mark.parametrize("family", NETWORKS)
def test_every_adapter_is_returned_and_has_a_gradient(family):
    module = network(family)
    adapters = with_adapters(module)
    for parameter in adapters:  # a start from zeros has no gradient in what is before them
        nn.init.normal_(parameter)
    module(torch.rand(2, 1, 32, 32)).sum().backward()
    of_modules = {
        parameter for name, parameter in module.named_parameters() if ".up." in name or ".down." in name
    }
    assert of_modules == set(adapters)
    assert all(parameter.grad.abs().sum() > 0 for parameter in adapters)


def test_an_update_has_rank_8():
    adapted = Adapted(nn.Linear(32, 64))
    nn.init.normal_(adapted.up.weight)
    update = adapted.weight - adapted.layer.weight
    assert (64, 32) == update.shape
    assert 8 == torch.linalg.matrix_rank(update, rtol=1e-4)


def test_the_weight_is_the_one_that_the_layer_uses():
    adapted = Adapted(nn.Linear(32, 64))
    nn.init.normal_(adapted.up.weight)
    inputs = torch.rand(5, 32)
    expected = nn.functional.linear(inputs, adapted.weight, adapted.layer.bias)
    assert torch.allclose(expected, adapted(inputs), atol=1e-5)


def convnext():
    """Return a network with perceptrons of linear layers, and without attention."""
    sizes = {"depths": (1, 1, 1, 1), "dims": (8, 16, 24, 32)}
    return timm.create_model("convnext_tiny", in_chans=1, num_classes=1, **sizes)


@pytest.mark.parametrize("make", [convnext, lambda: nn.Linear(2, 1)], ids=["perceptrons", "a layer"])
def test_a_network_without_attention_is_refused_and_not_changed(make):
    module = make()
    with pytest.raises(ModelError, match="lora is for transformers, and this network has no attention"):
        with_adapters(module)
    assert not any(isinstance(one, Adapted) for one in module.modules())
