"""Torch: a trained network from its weights, built as training built it, on the CPU."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from redl.deployment.files import Files
from redl.deployment.runtime import Runtime
from redl.execution.plan import CasePlan
from redl.study.profile import Pretraining
from redl.training.models import build
from redl.training.trained import load_trained

if TYPE_CHECKING:
    from redl.deployment.measuring import Answer
    from redl.execution.job import Job


def plan_in(folder: Path) -> CasePlan:
    """Return the plan of the case whose job lies in a folder, as this process would run it."""
    content = Files(folder=folder).job.read_bytes()
    job: Job = pickle.loads(content)  # noqa: S301 - written by the process that started this one
    return CasePlan.of(job)


def network_in(plan: CasePlan, file: Path, dtype: torch.dtype = torch.float32) -> nn.Module:
    """Return a case's network in evaluation mode, with the weights of a file, in one format."""
    module, _ = build(plan.network, image_size=plan.profile.image_size, pretraining=Pretraining.NO)
    model = replace(plan.setup, recomputing=False).prepare(module).to(dtype)
    load_trained(model, file)
    return model.eval()


def load(folder: Path, file: Path, *, runtime: Runtime, threads: int) -> Answer:
    """Return what answers uint8 images (N, 1, H, W) by logits (N,), on so many threads."""
    torch.set_num_threads(threads)
    model, half = network_in(plan_in(folder), file), runtime is Runtime.TORCH_BF16
    if half:
        model = model.to(torch.bfloat16, memory_format=torch.channels_last)  # type: ignore[call-overload] # torch's stubs lack it

    def answer(images: np.ndarray) -> np.ndarray:
        scaled = torch.from_numpy(np.array(images)).float().div_(255)
        if half:
            scaled = scaled.to(torch.bfloat16, memory_format=torch.channels_last)
        with torch.inference_mode():
            logits: torch.Tensor = model(scaled)
        return logits[:, 0].double().numpy()

    return answer
