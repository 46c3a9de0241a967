"""Groups: what is compared with each other."""

import pytest

from redl.errors import RecordError
from redl.results.report.page.groups import group_name, groups_of, merged
from tests.helpers.changes import replace
from tests.helpers.samples import WHOLE
from tests.helpers.saved import finished, run_of


def test_a_group_is_of_one_scale():
    small = replace(WHOLE, case=replace(WHOLE.case, downsample=4))
    assert "densenet on rsna, S = 4, smoke profile" == group_name(small)


def test_settings_and_seeds_share_a_group():
    (group,) = groups_of([finished(), finished(seed=2), finished(setting="amp")])
    assert 3 == len(group.records)


def test_profiles_are_groups_of_their_own():
    other = replace(WHOLE, case=replace(WHOLE.case, profile="paper"))
    assert 2 == len(groups_of([WHOLE, other]))


def test_runs_are_merged_by_cases():
    records, _ = merged([run_of(finished(seed=1)), run_of(finished(seed=2))])
    assert ["rsna-densenet-baseline-seed1", "rsna-densenet-baseline-seed2"] == list(records)


def test_the_same_record_twice_is_one():
    records, _ = merged([run_of(finished()), run_of(finished())])
    assert 1 == len(records)


def test_two_records_of_one_case_are_refused():
    with pytest.raises(RecordError, match=r"b\.json: has another record of"):
        merged([run_of(finished()), run_of(finished(accuracy=0.1), name="b.json")])
