"""The table: every figure with its unit, its star and its provenance."""

from dataclasses import replace

import pytest

from redl.case import Setting
from redl.profile import SMOKE
from redl.record import Divergence, Status
from redl.results.judgement import judge
from redl.results.tables import table_1
from samples import WHOLE, broken, component, energy, record

DIVERGED = Divergence(ever=True, final=True, first_epoch=2, reasons=("loss not finite in epoch 2",))


def table(*records):
    return table_1([judge(found, SMOKE, WHOLE) for found in records], width=200)


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
    assert "not compared: no baseline" in table_1([judge(record(Setting.AMP), SMOKE, None)], width=200)


def test_the_title_tells_phantoms_from_real_images():
    assert "Table 1, smoke profile, phantom images" in table(WHOLE)


def test_the_majority_class_stands_below():
    assert "(majority class 0.700)" in table(WHOLE)


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
