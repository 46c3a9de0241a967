"""Parameters stand against resources, and against PePR within what is shown."""

import pytest

from redl.results.report.figures.drawing import LeftOut
from redl.results.report.figures.matrix import matrices
from redl.results.report.figures.parameters import parameters, scores
from tests.helpers.samples import ELSEWHERE
from tests.helpers.saved import finished, run_of


def matrix_of(*records):
    [matrix], _ = matrices([run_of(*records)])
    return matrix


@pytest.fixture(scope="module")
def pair():
    small = finished(model="mlp", parameters=1_000_000, accuracy=0.8, peak=100_000_000)
    return matrix_of(finished(parameters=7_000_000, accuracy=0.9), small)


def shown(axes):
    return axes.lines[0].get_xydata().tolist()


def test_accuracy_stands_against_parameters(pair):
    assert [[7e6, 0.9], [1e6, 0.8]] == shown(parameters(pair).figure.axes[0])


def test_memory_stands_against_parameters_in_its_unit(pair):
    axes = parameters(pair).figure.axes[1]
    assert ("peak memory (MB)", [[7e6, 512], [1e6, 100]]) == (axes.get_ylabel(), shown(axes))


def test_the_least_keeps_its_performance_and_the_most_half_of_it(pair):
    assert [[7e6, 0.45], [1e6, 0.8]] == shown(scores(pair).figure.axes[0])


def test_models_on_two_machines_have_no_score_against_each_other():
    pair = matrix_of(finished(), finished(model="mlp", parameters=1, peak=1, environment=ELSEWHERE))
    assert isinstance(scores(pair), LeftOut)


def test_equal_resources_have_no_score(pair):
    assert ["PePR-M (peak memory)"] == [axes.get_ylabel() for axes in scores(pair).figure.axes]


def test_a_score_is_said_to_depend_on_what_else_is_shown(pair):
    assert "A score is comparable only within this figure" in scores(pair).caption


def test_networks_are_named_above_each_panel(pair):
    assert ["mlp", "densenet"] == [text.get_text() for text in scores(pair).figure.axes[0].texts]


@pytest.mark.parametrize("draw", [parameters, scores])
def test_one_network_is_no_comparison(draw):
    assert isinstance(draw(matrix_of(finished())), LeftOut)
