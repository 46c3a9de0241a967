"""The ideal observer: the best that anyone, person or network, can do on images whose statistics are known.

An image is stationary Gaussian noise on a periodic grid, with or without a lesion, which is what a phantom's
generator draws. The log likelihood ratio of a lesion at a known place is then linear in the image, and the
accuracy with which a lesion is found at an unknown place is a quick simulation.

Source: Burgess, Jacobson and Judy (2001), "Human observer detection experiments with mammograms and power-law
noise"; Barrett and Myers (2004), "Foundations of Image Science", chapter 13.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import fft
from scipy.special import expit, logsumexp

Array = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]


def detectability(signal: Array, power: Array) -> float:
    """Return d' of the prewhitening matched filter for `signal`, shape (H, W), at a known place.

    `power`, shape (H, W), is the noise's on the grid of fft2, E|fft2(noise)|^2 / (H W): the variance in each
    pixel where the noise is white. It is infinite at a frequency without information, and never 0.
    """
    spectrum = np.abs(fft.fft2(np.asarray(signal, dtype=np.float64))) ** 2
    return math.sqrt((spectrum / power).sum() / spectrum.size)


def draw_evidence(
    rng: Generator, signal: Array, power: Array, places: NDArray[np.bool_]
) -> tuple[float, float]:
    """Draw what the ideal observer makes of one image without and one with `signal` at an unknown place.

    Return both log likelihood ratios of signal to none: of the mean over `places` of exp(T(x) - d'^2 / 2), T
    the correlation with the prewhitened signal. `signal` and `power` are as for `detectability`, the signal's
    center on pixel (0, 0), from where it wraps. Its true place is any of `places`, each as likely: a mask of
    the grid's first rows and columns.
    """
    spectrum = fft.rfft2(np.asarray(signal, dtype=np.float64))
    half_power = power[:, : spectrum.shape[1]]
    white = fft.rfft2(rng.standard_normal(signal.shape))
    noise = fft.irfft2(white * spectrum.conj() / np.sqrt(half_power), s=signal.shape)
    echo = fft.irfft2(np.abs(spectrum) ** 2 / half_power, s=signal.shape)
    rows, columns = np.nonzero(places)
    chosen = rng.integers(len(rows))
    absent = noise[rows, columns]
    present = absent + echo[rows - rows[chosen], columns - columns[chosen]]
    prior = -echo[0, 0] / 2 - math.log(len(rows))
    return float(logsumexp(absent) + prior), float(logsumexp(present) + prior)


def ideal_accuracy(absent: Floats, present: Floats, shares: Floats) -> tuple[float, float]:
    """Return the ideal observer's accuracy and its standard error over simulated images.

    `absent` and `present`, shape (N,), are log likelihood ratios of images without and with a signal.
    `shares`, shape (2, 2), summing to 1, is the share of images by what is so, [0] no signal, [1] one, and by
    what is recorded: off the diagonal are wrong labels. At a rate e of them on either side the accuracy A of
    perfect labels falls to (1 - e) A + e (1 - A). A stack of shares, (groups, 2, 2), summing to 1, makes an
    observer who knows each image's group.
    """
    right = np.zeros_like(absent)
    for group in shares.reshape(-1, 2, 2):
        if group.any():
            without, having = group.sum(axis=1)
            right += without * _certainty(absent, group) + having * _certainty(present, group)
    majority = shares.reshape(-1, 2, 2).sum(axis=1).max(axis=1).sum()  # its accuracy without looking
    return float(max(right.mean(), majority)), float(right.std(ddof=1) / math.sqrt(len(right)))


def _certainty(evidence: Floats, shares: Floats) -> Floats:
    """Return the posterior probability of the likelier label: how often an ideal choice is right.

    Averaging it, rather than counting right choices, has the same mean and less spread.
    """
    with np.errstate(divide="ignore"):  # no such image: a logarithm of minus infinity serves
        (clean, alarm), (miss, found) = np.log(shares)
    negative, positive = np.logaddexp(clean, miss + evidence), np.logaddexp(alarm, found + evidence)
    certainty: Floats = expit(np.abs(positive - negative))
    return certainty
