"""The pace of a sort of case: real networks in real processes, for a few steps."""

import pytest

from redl.errors import ModelError
from redl.execution.job import RunOptions
from redl.execution.pace import PaceJob, measure_pace
from redl.execution.paced import open_paced, steps_of_round
from redl.metering.stopwatch import Stopwatch
from redl.study.custom import CustomModel
from redl.study.profile import TINY
from tests.helpers.changes import replace


def job(model="mlp", setting="baseline", downsample=1, **options):
    return PaceJob(
        model=model,
        setting=setting,
        downsample=downsample,
        options=RunOptions(**({"profile": TINY} | options)),
    )


@pytest.fixture(scope="module")
def found():
    return measure_pace(job("densenet"))


def test_an_image_is_timed_in_each_of_three_rounds(found):
    pace = found.pace
    assert (3, 3) == (len(pace.train_seconds), len(pace.infer_seconds))
    assert all(seconds > 0 for seconds in (*pace.train_seconds, *pace.infer_seconds, pace.start_seconds))


def test_rounds_have_as_many_steps_as_the_probes_last_step_asks_for(found):
    assert 3 * steps_of_round(found.step_seconds) == found.pace.steps


class _EightSeconds(Stopwatch):
    """A stopwatch of which each window takes 8 s."""

    @property
    def seconds(self):
        """Return them."""
        return 8.0


def test_seconds_are_those_of_an_image(monkeypatch):
    monkeypatch.setattr("redl.execution.paced.Stopwatch", _EightSeconds)
    monkeypatch.setattr("redl.execution.paced.steps_of_round", lambda _: 2)
    with open_paced(job()) as run:
        run.warm_up()
        pace = run.probe().pace
    each = 8 / (2 * TINY.batch_size)
    assert ((each,) * 3, (each,) * 3) == (pace.train_seconds, pace.infer_seconds)
    assert (TINY.latency_passes, 8.0) == (pace.latency.passes, pace.latency.median_seconds)


def test_downsampled_images_are_smaller():
    sides = []
    for downsample in (1, 2):
        with open_paced(job("densenet", downsample=downsample, profile=replace(TINY, image_size=64))) as run:
            sides.append(run.side)
    assert [64, 32] == sides


def test_a_network_of_one_size_gets_its_own():
    with open_paced(job("vit", downsample=4)) as run:
        assert TINY.image_size == run.side


def test_a_state_is_of_weights_and_of_two_moments(found):
    # the total has the gradients too, which are as large as the weights
    assert 3 / 4 == pytest.approx(found.pace.state_bytes / found.static_bytes)


@pytest.mark.parametrize(("step_seconds", "steps"), [(0.0, 50), (0.1, 5), (0.3, 2), (7.0, 1)])
def test_a_round_is_long_enough_and_not_longer(step_seconds, steps):
    assert steps == steps_of_round(step_seconds)


def test_a_training_that_breaks_down_is_one_line():
    with pytest.raises(ModelError, match=r"mlp with half: could not be measured: .*broke down in") as error:
        measure_pace(job(setting="half", half_dtype="float16"))
    assert "\n" not in str(error.value)


def test_a_model_that_is_not_there_is_one_line():
    models = {"none": CustomModel(name="none", timm="no_such_network")}
    with pytest.raises(ModelError, match=r"none with baseline: could not be measured: .*no_such_network"):
        measure_pace(job("none", custom_models=models))
