"""How well a phantom's patch can reveal how many radiologists outlined its lesion.

A lesion's amplitude is a quarter of the contrast for each rater, so that an observer who knows where it
lies, its outline and the noise sees no more than the matched filter's answer T ~ N(amplitude d', 1), with d'
that of a full lesion. What the outline's area says enters as the prior: few raters outline what is small.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.ndimage import gaussian_filter

from redl.data.lidc.annotations import Mask
from redl.data.lidc.rules import RATERS

Floats = NDArray[np.float64]

# Of the whole database: deciles of the outlines' areas; in each the shares of 1, 2, 3 and 4 or more raters.
AREAS_MM2 = (6.5, 11.1, 15.9, 21.7, 29.9, 42.9, 67.0, 115.2, 211.2)
SHARES = (
    (0.833, 0.134, 0.027, 0.006),
    (0.627, 0.244, 0.085, 0.044),
    (0.394, 0.286, 0.193, 0.127),
    (0.296, 0.226, 0.253, 0.225),
    (0.213, 0.196, 0.258, 0.333),
    (0.164, 0.182, 0.227, 0.427),
    (0.160, 0.139, 0.184, 0.517),
    (0.154, 0.119, 0.168, 0.559),
    (0.126, 0.129, 0.156, 0.589),
    (0.122, 0.150, 0.234, 0.494),
)

EDGE_SIGMA = 1.0  # pixels
_EDGE_REACH = 4
_STEP, _TAIL = 0.02, 6.0  # of the integrals over T, whose standard deviation is 1


def soften(mask: Mask) -> Floats:
    """Return a lesion's template: its outline with a soft edge, 4 pixels larger on each side."""
    padded = np.pad(mask.astype(np.float64), _EDGE_REACH)
    template: Floats = gaussian_filter(padded, EDGE_SIGMA, mode="constant", radius=_EDGE_REACH)
    return template


def correlation(power: Floats) -> Floats:
    """Return the inverse of the noise's covariance as a function of the shift, on the grid of `power`."""
    inverse: Floats = fft.ifft2(1 / power).real
    return inverse


def detectability(template: Floats, inverse: Floats) -> float:
    """Return d' of `template` in noise with this inverse covariance, by the template's autocorrelation.

    It equals redl.data.observer.detectability of the template on the whole grid, at a hundredth of the time.
    """
    rows, columns = template.shape
    shape = (2 * rows, 2 * columns)
    echo = fft.irfft2(np.abs(fft.rfft2(template, shape)) ** 2, shape)
    shifts = np.ix_(*(np.r_[0:side, -side:0] for side in template.shape))
    return float(np.sqrt((echo * inverse[shifts]).sum()))


def prior(area_mm2: float) -> Floats:
    """Return the probabilities of 1, 2, 3 and 4 or more raters of an outline with this area."""
    return np.array(SHARES[int(np.digitize(area_mm2, AREAS_MM2))])


def drawn_amplitudes(label_noise: float) -> Floats:
    """Return the probabilities of amplitude (j + 1) / 4 where i + 1 radiologists are recorded, shape (4, 4).

    With the probability `label_noise` it is one of the other class: one rater, or several.
    """
    other = np.array([[0, 1 / 3, 1 / 3, 1 / 3], *[[1, 0, 0, 0]] * 3])
    return (1 - label_noise) * np.eye(RATERS) + label_noise * other


def accuracies(detectable: float, chances: Floats, raters: int, label_noise: float) -> Floats:
    """Return how often the ideal observer is right about a patch outlined by `raters`, shape (4,).

    Element i is for labels that are positive from i + 1 raters on. `detectable` is d' of a full lesion,
    `chances` the prior. The observer calls positive what is likelier so, given T and the prior.
    """
    statistic = np.arange(-_TAIL, detectable + _TAIL, _STEP)
    levels = np.arange(1, RATERS + 1)[:, None] / RATERS
    likelihood = np.exp(-((statistic - levels * detectable) ** 2) / 2) * _STEP / np.sqrt(2 * np.pi)
    by_raters = drawn_amplitudes(label_noise) @ likelihood
    weighted = chances[:, None] * by_raters
    recorded = min(raters, RATERS)
    right = []
    for min_raters in range(1, RATERS + 1):
        positive = weighted[min_raters - 1 :].sum(axis=0) > weighted[: min_raters - 1].sum(axis=0)
        right.append(by_raters[recorded - 1, positive == (recorded >= min_raters)].sum())
    return np.array(right)
