"""NVML of a machine with two GPUs, for processes of a test; the rest is the real library's."""

import importlib.machinery
import importlib.util
import sys
from pathlib import Path

_HERE = Path(__file__).parent
_elsewhere = [entry for entry in sys.path if Path(entry or ".").resolve() != _HERE]
_spec = importlib.machinery.PathFinder.find_spec("pynvml", _elsewhere)
_real = importlib.util.module_from_spec(_spec)
_own, sys.modules["pynvml"] = sys.modules["pynvml"], _real  # where it looks for itself
_spec.loader.exec_module(_real)
sys.modules["pynvml"] = _own
globals().update({name: value for name, value in vars(_real).items() if not name.startswith("__")})

UUIDS = ("GPU-11111111-0000", "GPU-22222222-0000")


def nvmlInit():  # noqa: N802 - NVML's own name
    """Begin."""


def nvmlShutdown():  # noqa: N802 - NVML's own name
    """End."""


def nvmlDeviceGetCount():  # noqa: N802 - NVML's own name
    """Return how many GPUs there are."""
    return len(UUIDS)


def nvmlDeviceGetHandleByIndex(index):  # noqa: N802 - NVML's own name
    """Return a GPU, which is its UUID."""
    return UUIDS[index]


def nvmlDeviceGetHandleByUUID(uuid):  # noqa: N802 - NVML's own name
    """Return the GPU of a UUID."""
    if uuid not in UUIDS:
        raise _real.NVMLError_NotFound
    return uuid


def nvmlDeviceGetUUID(handle):  # noqa: N802 - NVML's own name
    """Return the UUID of a GPU."""
    return handle


def nvmlDeviceGetName(_):  # noqa: N802 - NVML's own name
    """Return the name of a GPU."""
    return "Test GPU"


def nvmlDeviceGetMigMode(_):  # noqa: N802 - NVML's own name
    """Say that a GPU is whole."""
    return 0, 0


def nvmlDeviceGetCudaComputeCapability(_):  # noqa: N802 - NVML's own name
    """Return the capability of a GPU with bfloat16 instructions."""
    return 8, 0
