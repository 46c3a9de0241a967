"""Optimizers: ordinary and real 8-bit Adam, and what state they hold."""

import importlib
import logging
import sys
from types import ModuleType

import pytest
import torch

from redl.training.optimizers import _without_hub, adam, state_bits


def stepped(*sizes, eight_bit, dtype=torch.float32):
    parameters = [torch.nn.Parameter(torch.ones(size, dtype=dtype)) for size in sizes]
    optimizer = adam(parameters, learning_rate=0.1, eight_bit=eight_bit)
    for parameter in parameters:
        parameter.grad = torch.full_like(parameter, 0.5)
    optimizer.step()
    return optimizer, parameters


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
    optimizer = adam([torch.nn.Parameter(torch.ones(3))], learning_rate=0.1, eight_bit=False)
    assert {} == state_bits(optimizer)


def test_the_first_step_of_8_bit_adam_is_adams():
    ordinary, narrow = (stepped(8192, eight_bit=eight_bit)[1][0] for eight_bit in (False, True))
    assert torch.allclose(ordinary, narrow, atol=1e-3)
    assert not torch.equal(ordinary, torch.ones(8192))


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
