"""Optimizers: ordinary and real 8-bit Adam, and what state they hold."""

import torch

from redl.training.optimizers import adam, state_bits


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
