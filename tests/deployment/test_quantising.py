"""Quantising: 8-bit files are smaller and answer nearly the same."""

import numpy as np
import pytest
import torch
from torch import nn

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

import onnx

from redl.deployment.conversion import export
from redl.deployment.onnx_serving import load
from redl.deployment.quantising import Calibration, quantise_dynamic, quantise_static

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 1, 16, 16), dtype=np.uint8)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Export a small network with a convolution and a large product, and quantise it both ways."""
    folder = tmp_path_factory.mktemp("quantised")
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 14 * 14, 64), nn.ReLU(), nn.Linear(64, 1)
    )
    export(model.eval(), torch.from_numpy(IMAGES), folder / "model.onnx")
    quantise_static(folder / "model.onnx", folder / "static.onnx", IMAGES)
    quantise_dynamic(folder / "model.onnx", folder / "dynamic.onnx")
    return folder


@pytest.mark.parametrize("kind", ["static", "dynamic"])
def test_an_8_bit_file_is_smaller_and_answers_nearly_the_same(made, kind):
    sizes = [(made / f"{name}.onnx").stat().st_size for name in (kind, "model")]
    assert sizes[0] < 0.35 * sizes[1]
    expected, found = (load(made / f"{name}.onnx", threads=1)(IMAGES) for name in ("model", kind))
    assert expected == pytest.approx(found, abs=0.05 * np.ptp(expected))
    assert not np.array_equal(expected, found)


def test_static_activations_are_unsigned_and_weights_signed(made):
    graph = onnx.load(made / "static.onnx").graph
    kinds = {one.data_type for one in graph.initializer if one.name.endswith("_quantized")}
    assert onnx.TensorProto.INT8 in kinds
    points = {one.data_type for one in graph.initializer if "zero_point" in one.name}
    assert onnx.TensorProto.UINT8 in points


def test_calibration_reads_every_image_once_scaled_as_in_training():
    reader = Calibration(IMAGES)
    batches = []
    while (batch := reader.get_next()) is not None:
        batches.append(batch["images"])
    assert max(map(len, batches)) <= 16
    assert np.array_equal(IMAGES.astype(np.float32) / 255, np.concatenate(batches))
