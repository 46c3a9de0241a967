"""16-bit convolutions through the float32 kernel: the same numbers, the same 16-bit tensors."""

import pytest
import torch
from torch.nn.functional import conv2d

from redl.training.convolution import needs_widening, widened

HALF = [torch.bfloat16, torch.float16]


@pytest.fixture(autouse=True)
def two_threads():
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(threads)


def run(dtype, batch, *, bias=True, stride=2):
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(batch, 3, 9, 9, generator=generator).to(dtype).requires_grad_()
    weight = torch.randn(4, 3, 3, 3, generator=generator).to(dtype).requires_grad_()
    shift = torch.randn(4, generator=generator).to(dtype).requires_grad_() if bias else None
    out = conv2d(images, weight, shift, stride=stride, padding=1)
    out.square().sum().backward()
    return [out.detach(), images.grad, weight.grad] + ([shift.grad] if bias else [])


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("batch", [1, 2, 5])
@pytest.mark.parametrize("bias", [True, False])
def test_widening_agrees_with_the_reference_kernel_to_its_rounding(dtype, batch, bias):
    reference = run(dtype, batch, bias=bias)
    with widened(needed=True):
        ours = run(dtype, batch, bias=bias)
    for expected, found in zip(reference, ours, strict=True):
        assert dtype is found.dtype
        error = (expected.double() - found.double()).abs().max()
        assert error <= 4 * torch.finfo(dtype).eps * expected.double().abs().max()


def test_widening_sums_in_float32_and_rounds_once():
    images = torch.ones(2, 1, 64, 64, dtype=torch.bfloat16)
    weight = torch.full((1, 1, 64, 64), 1 / 256, dtype=torch.bfloat16)
    with widened(needed=True):
        assert [16.0, 16.0] == conv2d(images, weight).flatten().tolist()  # a bfloat16 sum would stop at 1


def test_without_need_nothing_is_replaced():
    with widened(needed=False):
        expected = run(torch.bfloat16, 2)
    assert all(map(torch.equal, expected, run(torch.bfloat16, 2)))


def test_the_reference_kernel_is_back_afterwards():
    with widened(needed=True):
        pass
    image = torch.ones(1, 1, 3, 3)
    assert 9.0 == conv2d(image, image).item()  # a float32 batch of one takes the reference kernel


def test_a_float32_convolution_that_strays_in_is_refused():
    image = torch.ones(1, 1, 3, 3)
    with widened(needed=True), pytest.raises(RuntimeError, match="float32 convolution reached"):
        conv2d(image, image)


def test_a_gpu_needs_no_widening():
    assert not needs_widening([torch.float16], torch.device("cuda"))


def test_float32_needs_no_widening():
    assert not needs_widening([torch.float32], torch.device("cpu"))


def test_a_cpu_without_instructions_needs_widening(monkeypatch):
    monkeypatch.setattr("redl.training.convolution.native", lambda dtype: dtype is torch.float32)
    assert needs_widening([torch.bfloat16], torch.device("cpu"))


def test_one_thread_is_left_alone(monkeypatch):
    monkeypatch.setattr("redl.training.convolution.native", lambda dtype: dtype is torch.float32)
    torch.set_num_threads(1)
    assert not needs_widening([torch.bfloat16], torch.device("cpu"))
