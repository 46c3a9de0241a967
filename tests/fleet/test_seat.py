import os
import subprocess
import sys

import pytest

from redl.errors import OptionError
from redl.fleet import seat
from redl.fleet.seat import (
    Seat,
    SeatError,
    check_seat,
    count_of,
    device_words,
    environment_on,
    overlap,
    own_seat,
    seated,
    seats,
)
from redl.metering.energy import SensorError
from redl.metering.gpus import Gpu

GPUS = tuple(Gpu(uuid=f"GPU-{letter}", name="A100") for letter in "abcd")


@pytest.fixture
def machine(monkeypatch):
    """Return a function that sets processors, the threads of each core, GPUs, memory and a quota."""

    def has(*, processors=8, siblings=lambda number: {number}, gpus=(), gigabytes=64, usable=None):
        own = tuple(range(processors))
        monkeypatch.setattr(seat, "own_processors", lambda: own)
        monkeypatch.setattr(seat, "_siblings", siblings)
        monkeypatch.setattr(seat, "visible_gpus", lambda: gpus)
        monkeypatch.setattr(seat, "usable_processors", lambda: processors if usable is None else usable)
        pages = {"SC_PAGE_SIZE": 1, "SC_PHYS_PAGES": gigabytes * 2**30}
        monkeypatch.setattr(os, "sysconf", pages.__getitem__)

    return has


def processors_of(found):
    return [one.processors for one in found]


def test_processors_are_divided_into_equal_sets_that_have_none_in_common(machine):
    machine(processors=8)
    assert [(0, 1), (2, 3), (4, 5), (6, 7)] == processors_of(seats(4, share=False))


def test_what_cannot_be_divided_equally_is_left_idle(machine):
    machine(processors=8)
    assert [(0, 1), (2, 3), (4, 5)] == processors_of(seats(3, share=False))


def test_both_threads_of_a_core_go_to_one_worker(machine):
    machine(processors=8, siblings=lambda number: {number % 4, number % 4 + 4})
    assert [(0, 1, 4, 5), (2, 3, 6, 7)] == processors_of(seats(2, share=False))


def test_threads_of_a_core_that_this_process_may_not_use_are_not_given(machine):
    machine(processors=4, siblings=lambda number: {number, number + 4})
    assert [(0, 1), (2, 3)] == processors_of(seats(2, share=False))


def test_a_worker_for_each_thread_of_a_core_is_refused(machine):
    machine(processors=8, siblings=lambda number: {number % 4, number % 4 + 4})
    with pytest.raises(OptionError, match="5: 4 usable cores have room for 4"):
        seats(5, share=False)


def test_a_quota_of_processor_time_bounds_the_workers(machine):
    machine(processors=8, usable=2)
    with pytest.raises(OptionError, match="3: 2 usable cores have room for 2"):
        seats(3, share=False)


def test_no_more_processors_are_given_than_a_quota_keeps_busy(machine):
    machine(processors=8, usable=4)
    assert [(0, 1), (2, 3)] == processors_of(seats(2, share=False))


def test_a_quota_below_one_core_leaves_one(machine):
    machine(processors=8, siblings=lambda number: {number % 4, number % 4 + 4}, usable=1)
    assert [(0, 4)] == processors_of(seats("auto", share=False))


def test_workers_that_share_take_turns_of_what_there_is(machine):
    machine(processors=2)
    assert [(0,), (1,), (0,)] == processors_of(seats(3, share=True))


def test_each_worker_has_a_gpu_of_its_own(machine):
    machine(processors=8, gpus=GPUS)
    assert ["GPU-a", "GPU-b", "GPU-c", "GPU-d"] == [one.gpu for one in seats("auto", share=False)]


def test_more_workers_than_gpus_are_refused(machine):
    machine(processors=8, gpus=GPUS[:2])
    with pytest.raises(OptionError, match="3: 2 GPUs and 8 usable cores have room for 2"):
        seats(3, share=False)


def test_workers_of_more_gpus_than_cores_would_share_a_core(machine):
    machine(processors=4, siblings=lambda number: {number % 2, number % 2 + 2}, gpus=GPUS)
    assert [(0, 2), (1, 3)] == processors_of(seats("auto", share=False))


