"""What is to be fitted into a budget, and how it is called."""

import pytest

from redl.study.budgeted import Budgeted, budgeted
from redl.study.case import Study


@pytest.mark.parametrize(
    ("size", "end"),
    [
        (4 * 10**9, "cap4g"),
        (512 * 10**6, "cap512m"),
        (4 * 2**30, "cap4gi"),
        (1_500_000_000, "cap1500m"),
        (1_234_567, "cap1_23457m"),
    ],
)
def test_an_id_ends_in_the_cap_as_k_can_spell_it(size, end):
    assert f"vit-amp+8bit-{end}" == Budgeted(model="vit", setting="amp+8bit", cap_bytes=size).id


def test_each_model_and_setting_comes_once_under_each_cap_the_largest_first():
    cases = Study(profile="tiny", seeds=(1, 2), models=("mlp",)).cases()
    found = budgeted(cases, (1, 3))
    assert len({one.id for one in found}) == len(found)
    assert [3, 1] == [one.cap_bytes for one in found[:2]]
    assert "half" not in {one.setting for one in found}
    assert {"mlp"} == {one.model for one in found}
