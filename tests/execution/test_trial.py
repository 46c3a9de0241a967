"""A trial under a cap: real networks in real processes, which the cap ends."""

from functools import partial

import pytest

from redl.errors import ModelError
from redl.execution.job import ProbeJob, RunOptions
from redl.execution.trial import try_batch
from redl.study.custom import CustomModel
from redl.study.profile import TINY

OPTIONS = RunOptions(profile=TINY)
attempt = partial(ProbeJob, model="densenet", setting="baseline", batch_size=16, options=OPTIONS)


@pytest.fixture(scope="module")
def taken():
    """Return what a batch takes without a cap."""
    trial = try_batch(attempt(cap_bytes=None))
    assert trial.fits
    return trial.probe


def test_a_probe_is_what_the_cap_holds_and_says_what_it_was(taken):
    assert ("densenet121", True, "cpu", 2) == (taken.network, taken.batch_norm, taken.device, taken.steps)
    assert taken.static_bytes < taken.peak_bytes < taken.process_bytes
    assert taken.step_seconds > 0


def test_a_batch_fits_a_little_above_what_it_takes(taken):
    trial = try_batch(attempt(cap_bytes=round(1.1 * taken.peak_bytes)))
    assert trial.fits, trial.reason


def test_a_batch_does_not_fit_below_what_it_takes_and_is_ended_at_the_cap(taken):
    trial = try_batch(attempt(cap_bytes=round(0.8 * taken.peak_bytes)))
    assert (False, None) == (trial.fits, trial.probe)
    assert 0 < trial.over_bytes < 20e6
    assert "over the cap" in trial.reason


def test_a_training_that_breaks_down_gives_no_figure():
    options = RunOptions(profile=TINY, half_dtype="float16")
    with pytest.raises(ModelError, match="broke down in step 1"):
        try_batch(attempt(model="mlp", setting="half", cap_bytes=None, options=options))


def test_what_breaks_for_another_reason_is_one_line():
    models = {"none": CustomModel(name="none", timm="no_such_network")}
    options = RunOptions(profile=TINY, custom_models=models)
    with pytest.raises(
        ModelError, match="model none with baseline: a batch of 4 could not be tried: "
    ) as error:
        try_batch(attempt(model="none", batch_size=4, cap_bytes=10**9, options=options))
    assert "no_such_network" in str(error.value)
