"""What the forkserver imports once for all cases, none of which may touch CUDA."""

import os

# Asks the driver library whether there is a GPU: a plain look makes a CUDA context, which no fork survives.
os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")

import torch

import redl.execution.run  # noqa: F401

if not torch.cuda.is_available():
    import bitsandbytes  # noqa: F401 - with a GPU its import makes a CUDA context, so each child does its own
