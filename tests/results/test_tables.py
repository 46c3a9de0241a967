"""The table: every figure with its unit, its star and its provenance."""

import pytest

from redl.record import HERE, Conditions, Status
from redl.results.checks import check_case
from redl.results.printed import printed_rows
from redl.results.tables import tables
from redl.study.case import Setting
from redl.study.profile import PAPER, SMOKE
from tests.helpers.changes import replace
from tests.helpers.samples import DIVERGED, PHASE_CONDITIONS, WHOLE, broken, component, energy, record


def table(*records):
    return tables([check_case(found, SMOKE, WHOLE) for found in records], width=200)


def row(*records):
    return [cell.strip() for cell in table(*records).splitlines()[4].strip("│").split("│")]


def test_a_row_holds_what_a_case_scored_and_cost():
    expected = [
        "rsna",
        "densenet",
        "baseline",
        "1",
        "6.9",
        "0.900",
        "512",
        "12.3",
        "1.50",
        "-",
        "is the baseline",
    ]
    assert expected == row(WHOLE)


def test_a_diverged_case_is_starred():
    assert "0.900*" in row(record(Setting.AMP, status=Status.DIVERGED, divergence=DIVERGED))


def test_a_case_that_did_not_finish_says_so_and_has_no_figures():
    cells = row(broken())
    assert ["-"] * 6 == cells[4:10]
    assert "did not finish: oom: MemoryError: too large" == cells[10]


def test_a_reason_with_brackets_stands_as_it_is():
    found = broken()
    assert "ValueError: [/x] :smile:" in table(replace(found, reason="ValueError: [/x] :smile:"))


def test_what_was_not_compared_says_so():
    assert "not compared: nothing in this run" in tables(
        [check_case(record(Setting.AMP), SMOKE, None)], width=200
    )


def test_the_title_distinguishes_phantoms_from_real_images():
    assert "Table 1, smoke profile, phantom images" in table(WHOLE)


def test_the_majority_class_stands_below():
    assert "(majority class: rsna 0.700)" in table(WHOLE)


def test_a_warning_that_changes_how_to_read_the_table_stands_below_once():
    slow = record(Setting.AMP, warnings=("recipe: this CPU is slow", "memory: not read"))
    text = table(slow, slow)
    assert 1 == text.count("note: recipe: this CPU is slow")
    assert "memory: not read" not in text


MEASURED = component("gpu", 12.3, "measured", "nvml_energy_counter")
GUESSED = component("cpu", 1.5, "estimated", "tdp_model")
MISSING = component("cpu", None, "unavailable", None)


@pytest.mark.parametrize(
    ("spent", "cell"),
    [
        (energy(MEASURED, energy_wh=12.3), "12.30"),
        (energy(MEASURED, GUESSED, energy_wh=13.8, kind="estimated"), "~13.80"),
        (energy(MEASURED, MISSING, energy_wh=None, partial_wh=12.3, kind="unavailable"), "12.30+"),
        (energy(MISSING, energy_wh=None, kind="unavailable"), "-"),
    ],
    ids=["measured", "estimated", "in part", "missing"],
)
def test_energy_shows_how_sure_it_is(spent, cell):
    assert cell == row(record(energy=spent))[9]


def test_the_legend_names_what_each_component_was_read_by():
    spent = energy(MEASURED, MISSING, energy_wh=None, partial_wh=12.3, kind="unavailable")
    assert "gpu measured by nvml_energy_counter, cpu unavailable;" in table(record(energy=spent))


def test_the_time_of_inference_is_the_mean_of_its_passes():
    slow = replace(WHOLE.inference, seconds=9.0, passes=3)
    assert "3.00" == row(record(inference=slow))[8]


def test_why_a_setting_saves_little_memory_is_a_note_once():
    spares = record(Setting.EIGHT_BIT, memory=replace(WHOLE.memory, explanation="activations take the rest"))
    assert 1 == table(spares, spares).count("note: densenet 8bit, memory: activations take the rest")


def case(found, **changes):
    return replace(found, case=replace(found.case, **changes))


def test_the_mlp_and_efficientnet_stand_in_table_2_and_downsampled_cases_in_figure_2c():
    text = table(case(WHOLE, downsample=4), case(WHOLE, model="mlp"), case(WHOLE, model="swin"))
    titles = [line.strip() for line in text.splitlines() if "profile" in line]
    assert [
        f"{name}, smoke profile, phantom images" for name in ("Table 1", "Table 2", "Figure 2C")
    ] == titles


def test_a_downsampled_case_shows_its_scale():
    assert ["1", "4"] == row(case(WHOLE, downsample=4))[3:5]


def test_changed_sizes_have_their_own_tables_which_name_the_change():
    changed = record(recipe=replace(WHOLE.recipe, overrides={"epochs": 1, "seeds": "1 2"}))
    text = table(WHOLE, changed)
    assert "Table 1, smoke profile, phantom images" in text
    assert "Table 1, smoke profile, epochs=1, phantom images" in text


def test_profiles_never_share_a_table():
    text = table(WHOLE, case(WHOLE, profile="paper"))
    assert "Table 1, smoke profile" in text
    assert "Table 1, paper profile" in text


def test_a_reduced_network_says_so():
    reduced = record(recipe=replace(WHOLE.recipe, reduced=True))
    assert "densenet (reduced)" in row(reduced)
    assert "reduced: made small for a laptop" in table(reduced)
    assert "reduced" not in table(WHOLE)


