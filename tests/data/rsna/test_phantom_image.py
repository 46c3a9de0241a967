"""A mammogram's field has the spectrum it is said to have, and its lesion is as detectable as predicted."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import fft
from scipy.special import logsumexp
from scipy.stats import binomtest

from redl.data.observer import detectability, draw_evidence, ideal_accuracy
from redl.data.rsna.phantom_image import Anatomy, Tissue, draw_anatomy, draw_mammogram
from tests.helpers.knownplace import accuracy_at_known_place

GOLDEN = Path(__file__).with_name("mammogram.npz")
WHITE = 4095  # of 12 bits
SHAPE = (128, 96)


def drawn(seed: int, *, oblique: bool = False, shape=(256, 192), **changes) -> np.ndarray:
    """Draw the same breast whatever the changes."""
    options = {"texture": 0.08, "contrast": 0.4, "radius": shape[0] / 13, "noise": 0.0001}
    tissue = Tissue(**options | {name: changes.pop(name) for name in options.keys() & changes.keys()})
    rng = np.random.default_rng(seed)
    anatomy = draw_anatomy(rng, shape, tissue, oblique=oblique)
    return draw_mammogram(rng, anatomy, tissue, **{"lesion": False, "mirrored": False} | changes)


# The look


def test_a_lesion_brightens_a_small_part_of_the_breast():
    difference = drawn(3, lesion=True) - drawn(3)
    assert 0.005 < np.mean(difference > 0.02) < 0.05
    assert difference.min() == 0


def test_a_lesion_adds_much_less_to_the_mean_than_breasts_differ_by():
    healthy = [drawn(seed).mean() for seed in range(30)]
    added = [drawn(seed, lesion=True).mean() - mean for seed, mean in enumerate(healthy)]
    assert np.std(healthy) > 6 * np.mean(added)


def test_a_right_breast_is_mirrored():
    np.testing.assert_array_equal(drawn(3)[:, ::-1], drawn(3, mirrored=True))


def test_the_air_is_black():
    assert drawn(3, noise=0.01)[:, -1].max() == 0


def test_an_oblique_view_is_brighter_in_the_upper_corner_at_the_chest_wall():
    tissue = Tissue(texture=0.08, contrast=0.0, radius=8, noise=0.01)
    structures = draw_anatomy(np.random.default_rng(0), SHAPE, tissue, oblique=True).structures
    assert structures[:20, :8].min() > 0.05
    assert structures[-20:].max() == structures[:, -20:].max() == 0


def test_the_thickness_scales_the_noise():
    tissue = Tissue(texture=0.0, contrast=0.0, radius=8, noise=0.02)
    anatomy = draw_anatomy(np.random.default_rng(0), SHAPE, tissue, oblique=False)
    rng = np.random.default_rng(1)
    images = np.array(
        [draw_mammogram(rng, anatomy, tissue, lesion=False, mirrored=False) for _ in range(300)]
    )
    grain = (images[:, 64] - images[:, 65]).std(axis=0)
    expected = 0.02 * np.sqrt(anatomy.thickness[64] ** 2 + anatomy.thickness[65] ** 2)
    np.testing.assert_allclose(grain, expected, atol=0.006)


def test_pixels_are_those_of_other_machines():
    shown = {
        "healthy": drawn(5, shape=(48, 36), noise=0.01, mirrored=True),
        "lesion": drawn(6, shape=(48, 36), noise=0.01, oblique=True, lesion=True),
    }
    if not GOLDEN.exists():
        np.savez_compressed(GOLDEN, **{name: np.round(WHITE * image) for name, image in shown.items()})
        pytest.fail(f"{GOLDEN.name} was missing and is written: look at it, then run again")
    with np.load(GOLDEN) as golden:
        for name, image in shown.items():
            assert np.abs(golden[name] - np.round(WHITE * image)).max() <= 1


# The field and its observer


TISSUE = Tissue(texture=0.05, contrast=0.04, radius=6, noise=0.02)
PLACE = 64, 30
WINDOW = slice(PLACE[0] - 12, PLACE[0] + 13), slice(PLACE[1] - 12, PLACE[1] + 13)


def one_place() -> Anatomy:
    anatomy = draw_anatomy(np.random.default_rng(4), SHAPE, TISSUE, oblique=True)
    places = np.zeros(SHAPE, bool)
    places[PLACE] = True
    return replace(anatomy, places=places)


def windows(anatomy: Anatomy, images: int, *, lesion: bool) -> np.ndarray:
    """Return what an observer of 12-bit images finds of the field about the place, one row an image."""
    rng, thickness, structures = np.random.default_rng(9 + lesion), anatomy.thickness, anatomy.structures
    stored = (
        np.round(WHITE * draw_mammogram(rng, anatomy, TISSUE, lesion=lesion, mirrored=False)) / WHITE
        for _ in range(images)
    )
    return np.array([(image[WINDOW] / thickness[WINDOW] - structures[WINDOW]).ravel() for image in stored])


def covariance() -> np.ndarray:
    """Return the covariance that the spectrum gives the window's pixels."""
    correlation = fft.ifft2(TISSUE.power(SHAPE)).real
    rows, columns = (index.ravel() for index in np.mgrid[WINDOW])
    return correlation[rows[:, None] - rows, columns[:, None] - columns]


