"""A cap on a real GPU: the driver counts what a smaller card would have to hold."""

from functools import partial

import pytest

from redl.execution.job import ProbeJob, RunOptions
from redl.execution.trial import try_batch
from redl.study.profile import TINY
from tests.helpers.changes import replace

OPTIONS = RunOptions(profile=replace(TINY, image_size=128))


@pytest.fixture(scope="module")
def attempt():
    return partial(ProbeJob, model="densenet", setting="baseline", batch_size=16, options=OPTIONS)


@pytest.fixture(scope="module")
def taken(attempt):
    """Return what the process takes without a cap."""
    probe = try_batch(attempt(cap_bytes=None)).probe
    assert probe.process_bytes is not None, probe.reason
    return probe.process_bytes


def test_what_the_process_takes_fits_a_little_above(attempt, taken):
    trial = try_batch(attempt(cap_bytes=round(1.05 * taken)))
    assert trial.fits, trial.reason
    assert trial.probe.process_bytes <= 1.05 * taken


def test_what_the_process_takes_does_not_fit_far_below(attempt, taken):
    trial = try_batch(attempt(cap_bytes=round(0.8 * taken)))
    assert not trial.fits, trial.probe
    assert trial.reason
