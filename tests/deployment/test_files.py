"""Files of a trained case: which a runtime loads, and what is said of it."""

import hashlib

import pytest

from redl.deployment.files import Files, described
from redl.deployment.runtime import Runtime


@pytest.fixture
def files(tmp_path):
    for name in ("densenet121.safetensors", "model-bf16.safetensors"):
        (tmp_path / name).write_bytes(name.encode())
    return Files(folder=tmp_path)


@pytest.mark.parametrize(
    ("runtime", "name"),
    [
        (Runtime.TORCH, "densenet121.safetensors"),
        (Runtime.TORCH_BF16, "model-bf16.safetensors"),
        (Runtime.ONNX, "model.onnx"),
        (Runtime.ONNX_INT8, "model-int8.onnx"),
        (Runtime.ONNX_DYNAMIC, "model-int8-dynamic.onnx"),
    ],
)
def test_each_runtime_has_its_file(runtime, name, files):
    assert files.folder / name == files.of(runtime)


def test_what_is_of_patients_or_of_this_machine_lies_apart(files):
    apart = {files.images, files.calibration, files.reference, files.job}
    assert {files.work} == {path.parent for path in apart}
    assert files.work.parent == files.folder
    assert files.work not in {files.of(runtime).parent for runtime in Runtime}


def test_nothing_of_an_earlier_training_is_left(files):
    for runtime in Runtime:
        files.of(runtime).touch()
    files.work.mkdir()
    files.images.touch()
    (files.folder / "notes.txt").touch()
    files.clear()
    assert ["notes.txt"] == [path.name for path in files.folder.iterdir()]


def test_a_file_is_described_by_size_and_checksum(files):
    found, content = described(files.half), b"model-bf16.safetensors"
    assert ("model-bf16.safetensors", len(content)) == (found.name, found.bytes)
    assert hashlib.sha256(content).hexdigest() == found.sha256