def test_a_gpu_in_slices_has_one_worker(machine):
    machine(gpus=(Gpu(uuid="GPU-a", name="A100", slice=True),))
    assert 1 == len(seats(1, share=False))
    with pytest.raises(OptionError, match="MIG mode is measured as a whole"):
        seats(2, share=True)


@pytest.mark.parametrize(("gigabytes", "workers"), [(64, 8), (13, 3), (2, 1)])
def test_auto_is_a_worker_for_each_core_that_there_is_memory_for(machine, gigabytes, workers):
    machine(processors=8, gigabytes=gigabytes)
    assert workers == len(seats("auto", share=False))


def test_a_machine_without_nvml_has_no_gpu(machine, monkeypatch):
    machine(processors=2)

    def fail():
        raise SensorError("NVML: not there")

    monkeypatch.setattr(seat, "visible_gpus", fail)
    assert [None, None] == [one.gpu for one in seats(2, share=False)]


def test_a_process_that_sees_another_gpu_than_its_own_is_refused(machine):
    machine(processors=2, gpus=GPUS[:1])
    with pytest.raises(SeatError, match="this process sees GPU-a, and was given GPU-b"):
        check_seat(Seat(processors=(0, 1), gpu="GPU-b"))


def test_a_process_on_other_processors_than_its_own_is_refused(machine):
    machine(processors=6)
    with pytest.raises(SeatError, match="may use processors 0-5, and was given 0-2,5"):
        check_seat(Seat(processors=(0, 1, 2, 5)))


def test_a_process_that_has_its_seat_is_let_in(machine):
    machine(processors=2, gpus=GPUS[:1])
    check_seat(own_seat())


def test_a_worker_that_sees_several_gpus_is_refused(machine):
    machine(gpus=GPUS)
    with pytest.raises(SeatError, match="4 GPUs for one worker"):
        own_seat()


def test_threads_are_bounded_by_the_processors_of_a_seat(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    monkeypatch.setenv("MKL_NUM_THREADS", "1")
    assert {"OMP_NUM_THREADS": "2", "CUDA_VISIBLE_DEVICES": "GPU-a"} == Seat(
        processors=(0, 1), gpu="GPU-a"
    ).environment


def test_a_device_is_told_without_its_number():
    two = [Seat(processors=(0,), gpu="GPU-x"), Seat(processors=(1,), gpu="GPU-y")]
    assert "GPU 2 of 2" == device_words(two[1], two)
    assert "processors 0-2,7" == device_words(Seat(processors=(0, 1, 2, 7)), [])


def test_a_worker_sees_its_own_processors_and_gpu(machine):
    machine(gpus=(*GPUS[:1], Gpu(uuid="GPU-x", name="H100")))
    found = [environment_on(Seat(processors=(0, 1), gpu=gpu)) for gpu in ("GPU-x", "GPU-y", None)]
    assert ["H100", "", ""] == [one["gpus"] for one in found]
    assert 2 == found[0]["usable_cores"]


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system pins no process")
def test_what_is_started_on_a_seat_has_its_processors_and_sees_its_gpu(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    before = os.sched_getaffinity(0)
    show = "import os; print(os.sched_getaffinity(0), os.environ['CUDA_VISIBLE_DEVICES'])"
    with seated(Seat(processors=(min(before),), gpu="GPU-a")):
        seen = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True)
    assert f"{{{min(before)}}} GPU-a\n" == seen.stdout
    assert (before, "0,1") == (os.sched_getaffinity(0), os.environ["CUDA_VISIBLE_DEVICES"])


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (Seat(processors=(2, 3)), False),
        (Seat(processors=(1, 2)), True),
        (Seat(processors=(2,), gpu="GPU-a"), True),
        (Seat(processors=(2,), gpu="GPU-b"), False),
    ],
)
def test_seats_overlap_in_a_processor_or_a_gpu(other, expected):
    assert expected == overlap(Seat(processors=(0, 1), gpu="GPU-a"), other)


@pytest.mark.parametrize("text", ["0", "-1", "two", "", "1.5"])
def test_a_count_is_a_whole_number_above_0_or_auto(text):
    with pytest.raises(ValueError):  # noqa: PT011 - whoever reads the option says what is wrong
        count_of(text)
