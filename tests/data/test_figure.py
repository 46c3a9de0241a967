"""Figure 1 shows samples of either class and a distribution, the same bytes from the same data."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from redl.data.figure import SAMPLES, Histogram, check_figure_path, figure_1
from redl.errors import OptionError

CLASSES = ("no follow-up", "follow-up")


def ages(values=(40, 40, 41, 54), labels=(0, 1, 1, 0), last=None):
    return Histogram(
        values=np.array(values, float),
        labels=np.array(labels, np.uint8),
        axis="age (years)",
        counted="subjects",
        last=last,
    )


def drawn(images=24, histogram=None):
    pixels = np.random.default_rng(1).integers(0, 256, (images, 16, 16), np.uint8)
    labels = np.arange(images, dtype=np.uint8) % 2
    return figure_1(pixels, labels, histogram or ages(), classes=CLASSES), pixels, labels


def shown(figure):
    return [axes.images[0].get_array() for axes in figure.axes if axes.images]


def bars(figure):
    """Return the heights of the positive bars, then of the negative ones."""
    *_, axes = figure.axes
    return [[bar.get_height() for bar in container] for container in axes.containers]


@pytest.fixture(scope="module")
def usual():
    return drawn()


def test_the_samples_are_the_first_of_each_class_positives_first(usual):
    figure, pixels, labels = usual
    expected = [*pixels[labels == 1][:SAMPLES], *pixels[labels == 0][:SAMPLES]]
    np.testing.assert_array_equal(expected, shown(figure))


def test_few_images_leave_places_empty():
    assert 3 == len(shown(drawn(images=3)[0]))


def test_images_are_shown_on_the_scale_of_their_bits(usual):
    assert {(0, 255)} == {axes.images[0].get_clim() for axes in usual[0].axes if axes.images}


def test_a_bar_is_a_year_with_the_classes_stacked(usual):
    positive, negative = bars(usual[0])
    assert [1, 1] + [0] * 13 == positive
    assert [1] + [0] * 13 + [1] == negative


def test_an_unknown_age_is_left_out():
    assert [[1], [0]] == bars(drawn(images=2, histogram=ages([np.nan, 40], [0, 1]))[0])


def test_no_known_age_draws_no_bar():
    assert [[0], [0]] == bars(drawn(images=2, histogram=ages([np.nan], [0]))[0])


def test_values_past_the_last_share_its_bar_which_says_so():
    figure = drawn(images=2, histogram=ages([1, 4, 5, 6], [0, 1, 1, 1], last=4))[0]
    assert [0, 0, 0, 3] == bars(figure)[0]
    assert ["1", "2", "3", "4+"] == [tick.get_text() for tick in figure.axes[-1].get_xticklabels()]


def test_axes_name_what_they_count_with_its_unit(usual):
    axes = usual[0].axes[-1]
    assert ("age (years)", "number of subjects") == (axes.get_xlabel(), axes.get_ylabel())


def test_everything_lies_on_the_page(usual):
    figure = usual[0]
    width, height = figure.get_size_inches() * figure.dpi
    box = figure.get_tightbbox().transformed(figure.dpi_scale_trans)
    assert box.x0 >= 0
    assert box.y0 >= 0
    assert box.x1 <= width
    assert box.y1 <= height


# Of both formats: the PDF's fonts are a file within it.
SAVE_BOTH = """
import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1])
from redl.data.figure import save_figure; from tests.data.test_figure import drawn
for name in ("figure.png", "figure.PDF"): save_figure(drawn(images=4)[0], Path(sys.argv[2]) / name)
print("matplotlib.pyplot" in sys.modules)
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Save a figure twice, in two processes one after another; return their folders and what they printed."""
    folders = [tmp_path_factory.mktemp(name) for name in ("here", "there")]
    command = [sys.executable, "-c", SAVE_BOTH, str(Path(__file__).parents[2])]
    runs = [
        subprocess.run([*command, folder], capture_output=True, text=True, check=True) for folder in folders
    ]
    return folders, [run.stdout.strip() for run in runs]


@pytest.mark.parametrize("name", ["figure.png", "figure.PDF"])
def test_equal_data_draw_equal_bytes(saved, name):
    first, second = ((folder / name).read_bytes() for folder in saved[0])
    assert first == second


@pytest.mark.parametrize("name", ["figure.png", "figure.PDF"])
def test_a_file_shows_neither_when_nor_where_nor_by_what_it_was_made(saved, name):
    content = (saved[0][0] / name).read_bytes()
    words = (b"Software", b"CreationDate", b"Producer", b"Creator", b"Author", str(saved[0][0]).encode())
    assert [] == [word for word in words if word in content]


def test_pyplot_and_its_state_are_not_used(saved):
    assert ["False", "False"] == saved[1]


@pytest.mark.parametrize("name", ["figure.jpg", "figure", "figure.svg"])
def test_another_format_is_refused_by_name(tmp_path, name):
    with pytest.raises(OptionError) as caught:
        check_figure_path(tmp_path / name)
    assert f"{name}: not a figure's name; end it in .png or .pdf" == str(caught.value)
