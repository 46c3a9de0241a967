"""Learning curves show every seed, and a diverged one does not press the others together."""

from redl.record import Epoch
from redl.results.report.figures.drawing import LeftOut
from redl.results.report.figures.learning import SEEDS, learning
from redl.results.report.figures.matrix import matrices
from tests.helpers.changes import replace
from tests.helpers.samples import DIVERGED, WHOLE
from tests.helpers.saved import finished, run_of


def trained(*losses, seed=1, best=1, **changes):
    trace = tuple(
        Epoch(epoch=epoch, train_loss=loss, valid_loss=loss, valid_accuracy=0.5, seconds=1.0)
        for epoch, loss in enumerate(losses, 1)
    )
    training = replace(WHOLE.training, trace=trace, epochs_run=len(trace), best_epoch=best)
    return finished(seed=seed, training=training, **changes)


def drawn(*records):
    [matrix], _ = matrices([run_of(*records)])
    return learning(matrix)


def lines(found):
    return [line.get_xydata().tolist() for line in found.figure.axes[0].lines]


def test_a_curve_is_the_loss_after_each_epoch():
    assert [[1, 0.7], [2, 0.5]] == lines(drawn(trained(0.7, 0.5)))[0]


def test_the_marker_is_the_epoch_whose_weights_were_kept():
    assert [[2, 0.5]] == lines(drawn(trained(0.7, 0.5, 0.6, best=2)))[-1]


def test_a_diverged_seed_is_clipped_by_the_others():
    found = drawn(trained(0.7, 0.5), trained(0.7, 900.0, seed=2, divergence=DIVERGED))
    assert 0.75 > found.figure.axes[0].get_ylim()[1]


def test_a_clipped_seed_has_an_arrow_and_is_counted():
    found = drawn(trained(0.7, 0.5), trained(0.7, 900.0, seed=2, divergence=DIVERGED))
    assert ["\N{UPWARDS ARROW}"] == [text.get_text() for text in found.figure.axes[0].texts]
    assert "1 diverged seed leaves the panel at its top, where an arrow marks it." in found.caption


def test_where_all_diverged_all_is_shown():
    found = drawn(trained(0.7, 900.0, divergence=DIVERGED))
    assert 900 < found.figure.axes[0].get_ylim()[1]


def test_a_loss_that_is_not_finite_ends_the_curve_in_a_cross():
    found = drawn(trained(0.7, None, 0.4, best=None))
    assert [[[1, 0.7]], "x"] == [lines(found)[1], found.figure.axes[0].lines[1].get_marker()]


def test_no_finite_loss_is_nothing_to_show():
    assert isinstance(drawn(trained(None)), LeftOut)


def test_epochs_are_whole_numbers():
    ticks = drawn(trained(0.7)).figure.axes[0].get_xticks()
    assert all(tick == int(tick) for tick in ticks)


def test_more_seeds_than_can_be_told_apart_are_counted_not_drawn():
    found = drawn(*(trained(0.7, 0.5, seed=seed) for seed in range(SEEDS + 2)))
    assert SEEDS + 1 == len(lines(found))  # and their markers
    assert f"Of up to {SEEDS + 2} seeds of a setting the first {SEEDS} are drawn." in found.caption


def test_losses_of_two_powers_of_ten_are_on_a_scale_of_logarithms():
    assert "log" == drawn(trained(2.0, 0.02)).figure.axes[0].get_yscale()
