"""Settings can be distinguished by colour and, in grey, by marker."""

from redl.results.report.figures.style import looks
from redl.study.case import Setting

OKABE_ITO = {"#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"}


def test_each_setting_of_the_study_has_a_marker_of_its_own():
    assert len(Setting) == len({look.marker for look in looks(list(Setting)).values()})


def test_colours_are_those_of_okabe_and_ito():
    assert {look.colour for look in looks(list(Setting)).values()} <= OKABE_ITO


def test_custom_settings_differ_from_the_studys_by_hollow_markers():
    found = looks(["amp", "frugal", "sparse"])
    assert [False, True, True] == [look.hollow for look in found.values()]
    assert "white" == found["frugal"].line()["markerfacecolor"]


def test_custom_settings_differ_from_each_other():
    found = looks(["frugal", "sparse"])
    assert found["frugal"].marker != found["sparse"].marker
