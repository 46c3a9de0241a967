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
    adafactor,
    adam,
    adam_8bit,
    adam_8bit_stable,
    lion_8bit,
    sgd_8bit,
    state_bits,
    state_elements,
    state_width,
)

MOMENTS = ("exp_avg", "exp_avg_sq", "exp_avg_sq_row", "exp_avg_sq_col", "state1", "state2")


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


@pytest.mark.parametrize("make", [lion_8bit, sgd_8bit])
def test_one_moment_is_kept_in_8_bits_and_of_small_tensors_in_32(make):
    assert {"32": 4095, "8": 4096} == state_bits(step(Sizes(4095, 4096, dtype=torch.float32), make))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_adafactor_keeps_32_bit_state_whatever_the_weights_are(dtype):
    assert {"32": 5000 + 64 * 64} == state_bits(step(Sizes(5000, (64, 64), dtype=dtype), adafactor))


@pytest.mark.parametrize("make", [lion_8bit, sgd_8bit])
@pytest.mark.parametrize("size", [100, 8192])
def test_a_first_step_is_the_sign_for_lion_and_the_gradient_for_sgd(make, size):
    model = Sizes(size, dtype=torch.float32)
    step(model, make)  # a gradient of 0.5 at a rate of 0.1
    assert torch.allclose(torch.full((size,), 0.9 if make is lion_8bit else 0.95), model.all[0], atol=1e-6)


@pytest.mark.parametrize("size", [100, 8192])
def test_sgd_has_a_momentum_of_nine_tenths(size):
    model = Sizes(size, dtype=torch.float32)
    optimizer = step(model, sgd_8bit)
    optimizer.step()
    assert torch.allclose(torch.full((size,), 1 - 0.1 * 0.5 * (1 + 1.9)), model.all[0], atol=2e-3)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_a_first_step_of_adafactor_is_as_long_as_adams_whatever_weights_and_gradients_are(scale):
    parameter = nn.Parameter(torch.full((64, 64), scale))
    model = nn.ParameterList([parameter])
    optimizer = adafactor(model, 0.1 * scale)
    parameter.grad = torch.full_like(parameter, 0.5 * scale)
    optimizer.step()
    assert torch.allclose(torch.full((64, 64), 0.9 * scale), parameter, rtol=1e-5)


def test_adafactor_factors_a_convolution_by_its_channels():
    count = state_elements(adafactor(nn.Conv2d(32, 64, 3, bias=False), 0.1))
    assert (32 + 64) * 9 == count(nn.Conv2d(32, 64, 3).weight)


OTHERS = [lion_8bit, sgd_8bit, adafactor]


@pytest.mark.parametrize("make", [adam, adam_8bit, *OTHERS])
def test_a_gradient_that_was_scaled_makes_the_same_step(make):
    plain, scaled = (Sizes(100, 8192, (64, 64), dtype=torch.float32) for _ in range(2))
    step(plain, make)
    optimizer, scaler = make(scaled, 0.1), torch.amp.GradScaler("cpu", init_scale=1024.0)
    scaler.scale(sum(0.5 * parameter.sum() for parameter in scaled.parameters())).backward()
    scaler.step(optimizer)
    assert all(map(torch.equal, plain.parameters(), scaled.parameters()))


@pytest.mark.parametrize("make", [adam, adam_8bit, *OTHERS])
def test_a_step_is_skipped_whose_gradients_overflow(make):
    model = Sizes(100, 8192, dtype=torch.float32)
    optimizer, scaler = make(model, 0.1), torch.amp.GradScaler("cpu", init_scale=1024.0)
    scaler.scale(sum(float("inf") * parameter.sum() for parameter in model.parameters())).backward()
    scaler.step(optimizer)
    scaler.update()
    assert 512.0 == scaler.get_scale()
    assert all(torch.equal(torch.ones_like(parameter), parameter) for parameter in model.parameters())


@pytest.mark.parametrize("make", [adam, adam_8bit, *OTHERS])
def test_what_is_frozen_has_no_state(make):
    model = Sizes(8192, 8192, dtype=torch.float32)
    model.all[0].requires_grad = False
    optimizer = make(model, 0.1)
    model.all[1].grad = torch.ones(8192)
    optimizer.step()
    assert [model.all[1]] == list(optimizer.state)


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


@pytest.mark.parametrize("make", [adam, adam_8bit, adam_8bit_stable, *OTHERS])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_width_and_number_of_each_state_are_the_true_ones(make, dtype):
    model = Small().to(dtype)
    optimizer = step(model, make)
    width = state_width(optimizer)
    for parameter in model.parameters():
        state = optimizer.state[parameter]
        moments = [state[name] for name in MOMENTS if name in state]
        assert {width(parameter)} == {8 * moment.element_size() for moment in moments}
        assert sum(moment.numel() for moment in moments) == state_elements(optimizer)(parameter)


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
