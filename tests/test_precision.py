"""Precision: which formats a setting runs in, and where."""

import pytest
import torch

from redl.case import Setting
from redl.training.precision import precision_of

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def formats(setting, device, half_dtype=None):
    precision = precision_of(setting, device, half_dtype)
    return precision.weights_dtype, precision.autocast_dtype, precision.grad_scaler


def test_mixed_precision_is_scaled_float16_on_cuda():
    assert (torch.float32, torch.float16, True) == formats(Setting.AMP, CUDA)


def test_mixed_precision_is_bfloat16_without_scaling_on_a_cpu():
    assert (torch.float32, torch.bfloat16, False) == formats(Setting.AMP_EIGHT_BIT, CPU)


def test_half_weights_are_float16_on_cuda():
    assert (torch.float16, None, False) == formats(Setting.HALF, CUDA)


def test_half_weights_are_bfloat16_on_a_cpu():
    assert (torch.bfloat16, None, False) == formats(Setting.HALF_EIGHT_BIT, CPU)


def test_half_weights_take_the_format_that_is_named():
    assert (torch.float16, None, False) == formats(Setting.HALF, CPU, torch.float16)


@pytest.mark.parametrize("setting", [Setting.BASELINE, Setting.EIGHT_BIT])
def test_a_named_16_bit_format_does_not_touch_other_settings(setting):
    assert (torch.float32, None, False) == formats(setting, CUDA, torch.float16)


def test_autocast_computes_in_its_format():
    with precision_of(Setting.AMP, CPU).autocast():
        assert torch.bfloat16 is torch.nn.functional.linear(torch.ones(2, 3), torch.ones(4, 3)).dtype


def test_images_are_scaled_to_one():
    images = torch.tensor([0, 51, 255], dtype=torch.uint8)
    assert [0.0, 0.2, 1.0] == pytest.approx(precision_of(Setting.BASELINE, CPU).inputs(images).tolist())
