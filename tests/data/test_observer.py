"""The ideal observer's formulas agree with brute force and with simulated images."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import fft
from scipy.linalg import circulant
from scipy.stats import binomtest

from redl.data.observer import detectability, draw_evidence, ideal_accuracy
from tests.helpers.knownplace import accuracy_at_known_place

SIDE, RADIUS = 64, 6
FAIR = np.diag([0.5, 0.5])


def mound() -> np.ndarray:
    """Return a lesion about pixel (0, 0) of the periodic grid."""
    offset = (np.arange(SIDE) + SIDE // 2) % SIDE - SIDE // 2
    return np.maximum(1 - (offset[:, None] ** 2 + offset**2) / RADIUS**2, 0) ** 1.5


def power_law() -> np.ndarray:
    """Return power-law noise of exponent 2.8 and a twentieth of its variance as white noise; no mean."""
    frequency = np.hypot(fft.fftfreq(SIDE)[:, None], fft.fftfreq(SIDE))
    frequency[0, 0] = np.inf
    power = frequency**-2.8
    power = power / power.mean() + 0.05
    power[0, 0] = np.inf
    return power


def central(side: int) -> np.ndarray:
    places = np.zeros((SIDE, SIDE), bool)
    margin = (SIDE - side) // 2
    places[margin : SIDE - margin, margin : SIDE - margin] = True
    return places


def evidence(d: float, places: np.ndarray, samples: int) -> np.ndarray:
    """Return log likelihood ratios, shape (2, samples), absent and present, of a mound of d'."""
    rng, power = np.random.default_rng(1), power_law()
    signal = mound() * d / detectability(mound(), power)
    return np.array([draw_evidence(rng, signal, power, places) for _ in range(samples)]).T


def counted(right: np.ndarray) -> tuple[float, float]:
    """Return where the true share of right answers lies, but for once in a thousand times."""
    interval = binomtest(int(right.sum()), right.size).proportion_ci(0.999)
    return interval.low, interval.high


# The known place


def test_in_white_noise_the_energy_over_the_noise_is_what_counts():
    signal = np.zeros((4, 5))
    signal[1:3, 2] = 3, 4
    assert pytest.approx(5 / 2) == detectability(signal, np.full((4, 5), 2.0**2))


def test_detectability_is_that_of_the_noise_covariance():
    rng = np.random.default_rng(0)
    signal, kernel = rng.standard_normal((1, 12)), np.exp(-np.minimum(np.arange(12), 12 - np.arange(12)))
    expected = math.sqrt(signal[0] @ np.linalg.solve(circulant(kernel), signal[0]))
    assert pytest.approx(expected) == detectability(signal, fft.fft(kernel).real[None])


def test_a_frequency_of_infinite_power_adds_nothing():
    power = np.ones((4, 4))
    power[0, 0] = np.inf
    assert detectability(np.ones((4, 4)), power) == 0


@pytest.mark.parametrize("prior", [0.5, 0.2])
@pytest.mark.parametrize("d", [0.5, 2.0])
def test_the_closed_form_is_what_a_matched_filter_reaches_on_images(d, prior):
    rng, power, images = np.random.default_rng(2), power_law(), 1500
    signal = mound() * d / detectability(mound(), power)
    template = fft.ifft2(fft.fft2(signal) / power).real
    amplitude = np.sqrt(np.where(np.isinf(power), 0, power))
    present = rng.random(images) < prior
    scores = np.empty(images)
    for number, shown in enumerate(present):
        noise = fft.ifft2(fft.fft2(rng.standard_normal(power.shape)) * amplitude).real
        scores[number] = (template * (noise + shown * signal)).sum()
    low, high = counted((scores > d**2 / 2 + math.log((1 - prior) / prior)) == present)
    assert low < accuracy_at_known_place(d, prior) < high


# The unknown place


@pytest.mark.parametrize(("d", "expected"), [(4, 0.82), (5, 0.92), (6, 0.98), (8, 1.00)])
def test_a_search_reaches_the_known_accuracies(d, expected):
    accuracy, error = ideal_accuracy(*evidence(d, central(40), 250), FAIR)
    assert pytest.approx(expected, abs=0.01 + 3 * error) == accuracy


def test_a_search_of_one_place_is_no_search():
    place = np.zeros((SIDE, SIDE), bool)
    place[20, 30] = True
    accuracy, error = ideal_accuracy(*evidence(2, place, 600), np.diag([0.7, 0.3]))
    assert pytest.approx(accuracy_at_known_place(2, 0.3), abs=4 * error) == accuracy


def test_the_likelihood_ratio_of_images_without_a_signal_is_1_on_average():
    absent, _ = evidence(1.5, central(40), 600)
    ratios = np.exp(absent)
    assert pytest.approx(1, abs=4 * ratios.std() / math.sqrt(600)) == ratios.mean()


def test_the_averaged_certainty_is_the_share_of_right_answers():
    absent, present = evidence(4, central(40), 500)
    low, high = counted(np.r_[absent < 0, present > 0])
    assert low < ideal_accuracy(absent, present, FAIR)[0] < high


def test_places_may_cover_a_part_of_the_grid():
    whole, part = central(20), central(20)[:50, :48]
    np.testing.assert_allclose(evidence(3, whole, 5), evidence(3, part, 5))


# What is recorded


@given(st.floats(0, 0.5), st.floats(0.05, 0.95))
def test_wrong_labels_cap_the_accuracy_exactly(rate, prior):
    absent, present = np.linspace(-8, 4, 50), np.linspace(-4, 8, 50)
    truth = np.diag([1 - prior, prior])
    perfect, _ = ideal_accuracy(absent, present, truth)
    noisy, _ = ideal_accuracy(absent, present, truth @ [[1 - rate, rate], [rate, 1 - rate]])
    assert pytest.approx((1 - rate) * perfect + rate * (1 - perfect)) == noisy


def test_an_observer_who_knows_a_group_of_one_label_is_right_in_it():
    absent = present = np.zeros(9)  # the image shows nothing
    shares = np.array([np.diag([0.35, 0.35]), np.diag([0.0, 0.3])])
    assert ideal_accuracy(absent, present, shares) == (pytest.approx(0.35 + 0.3), 0)


def test_an_empty_group_changes_nothing():
    absent, present = np.array([-2.0, 1.0]), np.array([3.0, -1.0])
    expected = ideal_accuracy(absent, present, FAIR)
    assert expected == ideal_accuracy(absent, present, np.array([FAIR, np.zeros((2, 2))]))


def test_chance_does_not_bring_the_accuracy_below_the_majority():
    unlucky = np.full(9, 0.1)
    assert ideal_accuracy(unlucky, unlucky, np.diag([0.52, 0.48]))[0] == 0.52
