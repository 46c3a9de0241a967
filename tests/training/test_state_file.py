"""State files: what comes back is what was written, to the last bit and stride, and nothing is executed."""

import pickle
import resource
import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save_file

from redl.training.state_file import UnreadableError, UnsavableError, read_state, write_state

PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
KEYS = st.integers() | st.text(max_size=5)
VALUES = st.recursive(
    PLAIN,
    lambda parts: (
        st.lists(parts, max_size=3)
        | st.dictionaries(KEYS, parts, max_size=3)
        | st.tuples(parts)
        | st.builds(tuple)
    ),
    max_leaves=10,
)


def round_trip(folder, state):
    write_state(folder / "a.safetensors", state)
    return read_state(folder / "a.safetensors")


@given(VALUES)
def test_plain_values_come_back_with_their_types(tmp_path_factory, value):
    found = round_trip(tmp_path_factory.mktemp("state"), {"value": value})["value"]
    assert repr(value) == repr(found)


def test_a_nan_comes_back(tmp_path):
    (found,) = round_trip(tmp_path, {"losses": [float("nan")]})["losses"]
    assert found != found


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float16, torch.bfloat16, torch.uint8, torch.int64, torch.bool]
)
@pytest.mark.parametrize("shape", [(), (0,), (5,), (2, 1, 3, 1)], ids=str)
def test_tensors_come_back_in_every_format_and_shape(tmp_path, dtype, shape):
    tensor = torch.randint(0, 2, shape).to(dtype)
    found = round_trip(tmp_path, {"tensor": tensor})["tensor"]
    assert (dtype, shape) == (found.dtype, tuple(found.shape))
    assert torch.equal(tensor, found)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.randn(4, 3, 5, 5).to(memory_format=torch.channels_last),
        torch.randn(4, 3, 1, 1).to(memory_format=torch.channels_last),
        torch.randn(6, 4).t(),
    ],
    ids=["channels last", "channels last, one pixel", "transposed"],
)
def test_tensors_keep_their_strides(tmp_path, tensor):
    found = round_trip(tmp_path, {"tensor": tensor})["tensor"]
    assert tensor.stride() == found.stride()
    assert torch.equal(tensor, found)


def test_tensors_with_gaps_come_back_without_them(tmp_path):
    tensor = torch.arange(12.0).view(3, 4)[:, ::2]
    assert torch.equal(tensor, round_trip(tmp_path, {"tensor": tensor})["tensor"])


def test_a_tensor_that_occurs_twice_is_written_once_and_is_one_again(tmp_path):
    tensor = torch.randn(1000)
    found = round_trip(tmp_path, {"one": tensor, "other": [tensor]})
    assert found["one"] is not None
    assert found["one"].data_ptr() == found["other"][0].data_ptr()
    assert 4000 < (tmp_path / "a.safetensors").stat().st_size < 5000


def test_parts_of_one_tensor_come_back_apart(tmp_path):
    whole = torch.randn(10)
    found = round_trip(tmp_path, {"start": whole[:5], "end": whole[3:]})
    assert torch.equal(whole[:5], found["start"])
    assert torch.equal(whole[3:], found["end"])


def test_other_programs_can_read_the_tensors(tmp_path):
    write_state(tmp_path / "a.safetensors", {"weight": torch.ones(2)})
    with safe_open(tmp_path / "a.safetensors", framework="np") as file:
        assert [[1.0, 1.0]] == [file.get_tensor(name).tolist() for name in file.keys()]  # noqa: SIM118


def test_what_no_file_can_hold_is_refused(tmp_path):
    with pytest.raises(UnsavableError, match="a value of the type function cannot be kept"):
        write_state(tmp_path / "a.safetensors", {"schedule": lambda epoch: epoch})
    assert [] == list(tmp_path.iterdir())


def test_a_folder_that_is_gone_is_reported(tmp_path):
    with pytest.raises(UnsavableError, match=r"[Nn]o such file"):
        write_state(tmp_path / "gone" / "a.safetensors", {"weight": torch.ones(2)})


FULL = """
import resource, signal, sys, torch
from redl.training.state_file import UnsavableError, write_state
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write_state(Path(sys.argv[1]), {"weight": torch.ones(100_000)})
except UnsavableError as error:
    print("refused:", error)
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="a limit of file sizes is needed")
def test_a_file_that_does_not_fit_is_reported(tmp_path):
    command = [sys.executable, "-c", FULL, str(tmp_path / "a.safetensors")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.startswith("refused: ")
    assert "too large" in printed.lower()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.99])
def test_a_cut_file_is_refused(tmp_path, share):
    path = tmp_path / "a.safetensors"
    write_state(path, {"weight": torch.randn(100), "epoch": 3})
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(UnreadableError, match="no state of a training"):
        read_state(path)


class Canary:
    """Leave a file where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_a_pickle_is_refused_and_never_run(tmp_path):
    path, sung = tmp_path / "a.safetensors", tmp_path / "sung"
    path.write_bytes(pickle.dumps(Canary(str(sung))))
    with pytest.raises(UnreadableError, match="no state of a training"):
        read_state(path)
    assert not sung.exists()


@pytest.mark.parametrize(
    "header",
    [
        None,
        {"other": "{}"},
        {"redl": "no JSON"},
        {"redl": '{"tensor": ["gone", [], []]}'},
        {"redl": '{"strange": 1}'},
        {"redl": "[1]"},
        {"redl": "[" * 100_000},
        {"redl": '{"dict": [[{"list": []}, 1]]}'},
        {"redl": '{"tensor": ["a", [7], [1]]}'},
        {"redl": '{"tensor": ["a", [2], [-1]]}'},
        {"redl": '{"tensor": ["a", ["b"], [1]]}'},
    ],
    ids=str,
)
def test_a_file_without_a_state_is_refused(tmp_path, header):
    save_file({"a": torch.ones(2)}, tmp_path / "a.safetensors", header)
    with pytest.raises(UnreadableError, match="no state of a training"):
        read_state(tmp_path / "a.safetensors")
