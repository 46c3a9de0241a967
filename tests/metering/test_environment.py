"""What the environment tells, and what it must not tell."""

import getpass
import re
import shutil
import socket
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from redl.metering.environment import describe_environment, fingerprint, git_commit
from redl.record import FastPath, Flags
from redl.study.profile import PAPER, SMOKE, Pretraining
from tests.helpers.changes import replace

CPU = torch.device("cpu")
FLAGS = Flags(tf32=False, cudnn_benchmark=False, deterministic=True)
GIT = shutil.which("git")
needs_git = pytest.mark.skipif(GIT is None, reason="git is not installed")


FAST_PATH = FastPath(resident=True, channels_last=False, fused=False)


def described(device=CPU, *, flags=FLAGS, fast_path=FAST_PATH, profile=SMOKE, data_fingerprint="d"):
    return describe_environment(
        device, flags=flags, fast_path=fast_path, profile=profile, data_fingerprint=data_fingerprint
    )


@pytest.fixture(scope="module")
def environment():
    return described()


@pytest.mark.parametrize("secret", [socket.gethostname(), getpass.getuser()])
def test_no_value_names_the_machine_or_its_user(environment, secret):
    words = {word for value in environment.values() for word in re.findall(r"[\w.-]+", str(value))}
    assert secret not in words


def test_no_value_holds_a_path(environment):
    paths = rf"{re.escape(str(Path.home()))}|\B/\w+/"
    assert [] == [key for key, value in environment.items() if re.search(paths, str(value))]


@pytest.mark.parametrize(
    "key",
    [
        "fingerprint",
        "cpu",
        "logical_cores",
        "usable_cores",
        "memory_bytes",
        "python",
        "torch",
        "numpy",
        "carbontracker",
    ],
)
def test_what_every_machine_has_is_reported(environment, key):
    assert environment[key]


@pytest.mark.parametrize("key", ["gpu", "gpu_memory_bytes", "driver", "cuda", "cudnn"])
def test_a_run_on_the_cpu_names_no_gpu(environment, key):
    assert environment[key] is None


def test_values_are_plain(environment):
    assert {type(value) for value in environment.values()} <= {str, int, bool, type(None)}


def test_the_fingerprint_repeats(environment):
    assert environment["fingerprint"] == described()["fingerprint"]


def test_another_torch_changes_the_fingerprint(environment, monkeypatch):
    monkeypatch.setattr(torch, "__version__", "0.0.1")
    assert described()["fingerprint"] != environment["fingerprint"]


def test_a_gpu_is_described_and_changes_the_fingerprint(environment, monkeypatch):
    card = SimpleNamespace(name="A card", total_memory=8)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: card)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *, including_emulation: including_emulation)
    on_gpu = described(torch.device("cuda"))
    assert ("A card", 8, "emulated") == tuple(
        on_gpu[key] for key in ("gpu", "gpu_memory_bytes", "bfloat16_kernels")
    )
    assert on_gpu["fingerprint"] != environment["fingerprint"]


@pytest.mark.parametrize("key", ["git_commit", "memory_bytes"])
def test_what_does_not_decide_a_comparison_leaves_the_fingerprint(environment, key):
    assert fingerprint(environment) == fingerprint({**environment, key: "changed"})


@pytest.mark.parametrize("key", ["cpu", "driver", "torch_threads", "bfloat16_kernels"])
def test_what_decides_a_comparison_changes_the_fingerprint(environment, key):
    assert fingerprint({**environment, key: "changed"}) != fingerprint(environment)


@pytest.mark.parametrize(
    "chosen",
    [
        {"flags": replace(FLAGS, tf32=True)},
        {"flags": replace(FLAGS, cudnn_benchmark=True)},
        {"flags": replace(FLAGS, deterministic=False)},
        {"profile": PAPER},
        {"profile": replace(SMOKE, batch_size=8)},
        {"profile": replace(SMOKE, pretraining=Pretraining.TRY)},
        {"data_fingerprint": "other"},
        {"fast_path": replace(FAST_PATH, fused=True)},
        {"fast_path": replace(FAST_PATH, channels_last=True)},
        {"fast_path": replace(FAST_PATH, resident=False)},
    ],
    ids=str,
)
def test_what_was_chosen_for_a_run_changes_the_fingerprint(environment, chosen):
    assert described(**chosen)["fingerprint"] != environment["fingerprint"]


def test_how_a_profile_judges_does_not_decide_a_comparison(environment):
    judged = described(profile=replace(SMOKE, min_above_majority=0.5, tolerance=0.5))
    assert environment["fingerprint"] == judged["fingerprint"]


@pytest.fixture
def checkout(tmp_path):
    """Return a checkout with one committed file, and its commit."""
    (tmp_path / "file").write_text("first")
    identity = ["-c", "user.name=N", "-c", "user.email=n@example.org", "-c", "commit.gpgsign=false"]
    for command in (
        ["init", "-q"],
        ["add", "file"],
        [*identity, "commit", "-qm", "First"],
        [*identity, "tag", "-am", "One", "v1"],
    ):
        subprocess.run([GIT, *command], cwd=tmp_path, check=True, capture_output=True)
    head = subprocess.run(
        [GIT, "rev-parse", "HEAD"], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    return tmp_path, head.stdout.strip()


@needs_git
def test_a_clean_checkout_gives_its_commit(checkout):
    folder, head = checkout
    assert head == git_commit(folder)


@needs_git
def test_a_changed_checkout_says_so(checkout):
    folder, head = checkout
    (folder / "file").write_text("second")
    assert f"{head}+dirty" == git_commit(folder)


@needs_git
def test_a_folder_inside_somebody_elses_checkout_gives_none(checkout):
    folder, _ = checkout
    inner = folder / "site-packages"
    inner.mkdir()
    assert git_commit(inner) is None


def test_a_folder_that_git_cannot_read_gives_none(tmp_path):
    Path(tmp_path / ".git").write_text("broken")
    assert git_commit(tmp_path) is None
