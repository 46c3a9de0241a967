"""What the network learns is in the labels: shuffled, they teach it nothing."""

import numpy as np
import pytest

from redl.data.cache.entry import open_prepared
from redl.data.datasets import DataOptions, prepare_dataset
from redl.execution import plan
from redl.execution.job import Job, RunOptions
from redl.execution.run import run
from redl.study.case import Case, Dataset, Model, Setting
from redl.study.profile import SMOKE
from tests.helpers.changes import replace

CASE = Case(dataset=Dataset.RSNA, model=Model.DENSENET, setting=Setting.BASELINE, seed=1, profile="smoke")


def shuffled(data):
    """Permute the labels of the training part's images; validation and test keep theirs."""
    labels = np.array(data.labels)
    labels[data.split.train] = np.random.default_rng(0).permutation(labels[data.split.train])
    return replace(data, labels=labels)


@pytest.mark.slow
def test_shuffled_training_labels_bring_the_accuracy_back_to_the_majority_class(tmp_path, monkeypatch):
    prepared = prepare_dataset(Dataset.RSNA, SMOKE, DataOptions(cache=tmp_path))
    monkeypatch.setattr(plan, "open_prepared", lambda path: shuffled(open_prepared(path)))
    record = run(Job(case=CASE, prepared=prepared, options=RunOptions(profile=SMOKE)))
    assert record.metrics.test.accuracy < record.data.majority_accuracy + SMOKE.min_above_majority / 2
    assert record.data.images.test >= 200
