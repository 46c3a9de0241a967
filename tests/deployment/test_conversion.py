"""Conversion: ONNX answers as torch does, for any number of images; calibration sees no test image."""

import numpy as np
import pytest
import timm
import torch
from torch import nn

from redl.deployment.onnx_serving import load

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

from redl.deployment.conversion import CALIBRATION_IMAGES, calibration_images, export
from redl.errors import ModelError
from redl.training.loop import Part

IMAGES = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (9, 1, 32, 32), dtype=np.uint8))
FAMILIES = {
    "densenet": ("densenet121", {"growth_rate": 8, "block_config": (2, 2)}),
    "swin": (
        "swinv2_base_window8_256",
        {"img_size": 32, "patch_size": 4, "embed_dim": 24, "depths": (1, 1), "num_heads": (2, 4)},
    ),
    "vit": (
        "vit_base_patch32_plus_256",
        {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 2},
    ),
    "efficientnet": ("efficientnetv2_rw_s", {"channel_multiplier": 0.1, "depth_multiplier": 0.1}),
}


def network(family):
    torch.manual_seed(0)
    if family == "mlp":
        return nn.Sequential(nn.Flatten(), nn.Linear(32 * 32, 8), nn.ReLU(), nn.Linear(8, 1)).eval()
    name, options = FAMILIES[family]
    return timm.create_model(name, in_chans=1, num_classes=1, **options).eval()


@pytest.mark.parametrize("family", [*FAMILIES, "mlp"])
@pytest.mark.filterwarnings("ignore")  # of the exporter, about itself
def test_onnx_answers_as_torch_does_for_any_number_of_images(family, tmp_path):
    model = network(family)
    export(model, IMAGES, tmp_path / "model.onnx")
    answer = load(tmp_path / "model.onnx", threads=1)
    for count in (1, 2, 9):
        with torch.inference_mode():
            expected = model(IMAGES[:count].float() / 255)[:, 0].double().numpy()
        assert expected == pytest.approx(answer(IMAGES[:count].numpy()), abs=1e-5)
    assert np.ptp(answer(IMAGES.numpy())) > 0  # it tells images apart, so that they could differ


@pytest.mark.filterwarnings("ignore")
def test_a_file_does_not_say_on_which_machine_it_was_made(tmp_path):
    export(network("densenet"), IMAGES, tmp_path / "model.onnx")
    content = (tmp_path / "model.onnx").read_bytes()
    assert b"densenet.py" not in content
    assert b"site-packages" not in content


class Branching(nn.Module):
    """A network that branches on what it computes, which no exporter can follow."""

    def forward(self, images):
        mean = images.mean((2, 3))
        return mean * 2 if mean.sum() > 3 else mean


@pytest.mark.filterwarnings("ignore")
def test_a_network_that_cannot_be_exported_is_refused_in_one_line(tmp_path):
    with pytest.raises(
        ModelError, match=r"^torch cannot export it to ONNX \(Could not guard on data-dependent"
    ):
        export(Branching(), IMAGES, tmp_path / "model.onnx")


def part(count):
    images = torch.arange(count, dtype=torch.uint8).reshape(count, 1, 1, 1)
    return Part(images=images, labels=torch.zeros(count, 1), subjects=np.zeros(count, np.int32))


def test_ranges_are_set_by_different_training_images_always_the_same():
    chosen = calibration_images(part(200))
    assert (CALIBRATION_IMAGES, 1, 1, 1) == chosen.shape
    assert CALIBRATION_IMAGES == len(np.unique(chosen))
    assert np.array_equal(chosen, calibration_images(part(200)))
    assert chosen.max() > 190  # not only the first ones, which may be of a few subjects


def test_a_small_training_part_is_taken_whole():
    assert [0, 1, 2] == calibration_images(part(3)).ravel().tolist()
