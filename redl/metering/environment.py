"""The machine and the software a case ran on, without naming the machine or its user."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path

import msgspec
import torch

from redl.metering.machine import machine, package_version
from redl.record import INCIDENTAL, Environment, FastPath, Flags
from redl.study.profile import JUDGING, Profile

_PACKAGES = ("timm", "bitsandbytes", "carbontracker", "pydicom", "numpy")


def describe_environment(
    device: torch.device, *, flags: Flags, fast_path: FastPath, profile: Profile, data_fingerprint: str
) -> Environment:
    """Describe the machine, its software and `device`, without any host name, user name or path.

    `fingerprint` is equal for two runs whose figures may be compared. The numerical flags, the profile and
    the data are part of it, although they stand elsewhere in the record.
    """
    entries: Environment = {
        **machine(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        **_gpu(device),
        "torch": str(torch.__version__),  # includes the build, e.g. +cpu
        **{package: package_version(package) for package in _PACKAGES},
        "device": device.type,
        "torch_threads": torch.get_num_threads(),
        "bfloat16_kernels": _bfloat16_kernels(device),
        "git_commit": git_commit(Path(__file__).parents[2]),
    }
    chosen: Environment = {
        "tf32": flags.tf32,
        "cudnn_benchmark": flags.cudnn_benchmark,
        "deterministic": flags.deterministic,
        **msgspec.structs.asdict(fast_path),
        "data": data_fingerprint,
        # By its sizes rather than its name, because options may have changed one.
        **{f"profile.{name}": str(size) for name, size in asdict(profile).items() if name not in JUDGING},
    }
    return {"fingerprint": fingerprint(entries | chosen), **entries}


def fingerprint(entries: Environment) -> str:
    """Return 16 hexadecimal digits, a hash of all entries on which measured figures depend."""
    compared = {key: value for key, value in entries.items() if key not in INCIDENTAL}
    return hashlib.sha256(json.dumps(compared, sort_keys=True).encode()).hexdigest()[:16]


def git_commit(checkout: Path) -> str | None:
    """Return the checkout's commit, with `+dirty` if a tracked file was changed; None without a checkout."""
    git = shutil.which("git")
    # An installed package may lie inside somebody else's checkout, whose commit would be misleading.
    if git is None or not (checkout / ".git").exists():
        return None
    command = [git, "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty=+dirty"]
    try:
        done = subprocess.run(  # noqa: S603 - fixed words
            command, cwd=checkout, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def _gpu(device: torch.device) -> Environment:
    if device.type != "cuda":
        return dict.fromkeys(("gpu", "gpu_memory_bytes", "driver", "cuda", "cudnn"))
    card = torch.cuda.get_device_properties(device)
    return {
        "gpu": card.name,
        "gpu_memory_bytes": card.total_memory,
        "driver": _driver(),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
    }


def _driver() -> str | None:
    try:
        text = Path("/proc/driver/nvidia/version").read_text()
    except OSError:
        return None
    found = re.search(r"\b\d{3}\.\d+(?:\.\d+)?\b", text)
    return found[0] if found else None


def _bfloat16_kernels(device: torch.device) -> str:
    """Return whether the device computes in bfloat16 or converts to float32 and back, which is slower."""
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001 - torch has no public one
    return "native" if native else "emulated"