def test_a_case_that_ended_early_stands_with_its_run():
    assert 1 == table(broken(), WHOLE).count("Table 1")


def test_several_seeds_are_averaged_below():
    text = table(WHOLE, case(record(accuracy=0.8), seed=2))
    assert "Table 1, smoke profile, phantom images, over seeds 1, 2" in text
    assert "0.850 ± 0.071" in text


def test_one_seed_is_not_averaged():
    assert "over seeds" not in table(WHOLE, record(Setting.AMP))


def test_diverged_seeds_stay_in_the_mean_and_are_counted():
    lost = case(record(accuracy=0.6, divergence=DIVERGED), seed=2)
    text = table(WHOLE, lost, case(record(accuracy=0.9), seed=3))
    (averaged,) = [line for line in text.splitlines() if "│" in line and "±" in line]
    cells = [cell.strip() for cell in averaged.strip("│").split("│")]
    assert "0.800 ± 0.173*" == cells[4]
    assert ["1/3 (0.01 to 0.91)", "0.900 ± 0.000"] == cells[-2:]
    assert "* diverged (hard)" in text


def test_where_none_diverged_the_converged_have_no_column():
    assert "converged" not in table(WHOLE, case(WHOLE, seed=2))


PRINTED = printed_rows()


def papers(**changes):
    """Lay out two seeds of the paper's profile beside what it printed."""
    given = {"data": replace(WHOLE.data, synthetic=False)} | changes
    seeds = [case(record(Setting.EIGHT_BIT, **given), profile="paper", seed=seed) for seed in (1, 10)]
    return tables([check_case(found, PAPER, None) for found in seeds], width=200, printed=PRINTED)


def test_the_papers_figures_stand_beside_its_profile_on_real_images():
    assert "printed P_T" in papers()
    assert "0.743 ± 0.003" in papers()


def test_they_do_not_stand_beside_phantoms_nor_other_sizes():
    assert "printed" not in papers(data=WHOLE.data)
    assert "printed" not in papers(recipe=replace(WHOLE.recipe, overrides={"epochs": 1}))
    assert "printed" not in papers(recipe=replace(WHOLE.recipe, overrides={"pretraining": "no"}))


def test_they_do_not_stand_beside_downsampled_cases():
    found = [
        case(record(data=replace(WHOLE.data, synthetic=False)), profile="paper", seed=seed, downsample=4)
        for seed in (1, 10)
    ]
    assert "printed" not in tables(
        [check_case(one, PAPER, None) for one in found], width=200, printed=PRINTED
    )


def test_a_case_that_ended_early_stands_with_those_of_its_data():
    lidc, lost = case(WHOLE, dataset="lidc"), case(broken(), dataset="lidc")
    text = table(record(data=replace(WHOLE.data, synthetic=False)), lidc, lost)
    phantoms, real = text.split("Table 1, smoke profile, real images")
    assert "did not finish" in phantoms
    assert "did not finish" not in real


def test_energy_over_seeds_is_a_part_where_every_seed_has_the_same_part():
    spent = energy(MEASURED, MISSING, energy_wh=None, partial_wh=12.3, kind="unavailable")
    text = table(record(energy=spent), case(record(energy=spent), seed=2))
    assert 3 == text.count("12.30+")


def test_no_head_is_cut_at_the_narrowest_width():
    found = record(
        Setting.EIGHT_BIT,
        divergence=DIVERGED,
        data=replace(WHOLE.data, synthetic=False),
        energy=energy(MEASURED, energy_wh=104.3),
    )
    seeds = [case(found, profile="paper", model="efficientnet", seed=seed) for seed in (1, 10)]
    assert "…" not in tables([check_case(one, PAPER, None) for one in seeds], width=120, printed=PRINTED)


def test_times_and_energies_of_cases_that_shared_a_device_are_marked_and_it_is_said_why():
    text = table(replace(WHOLE, placement=replace(HERE, shared=True)))
    assert "! taken while other cases of the run could use the same processors or GPU: no figure" in text
    (row,) = (line for line in text.splitlines() if "densenet" in line)
    assert 3 == sum(cell.strip().endswith("!") for cell in row.split("│"))


def test_a_table_of_two_machines_says_so_and_has_no_costs_over_them():
    there = replace(WHOLE, environment=WHOLE.environment | {"cpu": "another processor", "usable_cores": 8})
    text = table(WHOLE, case(there, seed=2))
    assert (
        "the cases ran under more than one fingerprint (cpu, usable_cores differ): none is compared" in text
    )
    last = next(line for line in reversed(text.splitlines()) if "densenet" in line)
    assert 4 == [cell.strip() for cell in last.split("│")].count("-")


def test_a_table_of_one_machine_says_nothing_of_fingerprints():
    assert "fingerprint" not in table(WHOLE, case(WHOLE, seed=2))


def test_times_and_energies_taken_under_foreign_load_are_marked():
    busy = replace(PHASE_CONDITIONS, foreign_cpu_share=0.5)
    quiet = replace(PHASE_CONDITIONS, foreign_cpu_share=0.0)
    loaded = replace(WHOLE, conditions=Conditions(train=busy, inference=quiet))
    text = table(loaded, case(loaded, seed=2))
    assert "! taken while others used the machine" in text
    rows = [line for line in text.splitlines() if "densenet" in line]
    assert 3 == len(rows)
    assert [2] * 3 == [sum(cell.strip().endswith("!") for cell in line.split("│")) for line in rows]
    assert "!" not in table(replace(WHOLE, conditions=Conditions(train=quiet, inference=quiet)))
