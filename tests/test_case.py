"""Cases: their names, and the matrix they make."""

import pytest

from redl.case import Case, Dataset, Model, Setting, matrix
from redl.errors import OptionError
from redl.profile import PAPER, SMOKE, profile_named


def case(**changes):
    given = {"dataset": Dataset.RSNA, "model": Model.DENSENET, "setting": Setting.AMP_EIGHT_BIT, "seed": 1}
    return Case(**(given | {"profile": "smoke"} | changes))


def test_an_id_names_data_model_setting_and_seed():
    assert "rsna-densenet-amp+8bit-seed1" == case().id


def test_a_downsampled_case_says_so_in_its_id():
    assert "rsna-densenet-amp+8bit-seed1-down4" == case(downsample=4).id


def test_the_matrix_holds_every_setting_of_every_seed_once():
    cases = matrix("paper", PAPER.seeds)
    assert len(Dataset) * len(Model) * len(Setting) * 3 == len({case.id for case in cases}) == len(cases)


def test_a_baseline_comes_before_what_is_compared_with_it():
    settings = [case.setting for case in matrix("smoke", SMOKE.seeds)]
    assert 0 == settings.index(Setting.BASELINE)


@pytest.mark.parametrize(
    ("setting", "traits"),
    [
        (Setting.BASELINE, (False, False, False)),
        (Setting.AMP, (True, False, False)),
        (Setting.EIGHT_BIT, (False, True, False)),
        (Setting.AMP_EIGHT_BIT, (True, True, False)),
        (Setting.HALF_EIGHT_BIT, (False, True, True)),
        (Setting.HALF, (False, False, True)),
    ],
)
def test_a_setting_is_what_its_name_says(setting, traits):
    assert traits == (setting.autocast, setting.eight_bit, setting.half)


def test_the_paper_profile_is_the_published_protocol():
    published = (50, 5, 32, 1e-5, 256, (1, 10, 100))
    profile = profile_named("paper")
    assert published == (
        profile.epochs,
        profile.patience,
        profile.batch_size,
        profile.learning_rate,
        profile.image_size,
        profile.seeds,
    )


def test_an_unknown_profile_is_refused_by_name():
    with pytest.raises(OptionError, match=r"unknown profile 'huge': use one of smoke, paper, tiny"):
        profile_named("huge")
