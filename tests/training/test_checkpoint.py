"""Best weights: what comes back is what was kept, to the last bit."""

import pytest
import torch
from torch import nn

from redl.training.checkpoint import Checkpoint


def network(dtype=torch.float32):
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 1)).to(dtype)


def scramble(model):
    """Change every parameter and buffer."""
    with torch.no_grad():
        for tensor in model.state_dict().values():
            tensor.add_(1)


def copies(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def assert_same(expected, model):
    state = model.state_dict()
    assert list(expected) == list(state)
    assert all(torch.equal(expected[name], state[name]) for name in expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_parameters_and_buffers_come_back_in_every_format(dtype):
    model = network(dtype)
    kept = copies(model)
    with Checkpoint(model) as best:
        best.keep()
        scramble(model)
        best.restore()
    assert_same(kept, model)


def test_the_last_kept_weights_come_back():
    model = network()
    with Checkpoint(model) as best:
        best.keep()
        scramble(model)
        second = copies(model)
        best.keep()
        scramble(model)
        best.restore()
    assert_same(second, model)


def test_weights_in_another_memory_format_come_back():
    model = network().to(memory_format=torch.channels_last)
    kept = copies(model)
    with Checkpoint(model) as best:
        best.keep()
        scramble(model)
        best.restore()
    assert_same(kept, model)


def test_restoring_what_was_never_kept_is_refused():
    with Checkpoint(network()) as best, pytest.raises(EOFError, match="not kept whole"):
        best.restore()


def test_the_file_is_closed_when_the_block_ends():
    with Checkpoint(network()) as best:
        best.keep()
    with pytest.raises(ValueError, match="closed file"):
        best.keep()
