"""Instructions of a processor that a number format needs to be fast, and to be exact."""

from __future__ import annotations

import re
from pathlib import Path

from redl.deployment.runtime import Runtime

_CPUINFO = Path("/proc/cpuinfo")

# As Linux names them: of x86, then of Arm.
_BFLOAT16 = {"avx512_bf16", "amx_bf16", "avx_ne_convert", "bf16"}
_INT8 = {"avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm"}


def lacking_instructions(runtime: Runtime) -> str | None:
    """Return what a runtime suffers from if this processor lacks its instructions; None otherwise.

    Also None where the system does not list the instructions.
    """
    there = _instructions()
    match runtime:
        case Runtime.TORCH_BF16 if there and not there & _BFLOAT16:
            return (
                "process: this CPU has no bfloat16 instructions, so its time says nothing about one that has"
            )
        case Runtime.ONNX_INT8 | Runtime.ONNX_DYNAMIC if there and not there & _INT8:
            return (
                "answers: this CPU has no instructions for 8-bit products (VNNI), without which sums "
                "can saturate; answers on one that has them may differ"
            )
    return None


def _instructions() -> set[str]:
    try:
        found = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", _CPUINFO.read_text(), re.MULTILINE)
    except OSError:
        return set()
    return set(found[1].split()) if found else set()
