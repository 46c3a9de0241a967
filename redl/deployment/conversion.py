"""Conversion: what other runtimes need, made from the trained weights of a case, in a process with torch.

Run as `python -m redl.deployment.conversion FOLDER [onnx]`. The folder holds the weights and the job of the
case; test images, calibration images, torch's answers in float32, and weights in bfloat16 are written beside
them, and with `onnx` the network as an ONNX file.
"""

from __future__ import annotations

import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from redl.deployment.files import Files
from redl.deployment.onnx_serving import INPUT, OUTPUT
from redl.deployment.torch_serving import network_in, plan_in
from redl.errors import ModelError
from redl.execution.plan import CasePlan
from redl.parent import end_with_writer_of
from redl.training.loop import Part, predict
from redl.training.precision import Precision
from redl.training.settings import TrainingSetup
from redl.training.trained import save_trained, trained_file

CALIBRATION_IMAGES = 128
_SEED = 0


def convert(folder: Path, *, onnx: bool) -> None:
    """Write what the runtimes need, and is not there yet, into the folder of a trained case."""
    plan, files = plan_in(folder), Files(folder=folder)
    train, _, test = plan.load_parts()
    model = network_in(plan, trained_file(folder, plan.network.name))
    if not files.reference.exists():
        np.save(files.images, test.images.numpy())
        np.save(files.calibration, calibration_images(train))
        np.save(files.reference, reference(model, plan, test.images))
        save_trained(deepcopy(model).to(torch.bfloat16), folder, files.half.stem)
    if onnx:  # last, because torch's runtimes can do without
        export(model, test.images, files.onnx)


def calibration_images(train: Part) -> np.ndarray:
    """Choose images uint8 (M, 1, H, W) of the training part by chance, always the same."""
    chosen = np.random.default_rng(_SEED).permutation(len(train))[:CALIBRATION_IMAGES]
    return train.images[torch.from_numpy(np.sort(chosen))].numpy()


def reference(model: nn.Module, plan: CasePlan, images: torch.Tensor) -> np.ndarray:
    """Return torch's float32 logits (N,) on the CPU, by the pass that evaluates a case."""
    precision = Precision.of(TrainingSetup(), torch.device("cpu"))
    logits = predict(model, images, precision=precision, batch_size=plan.profile.batch_size)
    return logits[:, 0].double().numpy()


def export(model: nn.Module, images: torch.Tensor, file: Path) -> None:
    """Write a model as an ONNX file that takes float32 images (N, 1, H, W) in [0, 1], for any N.

    Raise ModelError for a model that torch cannot export, e.g. one that branches on what it computes.
    """
    example = images[:2].float().div(255)  # a batch of one would be taken for a constant
    try:
        program = torch.onnx.export(
            model,
            (example,),
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            input_names=[INPUT],
            output_names=[OUTPUT],
            verbose=False,
        )
    except torch.onnx.OnnxExporterError as error:
        line = next(iter(str(error.__cause__ or error).splitlines()), "")
        raise ModelError(f"torch cannot export it to ONNX ({line})") from None
    assert program is not None, "the exporter by dynamo returns a program"
    _forget_origin(program.model)
    program.save(file)


def _forget_origin(model: Any) -> None:  # noqa: ANN401 - the library is not one of training's
    """Remove where in which file each node comes from, because a path may name a user."""
    for node in model.graph.all_nodes():
        for part in (node, *node.outputs):
            part.metadata_props.clear()
    model.graph.metadata_props.clear()


if __name__ == "__main__":
    end_with_writer_of(sys.stdin.fileno())
    convert(Path(sys.argv[1]), onnx="onnx" in sys.argv[2:])
