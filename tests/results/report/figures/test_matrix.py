"""Records are laid out by data set and profile, models and settings in the study's order."""

from redl.results.report.figures.matrix import MATRICES, MODELS, SETTINGS, matrices
from tests.helpers.changes import replace
from tests.helpers.samples import ELSEWHERE, WHOLE, broken
from tests.helpers.saved import finished, run_of
from tests.results.report.figures.replayed import replayed


def matrix_of(*records):
    [found], _ = matrices([run_of(*records)])
    return found


def test_settings_stand_in_the_studys_order_and_custom_ones_last():
    found = matrix_of(*(finished(setting) for setting in ("frugal", "8bit", "baseline", "amp")))
    assert ["baseline", "amp", "8bit", "frugal"] == found.settings


def test_models_stand_in_the_studys_order():
    found = matrix_of(*(finished(model=model) for model in ("resnet18", "mlp", "densenet")))
    assert ["densenet", "mlp", "resnet18"] == list(found.models)


def test_a_profile_has_a_matrix_of_its_own():
    other = replace(finished(), case=replace(WHOLE.case, profile="paper"))
    found, _ = matrices([run_of(finished()), run_of(other)])
    assert ["smoke", "paper"] == [one.profile for one in found]


def test_real_images_are_not_mixed_with_phantoms():
    real = finished(seed=2, data=replace(WHOLE.data, synthetic=False))
    found, _ = matrices([run_of(finished()), run_of(real)])
    assert [True, False] == [one.synthetic for one in found]


def test_only_a_model_whose_settings_ran_on_two_machines_has_no_costs():
    there = {"environment": ELSEWHERE}
    mlp = (finished(setting, model="mlp", **there) for setting in ("baseline", "amp"))
    found = matrix_of(finished(), finished("amp", **there), *mlp)
    peaks = [cell.aggregate.train_peak_bytes for cell in found.cells]
    assert [None, None, 512_000_000, 512_000_000] == peaks
    assert ("densenet ran under more than one fingerprint, across which no resources are compared",) == (
        found.capped
    )


def test_the_same_case_in_two_runs_counts_once():
    found, _ = matrices([run_of(finished(), name="a.json"), run_of(finished(), name="b.json")])
    assert (1,) == next(found[0].cells).aggregate.seeds


def test_seeds_of_two_runs_are_of_one_cell():
    found, _ = matrices([run_of(finished()), run_of(finished(seed=2))])
    assert (1, 2) == next(found[0].cells).aggregate.seeds


def test_a_case_that_broke_belongs_to_the_others_of_its_run():
    found = matrix_of(finished(), broken("amp"))
    assert 1 == found.models["densenet"][1].aggregate.broken


def test_downsampled_cases_are_kept_from_those_in_full_size():
    small = finished(case=replace(WHOLE.case, downsample=4))
    found = matrix_of(finished(), small)
    assert [1] == [cell.downsample for cell in found.cells]
    assert [1, 4] == [cell.downsample for cell in found.scaled["densenet"]]


def test_seven_models_take_two_pages():
    found = matrix_of(*(finished(model=f"m{number}") for number in range(7)))
    assert [6, 1] == [len(page.models) for page in found.pages()]


def test_more_models_than_can_be_told_apart_are_counted_not_drawn():
    found = matrix_of(*(finished(model=f"m{number:02}") for number in range(MODELS + 3)))
    assert MODELS == len(found.models)
    assert (f"the first {MODELS} of {MODELS + 3} models are drawn",) == found.capped


def test_the_studys_models_are_drawn_however_many_come_before_them():
    names = [*(f"m{number:02}" for number in range(MODELS)), "vit"]
    assert "vit" in matrix_of(*(finished(model=name) for name in names)).models


def test_the_baseline_is_drawn_however_many_settings_come_before_it():
    names = [*(f"s{number:02}" for number in range(SETTINGS)), "baseline"]
    assert "baseline" in matrix_of(*map(finished, names)).settings


def test_more_data_sets_than_can_be_drawn_are_counted():
    cases = [replace(WHOLE.case, dataset=f"data{number}") for number in range(MATRICES + 1)]
    found, said = matrices([run_of(*(finished(case=case) for case in cases))])
    assert MATRICES == len(found)
    assert [f"1 more data sets or profiles than the first {MATRICES}"] == said


def test_answers_are_those_of_the_run():
    [found], _ = matrices([replayed(models=("mlp",), datasets=("lidc",))])
    assert {(1, 2, 3)} == {cell.arm.seeds for cell in found.cells}


def test_without_answers_the_matrix_says_why():
    assert "predictions were not saved" in matrix_of(finished()).unanswered
