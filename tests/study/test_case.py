"""Cases: their names, and the matrix they make."""

import re
from dataclasses import replace

import pytest

from redl.errors import OptionError
from redl.study.case import Case, Dataset, Model, Setting, Study, check_name
from redl.study.profile import PAPER, SMOKE, Pretraining, profile_named


def case(**changes):
    given = {"dataset": Dataset.RSNA, "model": Model.DENSENET, "setting": Setting.AMP_EIGHT_BIT, "seed": 1}
    return Case(**(given | {"profile": "smoke"} | changes))


def test_the_mlp_has_no_activations_worth_computing_again():
    study = Study(profile="smoke", seeds=(1,), datasets=("rsna",), custom_settings=("amp+ckpt", "micro2"))
    with_it = {case.model for case in study.cases() if case.setting == "amp+ckpt"}
    assert set(Model) - {Model.MLP} == with_it
    assert set(Model) == {case.model for case in study.cases() if case.setting == "micro2"}


@pytest.mark.parametrize(
    ("setting", "models"),
    [
        ("amp+head", set(Model) - {Model.MLP}),
        ("lastblock", set(Model) - {Model.MLP}),
        ("8bit+lora", {Model.SWIN, Model.VIT}),
        ("lion8bit", set(Model)),
    ],
)
def test_a_part_is_trained_of_networks_that_have_it(setting, models):
    study = Study(profile="smoke", seeds=(1,), datasets=("rsna",), custom_settings=(setting,))
    assert models == {case.model for case in study.cases() if case.setting == setting}


def test_whether_a_custom_network_has_it_is_seen_when_it_is_built():
    study = Study(profile="smoke", seeds=(1,), models=("mine",), custom_settings=("lora",))
    assert "rsna-mine-lora-seed1" in ids(study.cases())


def test_an_id_names_data_model_setting_and_seed():
    assert "rsna-densenet-amp+8bit-seed1" == case().id


def test_a_downsampled_case_says_so_in_its_id():
    assert "rsna-densenet-amp+8bit-seed1-down4" == case(downsample=4).id


def ids(cases):
    return [case.id for case in cases]


PAPERS = Study(profile="paper", seeds=PAPER.seeds, scales=PAPER.scales)


def test_the_papers_matrix_holds_every_case_once():
    # Six settings of five models, and the stable one of two.
    expected = len(Dataset) * (5 * 6 + 2) * 3
    assert expected == len(set(ids(PAPERS.cases()))) == len(PAPERS.cases())


def test_the_papers_figure_2c_is_densenet_at_three_scales_under_three_settings():
    cases = PAPERS.downsampled_cases()
    assert len(Dataset) * 3 * 3 * 3 == len(set(ids(cases))) == len(cases)
    assert {Model.DENSENET} == {case.model for case in cases}
    assert {2, 4, 8} == {case.downsample for case in cases}


def test_no_case_is_in_both():
    assert not set(ids(PAPERS.cases())) & set(ids(PAPERS.downsampled_cases()))


def test_a_baseline_comes_before_what_is_compared_with_it():
    cases = Study(profile="smoke", seeds=(1, 2)).cases()
    baselines = {replace(case, setting="") for case in cases if case.setting == Setting.BASELINE}
    seen = set()
    for case in cases:
        seen |= {replace(case, setting="")} if case.setting == Setting.BASELINE else set()
        assert replace(case, setting="") in seen
    assert baselines == seen


def test_stable_state_is_for_transformers():
    stable = {case.model for case in PAPERS.cases() if case.setting == Setting.STABLE}
    assert {Model.SWIN, Model.VIT} == stable


def test_bfloat16_settings_are_there_where_the_hardware_has_both_formats():
    bfloat16 = {Setting.AMP_BF16, Setting.HALF_BF16}
    assert not bfloat16 & {case.setting for case in PAPERS.cases()}
    assert bfloat16 < {case.setting for case in replace(PAPERS, bfloat16=True).cases()}


def test_models_and_settings_of_ones_own_join_the_study():
    study = Study(
        profile="smoke", seeds=(1,), datasets=("rsna",), models=("vit", "mine"), custom_settings=("sgd",)
    )
    assert {"rsna-vit-sgd-seed1", "rsna-mine-sgd-seed1", "rsna-mine-half-seed1"} < set(ids(study.cases()))


def test_models_that_were_asked_for_are_downsampled():
    study = Study(profile="smoke", seeds=(1,), scales=(4,), models=("vit",), named=True)
    assert "rsna-vit-amp+8bit-seed1-down4" in ids(study.downsampled_cases())


@pytest.mark.parametrize("name", ["resnet50", "vit_base_patch16_224.augreg_in21k", "half+sgd"])
def test_a_name_that_an_id_can_hold_is_taken(name):
    check_name(name, "model", Model)


@pytest.mark.parametrize("name", ["", "Net", "a-b", "a b", "1net", "a[b]", "vit"])
def test_a_name_that_an_id_cannot_hold_or_that_is_taken_is_refused(name):
    with pytest.raises(OptionError, match=r"model '.*': begin with a small letter.*densenet, swin"):
        check_name(name, "model", Model)


def test_every_id_can_be_read_back():
    grammar = re.compile(
        r"(?P<dataset>[a-z][a-z0-9_.+]*)-(?P<model>[a-z][a-z0-9_.+]*)-(?P<setting>[a-z0-9][a-z0-9_.+]*)"
        r"-seed(?P<seed>\d+)(-down(?P<downsample>\d+))?"
    )
    for case in PAPERS.cases() + PAPERS.downsampled_cases():
        found = grammar.fullmatch(case.id).groupdict(default="1")
        expected = {name: str(getattr(case, name)) for name in found}
        assert expected == found


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


def test_a_models_own_schedule_overrides_its_profiles():
    swin, other = SMOKE.of("swin"), SMOKE.of("resnet18")
    assert (3, 10) == (other.epochs, swin.epochs)
    assert SMOKE.batch_size == swin.batch_size
    assert () == swin.schedules == other.schedules


def test_sizes_that_are_not_the_profiles_are_told():
    changed = replace(SMOKE, epochs=1, seeds=(1, 2), pretraining=Pretraining.TRY)
    assert {"epochs": 1, "seeds": "1 2", "pretraining": "try"} == changed.overrides("resnet18")
    assert {} == SMOKE.overrides("swin")
