"""Groups: what is compared with each other."""

from redl.results.report.page.groups import group_name, groups_of
from tests.helpers.changes import replace
from tests.helpers.samples import WHOLE
from tests.helpers.saved import finished


def test_a_group_is_of_one_scale():
    small = replace(WHOLE, case=replace(WHOLE.case, downsample=4))
    assert "densenet on rsna, S = 4, smoke profile" == group_name(small)


def test_settings_and_seeds_share_a_group():
    (group,) = groups_of([finished(), finished(seed=2), finished(setting="amp")])
    assert 3 == len(group.records)


def test_profiles_are_groups_of_their_own():
    other = replace(WHOLE, case=replace(WHOLE.case, profile="paper"))
    assert 2 == len(groups_of([WHOLE, other]))
