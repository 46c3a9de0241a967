"""The search for the largest batch: right on any curve that grows, and quick on those of real networks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redl.execution.largest_batch import Peaks, outcome, search
from redl.record.budget import Cap, Trial
from tests.helpers.budgets import probe

MB = 10**6


def trials_on(curve, cap, *, least=2, most=1024, static=0, peaks=None):
    """Search on a network whose peak is `curve` of the batch, ended by the cap before the peak is known."""

    def attempt(batch):
        fits = curve(batch) <= cap
        found = probe(round(curve(batch)), static_bytes=static) if fits else None
        return Trial(batch_size=batch, fits=fits, probe=found, over_bytes=None, reason=None)

    peaks = Peaks(held=Cap.GROWTH) if peaks is None else peaks
    return list(search(attempt, peaks, cap, least=least, most=most))


# Static bytes, of an image, and how much faster it grows for large batches, as measured on the CPU at 256 px.
CURVES = {
    "densenet": (111, 150, 1.5),
    "densenet at 64 px": (170, 10.5, 0.05),
    "vit": (1870, 28, 0.1),
    "swin": (1390, 420, 0),
    "efficientnet": (817, 420, 2),
    "flat": (860, 0.7, 0),
}


@pytest.mark.parametrize("cap", [400, 1000, 2000, 4000, 8000])
@pytest.mark.parametrize("name", CURVES)
def test_the_largest_batch_is_proven_in_at_most_six_trials(name, cap):
    static, each, bend = (MB * number for number in CURVES[name])

    def curve(batch):
        return 1.1 * static + each * batch + bend * batch * batch / 20

    found = trials_on(curve, cap * MB, static=static)
    largest, refused = outcome(found)
    truth = [batch for batch in range(2, 1025) if curve(batch) <= cap * MB]
    assert (max(truth) if truth else None) == largest
    assert ((largest or 1) + 1 if largest != 1024 else None) == refused
    assert len(found) <= 6


@given(
    st.lists(st.integers(1, 50), min_size=40, max_size=40),
    st.integers(1, 2000),
    st.integers(0, 500),
)
def test_on_any_curve_that_grows_the_end_is_a_batch_that_fits_and_one_more_that_does_not(steps, cap, static):
    total, sizes = 0, []
    for step in steps:
        total += step
        sizes.append(total)

    found = trials_on(lambda batch: sizes[batch - 1], cap, most=40, static=static)
    largest, refused = outcome(found)
    truth = [batch for batch in range(2, 41) if sizes[batch - 1] <= cap]
    assert (max(truth) if truth else None) == largest
    assert (None if largest == 40 else (largest or 1) + 1) == refused


def test_a_batch_that_nothing_refuses_ends_at_the_most():
    found = trials_on(lambda _: 5, 10, most=64)
    assert (64, None) == outcome(found)


def test_where_the_least_and_some_larger_ones_are_refused_nothing_fits():
    found = trials_on(lambda _: 50, 10)
    assert (None, 2) == outcome(found)
    assert {2, 4, 8, 16} <= {trial.batch_size for trial in found}


def test_a_batch_that_takes_less_than_the_least_is_found():
    # As ViT-B/32+ does: with 4 images 2098 MB, because its blocks are kept, and with 8 images 1931.
    found = trials_on(lambda batch: 2100 if batch < 8 else 1850 + 10 * batch, 2000)
    assert (15, 16) == outcome(found)


def test_what_one_cap_showed_guides_the_next():
    peaks = Peaks(held=Cap.GROWTH)
    trials_on(lambda batch: 100 + 10 * batch, 1000, peaks=peaks)
    found = trials_on(lambda batch: 100 + 10 * batch, 505, peaks=peaks)
    assert [40, 41] == [trial.batch_size for trial in found]


def test_a_line_through_two_batches_says_what_another_takes():
    peaks = Peaks(held=Cap.GROWTH)
    for batch in (4, 8):
        peaks.add(batch, probe(100 + 10 * batch))
    assert 300 == pytest.approx(peaks.bytes_at(20))
    assert Peaks(held=Cap.GROWTH).bytes_at(20) is None


def test_on_a_gpu_what_the_driver_counts_is_held():
    peaks = Peaks(held=Cap.PROCESS)
    peaks.add(4, probe(100, process_bytes=700))
    assert {4: 700} == peaks.by_batch
    peaks.add(4, probe(100))  # a container, where the driver lists no process
    assert {4: 100} == peaks.by_batch
