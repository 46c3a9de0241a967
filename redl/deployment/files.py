"""The files of a trained case by which the runtimes run it, all in one folder."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from redl.deployment.runtime import Runtime
from redl.record.deployment import ServedFile


@dataclass(frozen=True, kw_only=True, slots=True)
class Files:
    """Files in the folder of a case; `weights` are as trained, and lie there first.

    What is of patients, or of this machine, lies in a folder below it, `work`, which is not to be kept.
    """

    folder: Path

    @property
    def weights(self) -> Path:
        """Return the trained weights, which are called after their network."""
        (found,) = (one for one in self.folder.glob("*.safetensors") if one != self.half)
        return found

    @property
    def half(self) -> Path:
        """Return the weights in bfloat16."""
        return self.folder / "model-bf16.safetensors"

    @property
    def onnx(self) -> Path:
        """Return the network in float32 for ONNX Runtime."""
        return self.folder / "model.onnx"

    @property
    def work(self) -> Path:
        """Return the folder of images and answers, and of what processes hand to each other."""
        return self.folder / "work"

    @property
    def job(self) -> Path:
        """Return the job of the case."""
        return self.work / "job.pickle"

    @property
    def images(self) -> Path:
        """Return the test images, uint8 (N, 1, H, W)."""
        return self.work / "images.npy"

    @property
    def calibration(self) -> Path:
        """Return the training images that set ranges, uint8 (M, 1, H, W)."""
        return self.work / "calibration.npy"

    @property
    def reference(self) -> Path:
        """Return torch's float32 logits of the test images, float64 (N,)."""
        return self.work / "reference.npy"

    def clear(self) -> None:
        """Remove what an earlier training has left, so that none of it is taken for this one's."""
        for old in (*self.folder.glob("*.safetensors"), *self.folder.glob("*.onnx")):
            old.unlink()
        shutil.rmtree(self.work, ignore_errors=True)

    def of(self, runtime: Runtime) -> Path:
        """Return the file that a runtime loads."""
        match runtime:
            case Runtime.TORCH:
                return self.weights
            case Runtime.TORCH_BF16:
                return self.half
            case Runtime.ONNX:
                return self.onnx
            case Runtime.ONNX_INT8 | Runtime.ONNX_DYNAMIC:
                return self.folder / f"model-{runtime.removeprefix('onnx-')}.onnx"


def described(file: Path) -> ServedFile:
    """Return the size and checksum of a file."""
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return ServedFile(name=file.name, bytes=file.stat().st_size, sha256=digest)


@contextmanager
def exporting(folder: Path, *, kept: bool) -> Iterator[Path]:
    """Yield a folder for the files of a case, from which those of an earlier run are deleted.

    At the end all of them are deleted, or, if they are `kept`, only those of patients and of this machine.
    """
    Files(folder=folder).clear()
    try:
        yield folder
    finally:
        shutil.rmtree(Files(folder=folder).work if kept else folder, ignore_errors=True)
