"""16-bit convolution on CPUs without 16-bit instructions.

There PyTorch falls back to a reference kernel: DenseNet-121 takes 16 s a step in bfloat16 where float32
takes 1 s (two cores with AVX2). Such a CPU can still compute what 16-bit hardware computes, 16-bit
operands with a float32 sum rounded once, by way of its float32 kernel; autograd keeps the 16-bit tensors,
so memory is that of 16 bits too. The trade-off: the time says nothing about hardware that has the
instructions, and the record warns of that.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch

Tensors = tuple[torch.Tensor | None, torch.Tensor | None, torch.Tensor | None]

_aten = torch.ops.aten
_UNIT = ([1, 1], False, [0, 0], 1)  # dilation, transposed, output padding, groups of a slow 2-D convolution


def native(dtype: torch.dtype) -> bool:
    """Return whether this CPU has instructions for convolutions in `dtype`."""
    match dtype:
        case torch.bfloat16:
            return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001 - torch has no public one
        case torch.float16:
            return bool(torch.ops.mkldnn._is_mkldnn_fp16_supported())  # noqa: SLF001 - the same
        case _:
            return True


def needs_widening(dtypes: Iterable[torch.dtype], device: torch.device) -> bool:
    """Return whether convolutions in `dtypes` on `device` would reach the reference kernel.

    On a single thread small float32 convolutions reach it too, so nothing would be gained.
    """
    return device.type == "cpu" and torch.get_num_threads() > 1 and not all(map(native, dtypes))


@contextmanager
def widened(*, needed: bool) -> Iterator[None]:
    """Compute 16-bit convolutions through the float32 kernel within the block, in the whole process."""
    if not needed:
        yield
        return
    library = torch.library.Library("aten", "IMPL")
    with warnings.catch_warnings(action="ignore"):  # some releases of PyTorch warn that a kernel is replaced
        library.impl("_slow_conv2d_forward", _forward, "CPU")
        library.impl("_slow_conv2d_backward.output_mask", _backward, "CPU")
    try:
        yield
    finally:
        library._destroy()  # noqa: SLF001 - PyTorch has no public way to take a kernel back


def _forward(
    images: torch.Tensor,
    weight: torch.Tensor,
    _kernel_size: list[int],
    bias: torch.Tensor | None,
    stride: list[int],
    padding: list[int],
) -> torch.Tensor:
    wide = None if bias is None else bias.float()
    out: torch.Tensor = _aten.convolution(_two(images), weight.float(), wide, stride, padding, *_UNIT)
    return out[: len(images)].to(images.dtype)


def _backward(
    grad: torch.Tensor,
    images: torch.Tensor,
    weight: torch.Tensor,
    _kernel_size: list[int],
    stride: list[int],
    padding: list[int],
    mask: list[bool],
) -> Tensors:
    sizes = [weight.shape[0]]
    wide = (_two(grad), _two(images), weight.float(), sizes)
    inputs, weights, bias = _aten.convolution_backward(*wide, stride, padding, *_UNIT, mask)
    inputs = None if inputs is None else inputs[: len(images)]
    narrow = [None if tensor is None else tensor.to(images.dtype) for tensor in (inputs, weights, bias)]
    return narrow[0], narrow[1], narrow[2]


def _two(batch: torch.Tensor) -> torch.Tensor:
    """Widen a batch; pad one image with a blank second: PyTorch sends a float32 batch of one back here."""
    if batch.dtype is torch.float32:
        raise RuntimeError("a float32 convolution reached the reference kernel while 16-bit ones are widened")
    wide = batch.float()
    return wide if len(wide) > 1 else torch.cat([wide, torch.zeros_like(wide)])
