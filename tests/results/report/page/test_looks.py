"""Looks: settings that are told apart, also without colour."""

import re
from importlib.resources import files

import pytest

from redl.results.report.figures import style
from redl.results.report.page.looks import looks_of
from redl.study.case import Setting

STYLE = files("redl.results.report.page").joinpath("template", "page.css").read_text()
LIGHT, DARK, _ = re.findall(
    r"--raised: (#[0-9a-f]{6})", STYLE
)  # what plots stand on; dark twice, as the system


def luminance(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_no_two_settings_look_alike():
    looks = looks_of(["custom", "another"])
    assert len(looks) == len({(look.colour, look.shape) for look in looks.values()})


def test_the_settings_of_the_paper_have_shapes_of_their_own():
    looks = looks_of([])
    assert 5 == len({looks[name].shape for name in list(Setting)[:5]})


def test_the_settings_of_the_paper_have_dashes_of_their_own():
    looks = looks_of([])
    assert 5 == len({looks[name].dash for name in list(Setting)[:5]})


def test_a_setting_looks_the_same_in_every_run():
    assert looks_of(["custom"])["amp"] == looks_of([])["amp"]


@pytest.mark.parametrize("paper", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize("setting", Setting)
def test_a_mark_stands_out_in_both_themes(paper, setting):
    # WCAG 2.2, 1.4.11: a graphical object has a contrast of 3 to 1.
    assert contrast(looks_of([])[setting].colour, paper) >= 3


@pytest.mark.parametrize("setting", list(Setting)[:5])
def test_a_setting_has_the_shape_that_it_has_in_the_figures(setting):
    shapes = {"o": "circle", "s": "square", "^": "triangle-up", "D": "diamond", "v": "triangle-down"}
    assert shapes[style.looks([setting])[setting].marker] == looks_of([])[setting].shape


def test_a_legend_can_draw_every_shape():
    script = files("redl.results.report.page").joinpath("template", "plots.js").read_text()
    assert [] == [
        look.shape for look in looks_of([]).values() if not re.search(rf'"?{look.shape}"?: "M', script)
    ]
