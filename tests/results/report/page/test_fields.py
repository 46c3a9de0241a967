"""Fields: where a figure is in a record, and how it is written."""

import pytest

from redl.record import HERE, Record
from redl.results.report.page.fields import FIELDS, Field, value_at
from tests.helpers.changes import replace
from tests.helpers.samples import WHOLE, broken, component, energy, record

MEMORY = Field(path="memory.train_peak_bytes", label="memory", unit="MB", digits=0, per=1e6, meaning="peak")
ENERGY = Field(path="energy.train.energy_wh", label="energy", unit="Wh", meaning="energy")


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.path)
def test_every_path_leads_to_a_figure(field):
    assert field.value(WHOLE) is None or isinstance(field.value(WHOLE), int | float)


def test_every_path_is_there_once():
    assert len(FIELDS) == len({field.path for field in FIELDS})


def test_a_figure_is_written_in_its_unit():
    assert "512" == MEMORY.text(WHOLE)


def test_a_figure_that_was_not_measured_is_a_dash_and_never_0():
    assert "\N{EN DASH}" == MEMORY.text(broken())


def test_an_estimate_is_marked():
    estimate = energy(component("cpu", 0.5, "estimated", "model"), energy_wh=0.5, kind="estimated")
    assert "~0.500" == ENERGY.text(record(energy=estimate))


def test_a_measured_figure_is_not_marked():
    measured = energy(component("cpu", 0.5, "measured", "rapl"), energy_wh=0.5, kind="measured")
    assert "0.500" == ENERGY.text(record(energy=measured))


LOADED = replace(WHOLE, placement=replace(HERE, shared=True))
MEASURED = {"energy": energy(component("cpu", 0.5, "measured", "rapl"), energy_wh=0.5, kind="measured")}


@pytest.mark.parametrize("field", [field for field in FIELDS if "s" == field.unit or "Wh" == field.unit])
def test_times_and_energies_under_load_are_marked(field):
    assert field.text(replace(LOADED, **MEASURED)).endswith("!")
    assert not field.text(replace(WHOLE, **MEASURED)).endswith("!")


@pytest.mark.parametrize("field", [field for field in FIELDS if "MB" == field.unit or "" == field.unit])
def test_scores_sizes_and_counts_under_load_are_not_marked(field):
    assert not field.text(LOADED).endswith("!")


def test_only_figures_of_the_phase_that_was_under_load_are_marked():
    busy = replace(WHOLE.conditions.train, foreign_cpu_share=0.5)
    found = record(conditions=replace(WHOLE.conditions, inference=busy), **MEASURED)
    marked = {field.label for field in FIELDS if field.text(found).endswith("!")}
    assert {"latency", "inference energy"} == marked


def test_a_head_has_the_unit():
    assert "memory (MB)" == MEMORY.head


def test_a_path_that_no_record_has_is_an_error():
    with pytest.raises(AttributeError):
        value_at(WHOLE, "memory.nothing")


def test_a_path_ends_where_a_section_is_missing():
    assert (
        value_at(Record(status="oom", reason=None, warnings=(), case=WHOLE.case), "memory.train_peak_bytes")
        is None
    )


def test_a_mean_that_is_not_known_is_a_dash_and_never_0():
    assert "\N{EN DASH}" == MEMORY.written(None)
