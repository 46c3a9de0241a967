"""Deployments of a run: each runtime is judged against torch over the same trained networks."""

import numpy as np
import pytest

from redl.errors import RecordError
from redl.record import DivergenceKind, Predictions
from redl.results.deployments import judged, runtime_name, runtime_pairs
from redl.results.metric import Metric
from redl.results.noninferiority.verdict import Outcome
from redl.study.case import Setting
from tests.helpers.changes import replace
from tests.helpers.deployments import RIGHT, deployment, records_of
from tests.helpers.saved import finished

SEEDS = (1, 2, 3)


def runs(runtime="onnx", lost=(), **given):
    return [deployment(runtime, seed, lost=lost, **given) for seed in SEEDS]


def judge(deployments, records=None, predictions=None, margin=0.05):
    records = records_of(*deployments) if records is None else records
    if predictions is None:
        answers = deployments[0].answers
        predictions = {name: replace(answers, probabilities=RIGHT) for name in records}
    return judged(records, predictions, deployments, margin=margin, metric=Metric.ACCURACY)


def test_a_runtime_is_paired_with_torchs_answers_seed_by_seed():
    found = runs(lost=(0,))
    (pair,) = runtime_pairs(found, records_of(*found))
    assert ("onnx", "torch", SEEDS) == (pair.saving.setting, pair.baseline.setting, pair.seeds)
    assert (3, 200) == pair.new.shape
    assert [[pytest.approx(0.8)] * 3, [0.2] * 3] == [pair.new[:, 0].tolist(), pair.old[:, 0].tolist()]


def test_torch_itself_is_the_reference_and_not_judged():
    found = [*runs("torch"), *runs("onnx-int8")]
    assert ["onnx-int8"] == [pair.saving.setting for pair in runtime_pairs(found, records_of(*found))]


def test_of_several_numbers_of_threads_the_smallest_is_judged():
    found = [*runs(threads=4, lost=range(100)), *runs(threads=2)]
    (pair,) = runtime_pairs(found, records_of(*found))
    assert np.array_equal(pair.new, pair.old)


def test_a_runtime_that_loses_nothing_is_non_inferior_and_one_that_loses_half_is_degraded():
    _, found = judge([*runs("onnx"), *runs("onnx-int8", lost=range(100))])
    assert {"onnx": Outcome.NON_INFERIOR, "onnx-int8": Outcome.DEGRADED} == {
        one.setting: one.outcome for one in found
    }


def test_one_seed_shows_nothing_of_others():
    _, (found,) = judge([deployment("onnx", 1)])
    assert Outcome.INCONCLUSIVE is found.outcome
    assert "only seed 1" in found.reason


def test_a_network_at_chance_has_nothing_to_lose():
    found = runs()
    by_chance = replace(
        finished().divergence, ever=True, final=True, first_epoch=1, kinds=(DivergenceKind.CHANCE,)
    )
    records = {name: replace(one, divergence=by_chance) for name, one in records_of(*found).items()}
    _, (verdict,) = judge(found, records)
    assert Outcome.INCONCLUSIVE is verdict.outcome
    assert "better than chance" in verdict.reason


def test_settings_and_runtimes_are_corrected_each_for_their_own_kind():
    found = runs("onnx", lost=(0,))
    records = records_of(*found) | {
        one.case.id: one for one in (finished(Setting.AMP, seed=seed) for seed in SEEDS)
    }
    predictions = {name: replace(found[0].answers, probabilities=RIGHT) for name in records}
    alone = judge(found)[1]
    settings, runtimes = judge(found, records, predictions)
    assert [Setting.AMP] == [one.setting for one in settings]
    assert alone == runtimes


def test_the_name_says_whose_network_it_is_unless_a_baselines():
    assert "onnx" == runtime_name("baseline", "onnx")
    assert "pruned, onnx" == runtime_name("pruned", "onnx")


def test_a_run_with_neither_kind_is_refused():
    records = records_of(deployment())
    predictions = {name: deployment().answers for name in records}
    with pytest.raises(RecordError, match="this run has no saving to judge"):
        judged(records, predictions, [], margin=0.05, metric=Metric.ACCURACY)


def test_a_deployment_without_its_case_is_refused():
    with pytest.raises(RecordError, match=r"seed1: was deployed in onnx, but has no record in this run"):
        runtime_pairs([deployment()], {})


def test_seeds_of_other_images_are_refused():
    one, other = deployment(seed=1), deployment(seed=2)
    answers = Predictions(subjects=(7,), labels=(1,), probabilities=(0.5,))
    other = replace(other, answers=answers, reference=(0.5,))
    with pytest.raises(RecordError, match="seed1 in onnx: its seeds saw other test images"):
        runtime_pairs([one, other], records_of(one, other))
