"""Names of settings with techniques: read as they are written, and refused with what to write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redl.errors import OptionError
from redl.study.case import Setting
from redl.study.technique import Composition, compose

COMPOSITIONS = st.builds(
    Composition,
    setting=st.sampled_from(Setting),
    recomputing=st.booleans(),
    micro_batch=st.none() | st.integers(1, 999_999),
)


@given(COMPOSITIONS)
def test_a_name_is_read_as_it_is_written(composition):
    assert composition == compose(composition.name)


@pytest.mark.parametrize("setting", Setting)
def test_a_setting_of_the_study_has_no_technique(setting):
    assert Composition(setting=setting) == compose(setting)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ckpt", Composition(setting=Setting.BASELINE, recomputing=True)),
        ("micro2", Composition(setting=Setting.BASELINE, micro_batch=2)),
        ("half+8bit+ckpt", Composition(setting=Setting.HALF_EIGHT_BIT, recomputing=True)),
        ("8bit+stable+micro4", Composition(setting=Setting.STABLE, micro_batch=4)),
    ],
)
def test_techniques_follow_the_setting(name, expected):
    assert expected == compose(name)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("ckpt+amp", "write it as amp"),
        ("micro2+ckpt", r"write it as ckpt\+micro2"),
        ("baseline+ckpt", "write it as ckpt"),
        ("ckpt+ckpt", "write it as ckpt"),
        ("micro2+micro4", "write it as micro2"),
        ("amq+ckpt", "amq is none of the study's; did you mean amp"),
        ("micro0", "micro0 is none of the study's"),
        ("micro", "micro is none of the study's"),
        ("+ckpt", r"write it as|is none of"),
        ("", r"write it as baseline"),
    ],
)
def test_another_name_is_refused_with_what_to_write(name, remedy):
    with pytest.raises(OptionError, match=remedy):
        compose(name)
