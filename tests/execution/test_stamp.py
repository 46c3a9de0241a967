"""The stamp of a case: equal where nothing differs, and what differs is named."""

from dataclasses import replace

import pytest

from redl.execution.job import RunOptions
from redl.execution.stamp import stamp_of
from redl.metering.assumptions import Assumptions
from redl.study.case import Case
from redl.study.custom import CustomModel, CustomSetting, Function
from redl.study.profile import SMOKE, TINY

CASE = Case(dataset="rsna", model="mlp", setting="baseline", seed=1, profile="smoke")
OPTIONS = RunOptions(profile=SMOKE)


def difference(options, case=CASE, data="f"):
    return stamp_of(case, options, data).difference(stamp_of(CASE, OPTIONS, "f"))


def test_equal_cases_have_equal_stamps():
    assert difference(RunOptions(profile=SMOKE)) is None


def test_what_only_judges_or_bounds_a_case_does_not_count():
    profile = replace(SMOKE, seeds=(1, 2), scales=(2,), tolerance=0.5)
    assert difference(replace(OPTIONS, profile=profile, timeout_s=5.0)) is None


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (replace(OPTIONS, profile=replace(SMOKE, batch_size=8)), "batch_size differs"),
        (replace(OPTIONS, profile=TINY), "batch_size differs"),
        (replace(OPTIONS, tf32=True), "tf32 differs"),
        (replace(OPTIONS, plain=True), "plain differs"),
        (replace(OPTIONS, settle_s=1.0), "settle_s differs"),
        (replace(OPTIONS, half_dtype="float16"), "half_dtype differs"),
        (replace(OPTIONS, assumptions=Assumptions(pue=1.5)), "pue differs"),
        (
            replace(OPTIONS, custom_models={"mlp": CustomModel(name="other", timm="resnet18")}),
            "model differs",
        ),
    ],
)
def test_what_differs_is_named(options, expected):
    assert expected == difference(options)


def test_a_schedule_of_another_model_does_not_count():
    schedules = tuple(replace(one, epochs=99) if one.model == "vit" else one for one in SMOKE.schedules)
    assert difference(replace(OPTIONS, profile=replace(SMOKE, schedules=schedules))) is None


def test_other_data_differ():
    assert "the data differ" == difference(OPTIONS, data="e")


def test_a_changed_file_of_a_custom_setting_differs(tmp_path):
    file = tmp_path / "own.py"
    file.write_text("def sgd(device): return 1\n")
    setting = CustomSetting(name="sgd", configure=Function(file=file, name="sgd"))
    options = replace(OPTIONS, custom_settings={"sgd": setting})
    case = replace(CASE, setting="sgd")
    before = stamp_of(case, options, "f")
    assert stamp_of(case, options, "f").difference(before) is None
    file.write_text("def sgd(device): return 2\n")
    assert "setting differs" == stamp_of(case, options, "f").difference(before)


def test_another_file_of_weights_differs(tmp_path):
    options = replace(OPTIONS, weights=tmp_path)
    before = stamp_of(CASE, options, "f")
    (tmp_path / "vit.safetensors").write_bytes(b"1")
    assert "weights differs" == stamp_of(CASE, options, "f").difference(before)


def test_no_path_or_host_is_in_a_stamp(tmp_path):
    stamp = stamp_of(CASE, replace(OPTIONS, weights=tmp_path), "f")
    assert "/" not in str([*stamp.settings.values(), stamp.environment["platform"]])
