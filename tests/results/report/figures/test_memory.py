"""Predicted and measured memory lie on the same scale."""

from redl.results.report.figures.drawing import LeftOut
from redl.results.report.figures.matrix import matrices
from redl.results.report.figures.memory import memory
from tests.helpers.changes import replace
from tests.helpers.samples import WHOLE
from tests.helpers.saved import finished, run_of


def drawn(*records):
    [matrix], _ = matrices([run_of(*records)])
    return memory(matrix)


def of(predicted, measured, setting="baseline"):
    found = replace(WHOLE.memory.predicted, total=predicted)
    return finished(setting, memory=replace(WHOLE.memory, predicted=found, train_peak_bytes=measured))


def test_a_point_is_what_was_predicted_and_what_was_measured():
    [point, _] = drawn(of(10**8, 3 * 10**8)).figure.axes[0].lines
    assert [[10**8, 3 * 10**8]] == point.get_xydata().tolist()


def test_the_line_is_where_both_agree():
    line = drawn(of(10**8, 3 * 10**8)).figure.axes[0].lines[-1]
    assert list(line.get_xdata()) == list(line.get_ydata())


def test_a_baseline_has_its_models_name():
    texts = drawn(of(10**8, 3 * 10**8), of(10**7, 10**8, "amp")).figure.axes[0].texts
    assert ["densenet"] == [text.get_text() for text in texts]


def test_ticks_have_units():
    axes = drawn(of(10**8, 3 * 10**8)).figure.axes[0]
    assert "100 MB" == axes.xaxis.get_major_formatter()(10**8, 0)


def test_a_custom_optimizer_predicts_nothing():
    assert isinstance(drawn(of(None, 10**8)), LeftOut)
