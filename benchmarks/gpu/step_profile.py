"""Where a training step of DenseNet-121 spends its time: in kernels, or waiting for them to be launched.

`python -m benchmarks.gpu.step_profile` prints, for float32 and AMP, each memory format, and cuDNN's
deterministic and fastest kernels, the time of a step, the time until all of it was queued, and what the
kernels took by themselves. It needs a GPU.
"""

from __future__ import annotations

import sys
import time
from itertools import product

import timm
import torch
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.profiler import ProfilerActivity, profile

from redl.execution.approach import set_flags

BATCH, SIZE, STEPS, WARM_UP = 32, 256, 6, 3


def main() -> None:
    """Print a line for each way."""
    set_flags()
    layouts = (torch.channels_last, torch.contiguous_format)
    for amp, layout, deterministic in product((False, True), layouts, (True, False)):
        torch.backends.cudnn.deterministic = deterministic
        torch.backends.cudnn.benchmark = not deterministic
        words = f"{'amp' if amp else 'float32'} {layout} {'deterministic' if deterministic else 'fastest'}"
        sys.stdout.write(f"{words}: {_profiled(amp, layout)}\n")


def _profiled(amp: bool, layout: torch.memory_format) -> str:
    device = torch.device("cuda")
    torch.manual_seed(0)
    model = timm.create_model("densenet121", in_chans=1, num_classes=1).to(device, memory_format=layout)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)
    scaler = torch.amp.GradScaler("cuda", enabled=amp)
    images = torch.rand(BATCH, 1, SIZE, SIZE, device=device).to(memory_format=layout)
    labels = (torch.arange(BATCH, device=device) % 2).float().unsqueeze(1)

    def step() -> None:
        optimizer.zero_grad()
        with torch.autocast("cuda", torch.float16, enabled=amp):
            logits = model(images)
        loss = binary_cross_entropy_with_logits(logits.float(), labels)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()

    for _ in range(WARM_UP):
        step()
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(STEPS):
        step()
    queued_s = time.perf_counter() - began
    torch.cuda.synchronize()
    whole_s = time.perf_counter() - began
    with profile(activities=[ProfilerActivity.CUDA]) as found:
        step()
        torch.cuda.synchronize()
    kernels = [each for each in found.events() if each.device_type == torch.autograd.DeviceType.CUDA]
    kernels_ms = sum(each.device_time_total for each in kernels) / 1000
    return (
        f"{1000 * whole_s / STEPS:.1f} ms a step, queued after {1000 * queued_s / STEPS:.1f}; "
        f"{len(kernels)} kernels take {kernels_ms:.1f} ms"
    )


if __name__ == "__main__":
    main()
