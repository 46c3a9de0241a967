"""Runtimes: what a trained network is run by, and on how many threads."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from redl.errors import OptionError
from redl.metering.machine import package_version
from redl.study.case import TRANSFORMERS, Case

PACKAGES = ("onnxruntime", "onnx", "onnxscript")  # of the extra `redl[deploy]`


class Runtime(StrEnum):
    """What runs a trained network.

    TORCH computes in float32, TORCH_BF16 in bfloat16 with channels last. ONNX computes in float32 by ONNX
    Runtime; ONNX_INT8 multiplies 8-bit integers, whose ranges training images have set, ONNX_DYNAMIC such
    whose ranges are found anew for each image.
    """

    TORCH = "torch"
    TORCH_BF16 = "torch-bf16"
    ONNX = "onnx"
    ONNX_INT8 = "onnx-int8"
    ONNX_DYNAMIC = "onnx-int8-dynamic"

    @property
    def needs_torch(self) -> bool:
        """Return whether its process imports torch."""
        return self in (Runtime.TORCH, Runtime.TORCH_BF16)


@dataclass(frozen=True, kw_only=True, slots=True)
class Serving:
    """A runtime with a number of threads, which its name says where there are `several`."""

    runtime: Runtime
    threads: int = 1
    several: bool = False

    @property
    def name(self) -> str:
        """Return the end of a test's id, e.g. `onnx-int8` or `onnx-int8-threads2`."""
        return f"{self.runtime}-threads{self.threads}" if self.several else str(self.runtime)


def servings(model: str, threads: tuple[int, ...]) -> list[Serving]:
    """Return what a model is run by; dynamic ranges are for transformers, which have few convolutions."""
    runtimes = [one for one in Runtime if one is not Runtime.ONNX_DYNAMIC or model in TRANSFORMERS]
    return [
        Serving(runtime=runtime, threads=number, several=len(threads) > 1)
        for number in threads
        for runtime in runtimes
    ]


def with_servings(
    cases: Iterable[Case], settings: Collection[str], threads: tuple[int, ...]
) -> list[tuple[Case, Serving]]:
    """Return the cases of some settings, each with all that its network is run by."""
    return [
        (case, serving)
        for case in cases
        if case.setting in settings
        for serving in servings(case.model, threads)
    ]


def missing_packages() -> list[str]:
    """Return the packages of `redl[deploy]` that are not installed."""
    return [name for name in PACKAGES if package_version(name) is None]


def check_installed(runtime: Runtime) -> None:
    """Raise OptionError, which says what to install, if a package that a runtime needs is not there."""
    if (missing := missing_packages()) and not runtime.needs_torch:
        raise OptionError(f"{runtime}: {', '.join(missing)} not installed; run pip install 'redl[deploy]'")
