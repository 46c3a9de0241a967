"""The figures of LIDC-IDRI that need no image: its annotations are enough."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from redl.data.lidc.annotations import read_outlines
from redl.data.lidc.database import count_contours, read_scans
from redl.data.lidc.rules import RATERS, LidcRules


@dataclass(frozen=True, kw_only=True, slots=True)
class AnnotationDescription:
    """Counts of the whole set, its nodules and patches as the rules select them.

    `patches_by_raters` counts those of 1, 2, 3 and 4 or more raters; the fractions are of patches, and
    `majority_accuracy` is that of always saying the larger class.
    """

    scans: int
    patients: int
    annotated_patients: int
    annotations: int
    contours: int
    nodules: int
    patches: int
    patches_by_raters: tuple[int, ...]
    positive_fraction: float
    majority_accuracy: float


def describe_annotations(rules: LidcRules) -> AnnotationDescription:
    """Count the installed annotations; it takes a quarter of a minute."""
    scans = read_scans()
    patches = [outline.patch for outline in read_outlines(scans) if rules.chooses(outline.patch.cluster)]
    raters = np.array([patch.raters for patch in patches])
    positive = float((raters >= rules.min_raters).mean())
    by_raters = np.bincount(np.minimum(raters, RATERS), minlength=RATERS + 1)[1:]
    return AnnotationDescription(
        scans=len(scans),
        patients=len({scan.subject for scan in scans}),
        annotated_patients=len({scan.subject for scan in scans if scan.annotations}),
        annotations=sum(scan.annotations for scan in scans),
        contours=count_contours(),
        nodules=len({(patch.scan, patch.nodule) for patch in patches}),
        patches=len(patches),
        patches_by_raters=tuple(by_raters.tolist()),
        positive_fraction=positive,
        majority_accuracy=max(positive, 1 - positive),
    )
