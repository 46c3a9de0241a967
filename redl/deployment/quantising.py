"""Quantising: an ONNX file whose products are of 8-bit integers, made from one in float32.

Run as `python -m redl.deployment.quantising SOURCE TARGET [CALIBRATION]`: with calibration images the ranges
of activations are fixed, otherwise they are found anew for each input. Weights are signed and activations
unsigned (U8S8), which CPUs multiply fastest; only convolutions and matrix products are quantised.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)

from redl.deployment.onnx_serving import INPUT
from redl.parent import end_with_writer_of

_QUANTISED = ["Conv", "MatMul", "Gemm"]
_AT_ONCE = 16


class Calibration(CalibrationDataReader):  # type: ignore[misc] # the library has no annotations
    """The images by which ranges are set, uint8 (N, 1, H, W), some at a time."""

    def __init__(self, images: np.ndarray) -> None:
        self._batches: Iterator[np.ndarray] = iter(np.array_split(images, -(-len(images) // _AT_ONCE)))

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Return the next images, scaled as in training; None after the last."""
        batch = next(self._batches, None)
        return None if batch is None else {INPUT: batch.astype(np.float32) / np.float32(255)}


def quantise_static(source: Path, target: Path, images: np.ndarray) -> None:
    """Write an int8 network whose ranges these images, uint8 (N, 1, H, W), have set."""
    quantize_static(
        source,
        target,
        Calibration(images),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=_QUANTISED,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )


def quantise_dynamic(source: Path, target: Path) -> None:
    """Write an int8 network that finds its ranges for each input."""
    quantize_dynamic(source, target, op_types_to_quantize=_QUANTISED[1:], weight_type=QuantType.QInt8)


if __name__ == "__main__":
    end_with_writer_of(sys.stdin.fileno())
    _source, _target, *_images = map(Path, sys.argv[1:])
    if _images:
        quantise_static(_source, _target, np.load(_images[0]))
    else:
        quantise_dynamic(_source, _target)
