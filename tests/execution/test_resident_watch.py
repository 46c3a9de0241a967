"""A cap on a child's memory: what goes over it is ended and named so, and nothing else is."""

from functools import partial

import pytest

from redl.execution.messages import OverCapError
from redl.execution.worker import CaseBrokeError, Worker, _status_of
from redl.record import Status
from tests.helpers.hungry import MB, hungry, raising

ONEDNN = "could not create a primitive"
MIG = "NVML_SUCCESS == r INTERNAL ASSERT FAILED at CUDACachingAllocator.cpp"


def end_of(start, cap):
    """Return how a child ended under a cap in MB; None if it came to the end of its steps."""
    worker = Worker(start, timeout_s=60, on_epoch=lambda _: None, cap_bytes=None if cap is None else cap * MB)
    try:
        worker.call("warm_up")
        worker.call("train")
    except CaseBrokeError as end:
        return end
    finally:
        worker.close()
    return None


def test_a_child_that_goes_over_its_cap_is_killed_and_out_of_memory():
    end = end_of(partial(hungry, 400), 200)
    assert (Status.OOM, False) == (end.status, end.transient)
    assert 0 < end.over_bytes < 30 * MB
    assert f"OverCapError: {end.over_bytes / 1e6:.1f} MB over the cap" == end.reason


@pytest.mark.parametrize("cap", [None, 500])
def test_a_child_that_stays_below_its_cap_or_has_none_goes_on(cap):
    assert end_of(partial(hungry, 400), cap) is None


@pytest.mark.parametrize(("cap", "status"), [(500, Status.OOM), (None, Status.FAILED)])
def test_onednn_says_so_where_memory_is_short_which_under_a_cap_it_is(cap, status):
    assert status is end_of(partial(raising, ONEDNN), cap).status


@pytest.mark.parametrize("cap", [500, None])
def test_a_slice_of_a_gpu_that_is_full_is_out_of_memory(cap):
    assert Status.OOM is end_of(partial(raising, MIG), cap).status


def test_another_error_under_a_cap_is_no_want_of_memory():
    end = end_of(partial(raising, "something else"), 500)
    assert (Status.FAILED, None) == (end.status, end.over_bytes)


def test_the_error_of_a_peak_that_was_read_too_late_is_out_of_memory():
    assert "oom" == _status_of(OverCapError(3 * MB))
