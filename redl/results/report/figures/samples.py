"""Samples: sample images of each class and how a figure of the subjects is distributed, the paper's Figure 1.

A saved run holds no images, so whoever wants this figure describes the data set first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from redl.data.figure import SAMPLES, Histogram, figure_1
from redl.results.report.figures.drawing import Drawing, slug


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Description:
    """What is shown of a data set: `images` uint8 (N, H, W), `labels` (N,) and the names of class 0 and 1."""

    dataset: str
    synthetic: bool
    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    histogram: Histogram
    classes: tuple[str, str]


def samples(described: Description) -> Drawing:
    """Return the sample images and the histogram of a data set."""
    histogram = described.histogram
    counted = int(np.count_nonzero(~np.isnan(histogram.values)))
    images = "phantom" if described.synthetic else "real"
    words = (
        f"(A) The first {SAMPLES} {images} images of either class of {described.dataset}, or all if fewer. "
        f"(B) Distribution of {histogram.axis} of {counted} {histogram.counted}."
    )
    return Drawing(
        name=f"samples-{slug(described.dataset)}",
        title=f"Sample images: {described.dataset}",
        caption=words,
        figure=figure_1(described.images, described.labels, histogram, classes=described.classes),
    )