def signal(anatomy: Anatomy) -> np.ndarray:
    return np.roll(anatomy.lesion, PLACE, axis=(0, 1))[WINDOW].ravel().astype(float)


def test_the_field_has_the_covariance_of_its_spectrum():
    found = np.cov(windows(one_place(), 1000, lesion=False)[:, ::40].T)
    expected = covariance()[::40, ::40]
    # A covariance of n normal pairs errs by at most sqrt(2 / n) of the variance.
    np.testing.assert_allclose(found, expected, atol=4.5 * np.sqrt(2 / 1000) * expected.max())


@pytest.mark.parametrize("prior", [0.5, 0.3])
def test_at_a_known_place_the_ideal_observer_is_as_good_as_predicted(prior):
    anatomy = one_place()
    template = np.linalg.solve(covariance(), signal(anatomy))
    d = float(np.sqrt(template @ signal(anatomy)))
    total = 1000
    healthy, ill = (
        windows(anatomy, count, lesion=lesion) @ template
        for lesion, count in ((False, round(total * (1 - prior))), (True, round(total * prior)))
    )
    threshold = template.sum() * 0.35 + d**2 / 2 + np.log((1 - prior) / prior)
    right = int((healthy < threshold).sum() + (ill > threshold).sum())
    interval = binomtest(right, total).proportion_ci(0.999)
    assert interval.low < accuracy_at_known_place(d, prior) < interval.high
    assert 0.75 < interval.low  # neither trivial nor hopeless
    assert interval.high < 0.99


def test_the_whole_field_shows_at_least_as_much_as_a_window_of_it_and_little_more():
    anatomy = one_place()
    window = np.sqrt(signal(anatomy) @ np.linalg.solve(covariance(), signal(anatomy)))
    assert window <= detectability(anatomy.lesion, TISSUE.power(SHAPE)) < 1.05 * window


def test_no_lesion_wraps_into_sight():
    tissue = replace(TISSUE, radius=24)
    for seed in range(20):
        anatomy = draw_anatomy(np.random.default_rng(seed), SHAPE, tissue, oblique=False)
        for place in np.argwhere(anatomy.places)[[0, -1]]:
            shown = np.roll(anatomy.lesion, place, axis=(0, 1))[: SHAPE[0], : SHAPE[1]]
            distance = np.hypot(*(np.indices(SHAPE) - place[:, None, None]))
            assert distance[shown > 0].max() <= 1.56 * 24


def test_a_lesion_lies_only_where_it_may():
    anatomy = one_place()
    rng = np.random.default_rng(0)
    quiet = replace(TISSUE, texture=0.0, noise=1e-6)
    with_lesion = draw_mammogram(rng, anatomy, quiet, lesion=True, mirrored=False)
    without = draw_mammogram(np.random.default_rng(0), anatomy, quiet, lesion=False, mirrored=False)
    assert PLACE == np.unravel_index(np.argmax(with_lesion - without), SHAPE)


def test_at_an_unknown_place_an_observer_of_images_comes_up_to_the_bound_and_no_more():
    shape, tissue, images = (48, 36), Tissue(texture=0.05, contrast=0.1, radius=4.8, noise=0.02), 150
    anatomy = draw_anatomy(np.random.default_rng(4), shape, tissue, oblique=True)
    breast = np.nonzero(anatomy.thickness > 0.25)
    rows, columns = breast
    correlation = fft.ifft2(tissue.power(shape)).real[rows[:, None] - rows, columns[:, None] - columns]
    places = np.argwhere(anatomy.places)
    signals = np.stack([np.roll(anatomy.lesion, place, axis=(0, 1))[breast] for place in places], axis=1)
    templates = np.linalg.solve(correlation, signals.astype(float))
    bias = (templates * signals).sum(axis=0) / 2 + np.log(len(places))

    rng, right = np.random.default_rng(1), 0
    for lesion in [False, True] * images:
        image = np.round(WHITE * draw_mammogram(rng, anatomy, tissue, lesion=lesion, mirrored=False)) / WHITE
        content = image[breast] / anatomy.thickness[breast] - anatomy.structures[breast] - 0.35
        right += (logsumexp(content @ templates - bias) > 0) == lesion
    interval = binomtest(int(right), 2 * images).proportion_ci(0.999)

    samples = (draw_evidence(rng, anatomy.lesion, tissue.power(shape), anatomy.places) for _ in range(400))
    bound, _ = ideal_accuracy(*np.array(list(samples)).T, np.diag([0.5, 0.5]))
    assert interval.low < bound < interval.high
    assert 0.75 < bound < 0.95
