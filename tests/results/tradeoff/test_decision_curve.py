"""Decision curves: net benefit by counting, beside treating all and none, and what is sure of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redl.errors import OptionError
from redl.results.tradeoff.benefit import Unit, Units
from redl.results.tradeoff.decision_curve import decision_curve, ranges
from redl.results.tradeoff.thresholds import THRESHOLDS, read_thresholds


def units(labels, probabilities):
    labels = np.asarray(labels)
    return Units(
        unit=Unit.PATIENT,
        labels=labels,
        subjects=np.arange(len(labels)),
        probabilities=np.asarray(probabilities, dtype=float),
    )


def calibrated(patients=1000, seeds=3, noise=0.0, seed=1):
    """Return patients whose risk is what is answered, up to noise on the scale of log odds."""
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(-1.5, 1.5, patients)
    labels = (rng.random(patients) < 1 / (1 + np.exp(-log_odds))).astype(int)
    return units(labels, 1 / (1 + np.exp(-(log_odds + noise * rng.normal(size=(seeds, patients))))))


@given(
    st.lists(
        st.tuples(st.booleans(), st.sampled_from([0.05, 0.3, 0.9]), st.sampled_from([0.05, 0.3, 0.9])),
        min_size=1,
        max_size=20,
    )
)
def test_each_point_is_what_counting_gives(cases):
    labels, new, old = (list(each) for each in zip(*cases, strict=True))
    thresholds = (0.1, 0.5, 0.8)
    curve = decision_curve(units(np.array(labels, int), [new]), units(labels, [old]), thresholds)

    def worth(treated, threshold):
        rightly = sum(1 for label, one in zip(labels, treated, strict=True) if label and one)
        in_vain = sum(1 for label, one in zip(labels, treated, strict=True) if not label and one)
        return rightly / len(labels) - in_vain / len(labels) * threshold / (1 - threshold)

    for point, threshold in zip(curve, thresholds, strict=True):
        own, of_baseline = (worth([one > threshold for one in answers], threshold) for answers in (new, old))
        assert own == pytest.approx(point.net_benefit.value)
        assert own - of_baseline == pytest.approx(point.more.value)
        assert worth([True] * len(labels), threshold) == pytest.approx(point.treat_all)
        assert threshold == point.threshold


def test_a_baseline_has_no_difference():
    (point,) = decision_curve(calibrated(), None, (0.2,))
    assert (None, False) == (point.more, point.is_worse)


def test_calibrated_answers_are_useful_between_the_extremes():
    curve = decision_curve(calibrated(), None, THRESHOLDS)
    (low, high), *others = ranges(THRESHOLDS, [point.is_useful for point in curve])
    assert [] == others
    assert low < 0.1
    assert 0.5 < high < 0.99


def test_who_treats_by_chance_is_useful_nowhere():
    rng = np.random.default_rng(2)
    answers = units(rng.random(1000) < 0.3, rng.random((3, 1000)))
    assert not any(point.is_useful for point in decision_curve(answers, None, THRESHOLDS))


def test_a_network_that_misses_nobody_here_is_not_sure_to_miss_nobody():
    labels = np.arange(300) % 5 == 0
    perfect = units(labels, np.where(labels, 0.99, 0.001)[None].repeat(3, axis=0))
    early, late = decision_curve(perfect, None, (0.002, 0.2))
    assert early.net_benefit.value > early.treat_all
    assert (False, True) == (early.is_useful, late.is_useful)


def test_a_noisier_setting_is_surely_worse():
    good, bad = calibrated(noise=0.1), calibrated(noise=3.0)
    assert np.array_equal(good.labels, bad.labels)
    curve = decision_curve(bad, good, (0.1, 0.2, 0.4))
    assert all(point.is_worse and point.more.high < 0 for point in curve)
    assert not any(point.is_worse for point in decision_curve(good, bad, (0.1, 0.2, 0.4)))


def test_equal_answers_are_not_worse():
    both = calibrated()
    assert not any(point.is_worse for point in decision_curve(both, both, THRESHOLDS))


def test_ranges_end_where_a_threshold_is_not_chosen():
    assert [(0.1, 0.2), (0.4, 0.4)] == ranges([0.1, 0.2, 0.3, 0.4], [True, True, False, True])
    assert [] == ranges([0.1, 0.2], [False, False])


def test_the_default_thresholds_are_fine_where_few_are_ill():
    assert (0.001, 0.99) == (THRESHOLDS[0], THRESHOLDS[-1])
    assert sorted(set(THRESHOLDS)) == list(THRESHOLDS)
    assert 10 == sum(threshold <= 0.01 for threshold in THRESHOLDS)


def test_a_range_is_read_in_equal_steps():
    found = read_thresholds("0.01-0.3", option="--thresholds")
    assert (101, 0.01, 0.0129, 0.3) == (len(found), found[0], found[1], found[-1])


@pytest.mark.parametrize(
    "text", ["", "0.3", "0.3-0.1", "0-0.3", "0.1-1", "0.1-0.1", "a-b", "0.1-0.2-0.3", "nan-0.5"]
)
def test_what_is_no_range_is_refused(text):
    with pytest.raises(OptionError, match="give two probabilities in rising order"):
        read_thresholds(text, option="--thresholds")
