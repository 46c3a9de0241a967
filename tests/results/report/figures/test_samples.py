"""Sample images and ages of a data set that was described."""

import numpy as np

from redl.data.figure import Histogram
from redl.results.report.figures import Description, gallery
from tests.helpers.saved import finished, run_of


def described(dataset="rsna"):
    ages = Histogram(
        values=np.array([40.0, 41.0, np.nan]),
        labels=np.array([0, 1, 1], np.uint8),
        axis="age (years)",
        counted="subjects",
    )
    return Description(
        dataset=dataset,
        synthetic=True,
        images=np.zeros((4, 8, 8), np.uint8),
        labels=np.array([0, 1, 0, 1], np.uint8),
        histogram=ages,
        classes=("no follow-up", "follow-up"),
    )


def test_a_described_data_set_has_its_samples():
    assert "samples-rsna" == gallery([], [described()]).drawings[0].name


def test_the_caption_says_phantom_and_how_many_ages_are_known():
    caption = gallery([], [described()]).drawings[0].caption
    assert "phantom images of either class of rsna" in caption
    assert "Distribution of age (years) of 2 subjects." in caption


def test_what_is_described_is_not_left_out():
    found = gallery([run_of(finished())], [described()])
    assert "samples-rsna" not in {one.name for one in found.left_out}
