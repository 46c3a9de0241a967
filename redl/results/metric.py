"""Metrics that a verdict may rest on: their names, which a command lists before it computes anything."""

from difflib import get_close_matches
from enum import StrEnum

from redl.errors import OptionError


class Metric(StrEnum):
    """Name a metric; higher is better for each, so BRIER is minus the Brier score."""

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


def metric_named(name: str) -> Metric:
    """Return the metric of a name; raise OptionError, with the nearest name, for an unknown one."""
    if name in list(Metric):
        return Metric(name)
    near = "".join(f"did you mean {one}? " for one in get_close_matches(name, list(Metric), n=1))
    raise OptionError(f"metric {name}: unknown; {near}use one of {', '.join(Metric)}")
