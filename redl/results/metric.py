"""Metrics that a verdict may rest on: their names, which a command lists before it computes anything."""

from __future__ import annotations

from enum import StrEnum

from redl.errors import OptionError
from redl.nearest import one_of


class Metric(StrEnum):
    """Name of a metric; higher is better for each, so BRIER is minus the Brier score."""

    ACCURACY = "accuracy"
    SUBJECT_ACCURACY = "subject_accuracy"
    AUC = "auc"
    SUBJECT_AUC = "subject_auc"
    BALANCED_ACCURACY = "balanced_accuracy"
    SENSITIVITY = "sensitivity"
    SPECIFICITY = "specificity"
    BRIER = "brier"


OF_SUBJECTS = (Metric.SUBJECT_ACCURACY, Metric.SUBJECT_AUC)
OF_RANKS = (Metric.AUC, Metric.SUBJECT_AUC)


def metric_named(name: str, *, option: str = "metric") -> Metric:
    """Return the metric of a name; raise OptionError, which names `option`, for an unknown one."""
    if name in list(Metric):
        return Metric(name)
    raise OptionError(f"{option} {name}: unknown; {one_of(name, Metric)}")
