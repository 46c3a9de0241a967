"""Optimizers: ordinary and real 8-bit Adam, and what state they hold."""

import importlib
import logging
import sys
from types import ModuleType

import pytest
import torch
from timm.layers import PatchEmbed
from torch import nn

from redl.training.optimizers import (
    _without_hub,
    adam,
    adam_8bit,
    adam_8bit_stable,
    state_bits,
    state_width,
)


class Sizes(nn.Module):
    """A model of bare parameters."""

    def __init__(self, *sizes, dtype):
        super().__init__()
        self.all = nn.ParameterList(nn.Parameter(torch.ones(size, dtype=dtype)) for size in sizes)


def step(model, make):
    optimizer = make(model, 0.1)
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 0.5)
    optimizer.step()
    return optimizer


def stepped(*sizes, eight_bit, dtype=torch.float32):
    model = Sizes(*sizes, dtype=dtype)
    return step(model, adam_8bit if eight_bit else adam), list(model.parameters())


def test_ordinary_adam_keeps_32_bit_state():
    assert {"32": 5000} == state_bits(stepped(5000, eight_bit=False)[0])


def test_ordinary_adam_on_half_weights_keeps_16_bit_state():
    assert {"16": 5000} == state_bits(stepped(5000, eight_bit=False, dtype=torch.bfloat16)[0])


def test_8_bit_adam_keeps_small_tensors_in_32_bits():
    assert {"32": 4095, "8": 4096} == state_bits(stepped(4095, 4096, eight_bit=True)[0])


def test_8_bit_state_really_is_bytes():
    optimizer, (parameter,) = stepped(8192, eight_bit=True)
    assert torch.uint8 is optimizer.state[parameter]["state1"].dtype


def test_state_is_unknown_before_the_first_step():
    assert {} == state_bits(adam(nn.Linear(1, 1), 0.1))


def test_the_first_step_of_8_bit_adam_is_adams():
    ordinary, narrow = (stepped(8192, eight_bit=eight_bit)[1][0] for eight_bit in (False, True))
    assert torch.allclose(ordinary, narrow, atol=1e-3)
    assert not torch.equal(ordinary, torch.ones(8192))


class Small(nn.Module):
    """The parts of a transformer, each large enough for 8-bit state."""

    def __init__(self):
        super().__init__()
        self.patch_embed = PatchEmbed(img_size=32, patch_size=16, in_chans=1, embed_dim=64)  # 256 * 64
        self.pos_embed = nn.Parameter(torch.ones(1, 65, 64))
        self.words = nn.Embedding(64, 64)
        self.norm = nn.LayerNorm(4096)
        self.head = nn.Linear(64, 64)


def bits(model, make):
    optimizer = step(model, make)
    return {name: sum(state_bits_of(optimizer, parameter)) for name, parameter in model.named_parameters()}


def state_bits_of(optimizer, parameter):
    return [8 if optimizer.state[parameter]["state1"].dtype is torch.uint8 else 32]


def test_stable_state_is_32_bits_for_embeddings_and_norms():
    found = bits(Small(), adam_8bit_stable)
    narrow = {name for name, width in found.items() if width == 8}
    assert {"head.weight"} == narrow


def test_without_it_they_have_8_bits():
    found = bits(Small(), adam_8bit)
    assert {"patch_embed.proj.bias", "head.bias"} == {name for name, width in found.items() if width == 32}


def test_a_later_optimizer_inherits_nothing():
    model = Small()
    step(model, adam_8bit_stable)
    assert {"patch_embed.proj.bias", "head.bias"} == {
        name for name, width in bits(model, adam_8bit).items() if width == 32
    }


@pytest.mark.parametrize("make", [adam, adam_8bit, adam_8bit_stable])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_the_width_of_each_state_is_the_true_one(make, dtype):
    model = Small().to(dtype)
    optimizer = step(model, make)
    width = state_width(optimizer)
    for parameter in model.parameters():
        state = optimizer.state[parameter]
        assert 8 * state.get("exp_avg", state.get("state1")).element_size() == width(parameter)


def test_the_width_of_another_optimizers_state_is_not_known():
    assert state_width(torch.optim.SGD(nn.Linear(1, 1).parameters())) is None
    assert state_width(torch.optim.AdamW(nn.Linear(1, 1).parameters())) is None


def test_bitsandbytes_cannot_reach_a_model_hub_while_it_is_imported(monkeypatch):
    monkeypatch.setitem(sys.modules, "kernels", ModuleType("kernels"))
    with _without_hub(), pytest.raises(ImportError, match="kernels"):
        importlib.import_module("kernels")


def test_a_kernels_package_that_was_there_is_there_again(monkeypatch):
    theirs = ModuleType("kernels")
    monkeypatch.setitem(sys.modules, "kernels", theirs)
    with _without_hub():
        pass
    assert theirs is sys.modules["kernels"]


def test_bitsandbytes_does_not_complain_of_the_hub(caplog):
    with _without_hub():
        logging.getLogger("bitsandbytes.backends.cpu.ops").warning("Failed to load")
    assert [] == caplog.messages


def test_other_warnings_of_bitsandbytes_are_heard_again(caplog):
    with _without_hub():
        pass
    logging.getLogger("bitsandbytes.backends.cpu.ops").warning("something else")
    assert ["something else"] == caplog.messages
