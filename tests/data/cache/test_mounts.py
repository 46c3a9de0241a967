"""Caches and temporary folders on file systems of their own: read-only, full, or another one."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PREPARE = (sys.executable, "-m", "redl", "data", "prepare", "--dataset=rsna", "--profile=tiny")
UNSHARE = shutil.which("unshare") or ""
TRIAL = (UNSHARE, "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt")
CAN_MOUNT = UNSHARE and 0 == subprocess.run(TRIAL, capture_output=True, check=False).returncode

pytestmark = [
    pytest.mark.slow,  # starts redl several times
    pytest.mark.skipif(not CAN_MOUNT, reason="mounting needs root and Linux"),
]


def prepare(cache, *before, mounts="true"):
    """Prepare the phantom after some mounts that only this process sees."""
    words = " ".join((*before, *PREPARE, f"--cache={cache}"))
    return subprocess.run(
        [UNSHARE, "-m", "sh", "-c", f"{mounts} && exec env {words}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def untimed(found):
    return [line for line in found.stdout.splitlines() if not line.strip().startswith("seconds")]


def test_a_whole_cache_that_cannot_be_written_is_used(tmp_path):
    first = prepare(tmp_path)
    assert 0 == first.returncode, first.stderr
    read_only = f"mount --bind {tmp_path} {tmp_path} && mount -o remount,ro,bind {tmp_path}"
    second = prepare(tmp_path, mounts=f"{read_only} && ! touch {tmp_path}/x 2>/dev/null")
    assert (0, untimed(first)) == (second.returncode, untimed(second)), second.stderr


def test_an_empty_cache_that_cannot_be_written_is_refused_in_one_line(tmp_path):
    read_only = f"mount --bind {tmp_path} {tmp_path} && mount -o remount,ro,bind {tmp_path}"
    found = prepare(tmp_path, mounts=read_only)
    assert 2 == found.returncode
    assert "Traceback" not in found.stderr
    assert "Read-only file system" in found.stderr.splitlines()[-1]


def test_a_full_shared_memory_is_named(tmp_path):
    full = "mount -t tmpfs -o size=4k tmpfs /dev/shm && head -c 4096 /dev/zero > /dev/shm/full"
    found = prepare(tmp_path, mounts=full)
    assert 2 == found.returncode
    assert "Traceback" not in found.stderr
    last = found.stderr.splitlines()[-1]
    assert ("shm" in last, str(tmp_path) in last) == (True, False), last


def test_a_temporary_folder_on_another_file_system_is_no_hindrance(tmp_path):
    (elsewhere := tmp_path / "tmp").mkdir()
    cache = tmp_path / "cache"
    mounts = f"mount -t tmpfs -o size=64m tmpfs {elsewhere}"
    found = prepare(cache, f"TMPDIR={elsewhere}", mounts=mounts)
    assert 0 == found.returncode, found.stderr
    assert [] == [path for path in Path(cache).iterdir() if path.name[0] == "." or path.suffix == ".draft"]
