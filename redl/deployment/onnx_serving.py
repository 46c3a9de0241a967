"""ONNX Runtime: a network from its file, in a process that needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from redl.deployment.measuring import Answer

INPUT, OUTPUT = "images", "logits"
PROVIDERS = ["CPUExecutionProvider"]


def load(file: Path, *, threads: int) -> Answer:
    """Return what answers uint8 images (N, 1, H, W) by logits (N,), on so many threads."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(file, options, providers=PROVIDERS)

    def answer(images: np.ndarray) -> np.ndarray:
        scaled = images.astype(np.float32) / np.float32(255)
        (logits,) = session.run([OUTPUT], {INPUT: scaled})
        return np.asarray(logits[:, 0], np.float64)

    return answer
