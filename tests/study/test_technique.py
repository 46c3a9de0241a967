"""Names of settings with techniques: read as they are written, and refused with what to write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redl.errors import OptionError
from redl.study.case import Setting, TrainedPart
from redl.study.technique import Composition, OtherOptimizer, compose


def agrees(composition):
    eight_bit = "8bit" in composition.setting
    return not (composition.optimizer and eight_bit) and not (
        composition.trained is TrainedPart.HEAD and composition.recomputing
    )


COMPOSITIONS = st.builds(
    Composition,
    setting=st.sampled_from(Setting),
    optimizer=st.none() | st.sampled_from(OtherOptimizer),
    trained=st.none() | st.sampled_from(TrainedPart),
    recomputing=st.booleans(),
    micro_batch=st.none() | st.integers(1, 999_999),
).filter(agrees)


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
        ("lora", Composition(setting=Setting.BASELINE, trained=TrainedPart.LORA)),
        ("half+sgd8bit", Composition(setting=Setting.HALF, optimizer=OtherOptimizer.SGD_8BIT)),
        (
            "amp+lion8bit+lastblock+ckpt+micro2",
            Composition(
                setting=Setting.AMP,
                optimizer=OtherOptimizer.LION_8BIT,
                trained=TrainedPart.LAST_BLOCK,
                recomputing=True,
                micro_batch=2,
            ),
        ),
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
        ("head+lion8bit", r"write it as lion8bit\+head"),
        ("ckpt+lora", r"write it as lora\+ckpt"),
        ("lora+amp", r"write it as amp\+lora"),
        ("lora+lora", "write it as lora"),
        ("adafactor+adafactor", "write it as adafactor"),
        ("lion8bit+adafactor", "lion8bit and adafactor are two optimizers; leave out one"),
        ("8bit+lion8bit", "lion8bit takes the place of Adam, and 8bit is Adam's state; leave out one"),
        ("half+8bit+adafactor", "adafactor takes the place of Adam"),
        ("8bit+stable+sgd8bit", "sgd8bit takes the place of Adam"),
        ("head+lora", "head and lora each say what is trained; leave out one"),
        ("lastblock+head+lora", "lastblock and head and lora each say what is trained"),
        ("head+ckpt", "head keeps no activations that ckpt could compute again; leave out ckpt"),
        ("lora8", "lora8 is none of the study's"),
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
