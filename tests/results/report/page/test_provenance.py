"""Provenance: measured, estimated or unavailable, and why."""

from redl.results.report.page.provenance import provenance_of
from tests.helpers.changes import replace
from tests.helpers.samples import WHOLE, broken, component, energy, record


def of(path, *records):
    (found,) = [one for one in provenance_of(records) if one.field.path == path]
    return found


def test_a_measured_figure_counts_as_measured():
    found = of("memory.train_peak_bytes", WHOLE)
    assert (1, 0, 0) == (found.measured, found.estimated, found.unavailable)


def test_an_estimate_counts_as_estimated_and_names_its_sensor():
    reading = energy(component("cpu", 0.5, "estimated", "tdp_model"), energy_wh=0.5, kind="estimated")
    found = of("energy.train.energy_wh", record(energy=reading))
    assert (0, 1, 0) == (found.measured, found.estimated, found.unavailable)
    assert (("cpu estimated: tdp_model", 1),) == found.sources


def test_energy_that_is_unavailable_says_why():
    part = replace(component("cpu", None, "unavailable", None), reason_unavailable="no sensor may be read")
    found = of("energy.train.energy_wh", record(energy=energy(part, energy_wh=None, kind="unavailable")))
    assert (1, (("no sensor may be read", 1),)) == (found.unavailable, found.reasons)


def test_a_case_that_ended_early_gives_its_end_as_the_reason():
    found = of("memory.train_peak_bytes", WHOLE, broken())
    assert (1, (("oom: MemoryError: too large", 1),)) == (found.unavailable, found.reasons)


def test_memory_on_a_gpu_is_the_allocators():
    found = of("memory.train_peak_bytes", record(memory=replace(WHOLE.memory, device="cuda")))
    assert (("the GPU allocator's peak", 1),) == found.sources


def test_an_undefined_score_is_unavailable():
    scores = replace(WHOLE.metrics.test, auc=None)
    found = of("metrics.test.auc", record(metrics=replace(WHOLE.metrics, test=scores)))
    assert (1, (("undefined for these test images or answers", 1),)) == (found.unavailable, found.reasons)


def test_a_missing_figure_takes_the_warning_about_its_section():
    lost = replace(
        WHOLE, memory=replace(WHOLE.memory, train_peak_bytes=None), warnings=("memory of train: lost",)
    )
    assert (("memory of train: lost", 1),) == of("memory.train_peak_bytes", lost).reasons


def test_a_missing_figure_without_a_warning_says_so():
    lost = replace(WHOLE, memory=replace(WHOLE.memory, train_peak_bytes=None))
    assert (("the record gives no reason", 1),) == of("memory.train_peak_bytes", lost).reasons
