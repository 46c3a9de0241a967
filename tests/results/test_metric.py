"""Metrics by name: the nearest one is suggested, and no name of Python's leaks into the message."""

import pytest

from redl.errors import OptionError
from redl.results.metric import Metric, metric_named

ALL = (
    "use one of accuracy, subject_accuracy, auc, subject_auc, balanced_accuracy, sensitivity, specificity, "
    "brier"
)


@pytest.mark.parametrize("metric", Metric)
def test_a_metric_is_found_by_its_name(metric):
    assert metric is metric_named(str(metric))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("f1", f"--metric f1: unknown; {ALL}"),
        ("acuracy", f"--metric acuracy: unknown; did you mean accuracy? {ALL}"),
        ("AUC", f"--metric AUC: unknown; did you mean auc? {ALL}"),
        ("", f"--metric : unknown; {ALL}"),
    ],
)
def test_an_unknown_name_is_refused_with_the_names_there_are(name, message):
    with pytest.raises(OptionError) as refused:
        metric_named(name, option="--metric")
    assert message == str(refused.value)
