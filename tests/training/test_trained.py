"""Trained weights as a file: what is written is loaded again, bit by bit."""

import pytest
import torch
from torch import nn

from redl.training.trained import load_trained, save_trained, trained_file
from redl.training.weights import find_file


def small():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 1))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_weights_and_running_statistics_come_back_bit_by_bit(dtype, tmp_path):
    model, other = small().to(dtype), small().to(dtype)
    model(torch.rand(8, 1, 3, 3, dtype=dtype))  # moves the running statistics
    load_trained(other, save_trained(model, tmp_path / "new", "net"))
    state = model.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in other.state_dict().items())
    assert 1 == other.state_dict()["1.num_batches_tracked"]


def test_two_names_of_one_tensor_are_both_saved(tmp_path):
    tied = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    tied[1].weight = tied[0].weight
    other = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    load_trained(other, save_trained(tied, tmp_path, "tied"))
    assert torch.equal(tied[0].weight, other[1].weight)


def test_weights_laid_out_channels_last_are_saved(tmp_path):
    model, other = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last), nn.Conv2d(3, 4, 3)
    assert not model.weight.is_contiguous()
    load_trained(other, save_trained(model, tmp_path, "net"))
    assert torch.equal(model.weight, other.weight)


def test_pretrained_weights_are_looked_for_under_the_same_name(tmp_path):
    save_trained(small(), tmp_path, "densenet121")
    assert trained_file(tmp_path, "densenet121") == find_file(tmp_path, "densenet121")


def test_weights_of_another_network_are_refused(tmp_path):
    file = save_trained(small(), tmp_path, "net")
    with pytest.raises(RuntimeError, match="Missing key"):
        load_trained(nn.Linear(2, 2), file)
