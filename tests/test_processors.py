"""The processors that a process may use, by affinity and by fake control groups."""

import os

import pytest

from redl import processors
from redl.processors import usable_processors

AFFINITY = 6


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """Return a function that writes the control groups of this process, which may use six processors."""
    monkeypatch.setattr(processors, "_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(processors, "_OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(AFFINITY)), raising=False)

    def write(own, files):
        (tmp_path / "own").write_text(own)
        for name, text in files.items():
            path = tmp_path / "groups" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n")

    return write


@pytest.mark.parametrize(
    ("cpu_max", "expected"),
    [
        ("50000 100000", 1),
        ("100000 100000", 1),
        ("250000 100000", 3),
        ("800000 100000", AFFINITY),
        ("max 100000", AFFINITY),
        ("", AFFINITY),
        ("0 0", AFFINITY),
        ("many", AFFINITY),
    ],
)
def test_a_quota_of_version_2_is_rounded_up(groups, cpu_max, expected):
    groups("0::/\n", {"cpu.max": cpu_max})
    assert expected == usable_processors()


@pytest.mark.parametrize(("quota", "expected"), [("50000", 1), ("150000", 2), ("-1", AFFINITY)])
@pytest.mark.parametrize("controllers", ["cpu,cpuacct", "cpu"])
def test_a_quota_of_version_1_is_rounded_up(groups, controllers, quota, expected):
    files = {f"{controllers}/cpu.cfs_quota_us": quota, f"{controllers}/cpu.cfs_period_us": "100000"}
    groups(f"9:memory:/box\n4:{controllers}:/\n", files)
    assert expected == usable_processors()


@pytest.mark.parametrize("folder", ["", "machine/", "machine/box/"])
def test_the_quota_of_every_group_around_the_process_counts(groups, folder):
    groups("0::/machine/box\n", {"machine/box/cpu.max": "max 100000", f"{folder}cpu.max": "200000 100000"})
    assert 2 == usable_processors()


def test_the_group_of_another_process_does_not_count(groups):
    groups("0::/machine/box\n", {"machine/other/cpu.max": "100000 100000"})
    assert AFFINITY == usable_processors()


def test_a_container_that_shows_the_path_of_its_host_has_its_quota_at_the_top(groups):
    groups(
        "4:cpu,cpuacct:/docker/0123\n",
        {"cpu,cpuacct/cpu.cfs_quota_us": "200000", "cpu,cpuacct/cpu.cfs_period_us": "100000"},
    )
    assert 2 == usable_processors()


def test_a_system_without_control_groups_has_only_affinity(groups):
    assert AFFINITY == usable_processors()


@pytest.mark.parametrize(("counted", "expected"), [(8, 8), (None, 1)])
def test_a_system_without_affinity_counts_its_processors(groups, monkeypatch, counted, expected):
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: counted)
    assert expected == usable_processors()


def test_this_machine_has_at_least_one():
    assert 1 <= usable_processors() <= os.cpu_count()
