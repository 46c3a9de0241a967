"""Captions say from what a figure is drawn."""

from redl.record import EnergyKind
from redl.results.report.figures.caption import caption, energy_words, load_words, memory_words, name_of
from redl.results.report.figures.matrix import matrices
from tests.helpers.changes import replace
from tests.helpers.samples import DIVERGED, WHOLE, broken, component, energy
from tests.helpers.saved import finished, run_of
from tests.results.report.figures.made import made


def matrix_of(*records):
    [matrix], _ = matrices([run_of(*records)])
    return matrix


def said(*records):
    matrix = matrix_of(*records)
    return caption(["what"], matrix, matrix.cells)


def spent(kind):
    return energy(component("gpu", 1.0, kind, "nvml"), energy_wh=1.0, kind=kind)


def test_a_caption_says_images_profile_seeds_and_patients():
    expected = "What. Data: rsna, phantom images, smoke profile; 1 seed, 20 test patients."
    assert expected == said(finished())


def test_real_images_are_called_real():
    real = replace(WHOLE.data, synthetic=False)
    assert "rsna, real images" in said(finished(data=real))


def test_small_networks_are_said_to_be():
    assert "networks made small" in said(finished(recipe=replace(WHOLE.recipe, reduced=True)))


def test_unequal_numbers_of_seeds_are_a_range():
    assert "1 to 2 seeds" in said(finished(), finished(seed=2), finished("amp"))


def test_a_diverged_case_is_counted():
    assert "1 diverged case is among them." in said(finished(divergence=DIVERGED))


def test_a_case_that_did_not_finish_is_counted():
    assert "1 case did not finish and cannot be shown." in said(finished(), broken("amp"))


def test_estimated_energy_is_called_so():
    cells = made(baseline={"kind": "estimated"}).cells
    assert "energy of training is estimated" == energy_words(cells)


def test_two_kinds_of_energy_are_both_named():
    both = matrix_of(finished(energy=spent("measured")), finished("amp", energy=spent(EnergyKind.ESTIMATED)))
    assert "energy of training is measured for some and estimated for others" == energy_words(both.cells)


def test_unavailable_energy_is_not_called_anything():
    assert "" == energy_words(matrix_of(finished()).cells)


def test_memory_of_a_cpu_is_resident_growth():
    assert "growth of the process's resident memory" in memory_words(matrix_of(finished()).cells)


def test_foreign_load_is_a_warning():
    phase = replace(WHOLE.conditions.train, foreign_cpu_share=0.5, reasons=("busy",))
    loaded = finished(conditions=replace(WHOLE.conditions, train=phase))
    assert load_words(matrix_of(finished()).cells) == ""
    assert "lengthens their times" in load_words(matrix_of(loaded).cells)


def test_a_figure_is_named_by_what_data_and_profile():
    assert "radar-rsna-smoke" == name_of("radar", matrix_of(finished()))


def test_real_images_and_further_pages_have_names_of_their_own():
    real = replace(WHOLE.data, synthetic=False)
    pages = matrix_of(*(finished(model=f"m{number}", data=real) for number in range(7))).pages()
    assert ["radar-rsna-smoke-real", "radar-rsna-smoke-real-2"] == [name_of("radar", page) for page in pages]
