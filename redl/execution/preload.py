"""What the fork server imports once for all cases; none of it may touch CUDA."""

import gc
import os

# Makes torch ask the driver library for GPUs: its other way makes a CUDA context, which no fork survives.
os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")

import torch

import redl.execution.run  # noqa: F401
from redl.metering.carbontracker.session import import_carbontracker
from redl.training.optimizers import import_library

# With a GPU its import makes a CUDA context, so each child imports it itself.
import_library(eight_bit=not torch.cuda.is_available())
import_carbontracker()

# A child collects garbage before each phase of memory, which would take 0.3 s more with these libraries.
gc.collect()
gc.freeze()
