"""Precision: which formats a setup runs in, and where."""

import pytest
import torch
from torch import nn

from redl.training.precision import Precision
from redl.training.settings import TrainingSetup

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
PIXELS = torch.tensor([0, 51, 255], dtype=torch.uint8).reshape(1, 1, 1, 3)


@pytest.mark.parametrize(
    ("autocast_dtype", "expected"), [(None, False), (torch.bfloat16, False), (torch.float16, True)]
)
def test_only_float16_gradients_are_scaled(autocast_dtype, expected):
    assert expected == Precision.of(TrainingSetup(autocast_dtype=autocast_dtype), CUDA).grad_scaler


def test_autocast_computes_in_its_format():
    with Precision.of(TrainingSetup(autocast_dtype=torch.bfloat16), CPU).autocast():
        assert torch.bfloat16 is nn.functional.linear(torch.ones(2, 3), torch.ones(4, 3)).dtype


def test_without_autocast_nothing_is_cast():
    with Precision.of(TrainingSetup(), CPU).autocast():
        assert torch.float32 is nn.functional.linear(torch.ones(2, 3), torch.ones(4, 3)).dtype


def test_images_are_scaled_to_one():
    assert [0.0, 0.2, 1.0] == pytest.approx(
        Precision.of(TrainingSetup(), CPU).inputs(PIXELS).flatten().tolist()
    )


def test_images_and_model_are_in_the_weights_format():
    precision = Precision.of(TrainingSetup(weights_dtype=torch.bfloat16), CPU)
    assert torch.bfloat16 is precision.inputs(PIXELS).dtype is precision.place(nn.Linear(3, 1)).weight.dtype


def test_formats_of_16_bits_are_listed():
    both = TrainingSetup(weights_dtype=torch.float16, autocast_dtype=torch.bfloat16)
    assert {torch.float16, torch.bfloat16} == Precision.of(both, CPU).half_dtypes
    assert set() == Precision.of(TrainingSetup(), CPU).half_dtypes


def test_convolutions_are_laid_out_channels_last_where_that_is_asked():
    convolution = nn.Conv2d(4, 4, 3)
    expected = convolution.weight.detach().clone()
    last = Precision.of(TrainingSetup(), CPU, channels_last=True)
    placed = last.place(convolution)
    assert placed.weight.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(expected, placed.weight)
    assert last.inputs(torch.ones(2, 3, 4, 4)).is_contiguous(memory_format=torch.channels_last)


def test_channels_last_changes_no_value():
    first, last = (Precision.of(TrainingSetup(), CPU, channels_last=last) for last in (False, True))
    assert torch.equal(first.inputs(PIXELS), last.inputs(PIXELS))
