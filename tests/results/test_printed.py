"""The paper's tables as printed, and the cells that they put in doubt themselves."""

import pytest

from redl.results.printed import printed_rows
from redl.study.case import Dataset, Model, Setting

ROWS = {(row.dataset, row.model, row.setting): row for row in printed_rows()}


def test_every_printed_row_is_there_once():
    assert 30 + 10 == len(ROWS) == len(printed_rows())


def test_every_row_is_of_a_case_of_the_study():
    for dataset, model, setting in ROWS:
        assert (dataset, model, setting) == (Dataset(dataset), Model(model), Setting(setting))


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (("rsna", "densenet", "baseline"), (0.738, 0.005, False, 6.6, 361.3, 2.7, 104.2)),
        (("rsna", "vit", "amp+8bit"), (0.665, 0.020, True, 4.7, 132.6, 1.9, 21.0)),
        (("lidc", "swin", "half+8bit"), (0.704, 0.007, False, 9.9, 401.0, 5.6, 64.1)),
        (("rsna", "mlp", "half+8bit"), (0.680, 0.005, False, 0.1, 27.3, 0.2, 2.4)),
        (("rsna", "efficientnet", "amp"), (0.692, 0.005, False, 7.8, 4027.3, 4.9, 618.4)),
    ],
)
def test_figures_are_those_printed(row, expected):
    found = ROWS[row]
    assert expected == (
        found.accuracy_mean,
        found.accuracy_sd,
        found.diverged,
        found.gpu_memory_gb,
        found.train_time_s,
        found.inference_time_s,
        found.energy_wh,
    )


def test_every_source_is_the_paper():
    assert {"paper"} == {row.source for row in ROWS.values()}


def test_three_rows_are_starred():
    starred = {key for key, row in ROWS.items() if row.diverged}
    assert {
        ("rsna", "swin", "amp+8bit"),
        ("rsna", "vit", "amp+8bit"),
        ("rsna", "vit", "half+8bit"),
    } == starred


def doubtful(field):
    return {key for key, row in ROWS.items() if field in row.doubtful}


def test_figures_that_are_the_same_on_both_data_sets_are_doubtful():
    repeated = {
        key
        for key, row in ROWS.items()
        if key[1] == "densenet" and row.energy_wh == ROWS["rsna", "densenet", key[2]].energy_wh
    }
    assert repeated <= doubtful("energy_wh")
    assert 10 == len(repeated)
    assert {key for key in ROWS if key[1] == "densenet"} == doubtful("gpu_memory_gb") - {
        ("rsna", "efficientnet", "amp+8bit"),
        ("rsna", "efficientnet", "half+8bit"),
    }


def test_swins_energies_that_stand_in_both_data_sets_are_doubtful():
    values = {d: {row.energy_wh for key, row in ROWS.items() if key[:2] == (d, "swin")} for d in Dataset}
    shared = values["rsna"] & values["lidc"]
    expected = {key for key, row in ROWS.items() if key[1] == "swin" and row.energy_wh in shared}
    assert {86.1, 109.8, 118.5} == shared
    assert expected == {key for key in doubtful("energy_wh") if key[1] == "swin"}


def test_the_repeated_rows_of_table_2_are_doubtful():
    first, second = (ROWS["rsna", "efficientnet", setting] for setting in ("amp+8bit", "half+8bit"))
    assert first.doubtful == second.doubtful
    assert all(getattr(first, field) == getattr(second, field) for field in first.doubtful)
    assert first.inference_time_s != second.inference_time_s


def test_a_doubt_has_its_reason():
    assert all(bool(row.doubtful) == (row.note is not None) for row in ROWS.values())
