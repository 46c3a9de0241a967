"""Metrics that a verdict may rest on: their names, which a command lists before it computes anything."""

from enum import StrEnum


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
