"""Net benefit: who is treated rightly, less who is treated in vain, at the cut that weighs both."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redl.errors import OptionError
from redl.results.tradeoff.benefit import Unit, gains, images_of, net_benefit, treat_all, units_of
from tests.helpers.savings import arm

NAN = math.nan
# Two TP, one FN, one FP and one TN at 0.5.
LABELS, ANSWERS = (1, 1, 1, 0, 0), (0.9, 0.6, 0.4, 0.7, 0.1)


def units(labels=LABELS, answers=ANSWERS, subjects=None):
    """Return what is treated of one seed's answers, by default of a patient an image."""
    return units_of(arm([answers], labels, range(len(labels)) if subjects is None else subjects))


def benefit(threshold, **given):
    return float(net_benefit(units(**given), threshold)[0])


def test_at_a_half_one_treated_in_vain_undoes_one_treated_rightly():
    assert (2 - 1) / 5 == pytest.approx(benefit(0.5))


def test_at_a_fifth_four_treated_in_vain_undo_one_treated_rightly():
    assert (3 - 1 / 4) / 5 == pytest.approx(benefit(0.2))


def test_at_eight_tenths_one_treated_in_vain_undoes_four():
    assert (1 - 4) / 2 == pytest.approx(benefit(0.8, labels=(1, 0), answers=(0.9, 0.9)))


def test_who_has_the_cut_itself_is_not_treated():
    assert 0 == benefit(0.5, labels=(1, 0), answers=(0.5, 0.5))


def test_an_answer_that_is_not_finite_treats_nobody():
    assert 1 / 2 == pytest.approx(benefit(0.5, labels=(1, 0), answers=(0.9, NAN)))
    assert 0 == benefit(0.5, labels=(1, 0), answers=(NAN, 0.1))


def test_treating_all_is_what_answering_1_everywhere_is_worth():
    assert 0.6 - 0.4 * 0.25 == pytest.approx(treat_all(units(), 0.2))
    assert benefit(0.2, answers=(1.0,) * 5) == pytest.approx(treat_all(units(), 0.2))


def test_treating_none_is_worth_nothing():
    assert 0 == benefit(0.5, answers=(0.0,) * 5)


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([0.1, 0.3, 0.5, 0.9, NAN])), min_size=1, max_size=20),
    st.sampled_from([0.1, 0.3, 0.5, 0.9]),
)
def test_it_is_what_counting_gives(cases, threshold):
    rightly = sum(1 for label, answer in cases if label and answer > threshold)
    in_vain = sum(1 for label, answer in cases if not label and answer > threshold)
    expected = rightly / len(cases) - in_vain / len(cases) * threshold / (1 - threshold)
    labels, answers = zip(*((int(label), answer) for label, answer in cases), strict=True)
    assert expected == pytest.approx(benefit(threshold, labels=labels, answers=answers))


def test_a_patient_whose_images_share_a_label_is_treated_by_their_mean():
    found = units(labels=(1, 1, 0, 0), answers=(0.9, 0.3, 0.9, 0.0), subjects=(7, 7, 3, 3))
    assert Unit.PATIENT is found.unit
    assert ([3, 7], [0, 1]) == (found.subjects.tolist(), found.labels.tolist())
    assert [0.45, 0.6] == pytest.approx(found.probabilities[0].tolist())
    assert 1 / 2 == pytest.approx(float(net_benefit(found, 0.5)[0]))


def test_a_patient_with_one_answer_that_is_not_finite_is_not_treated():
    assert [[0.0]] == gains(units(labels=(1, 1), answers=(0.9, NAN), subjects=(1, 1)), 0.5).tolist()


def test_where_a_patient_has_images_of_both_classes_an_image_is_treated():
    found = units(labels=(1, 0, 0), answers=(0.9, 0.8, 0.1), subjects=(1, 1, 2))
    assert Unit.IMAGE is found.unit
    assert 3 == len(found.labels)
    assert [[1.0, -1.0, 0.0]] == gains(found, 0.5).tolist()


def test_images_can_be_asked_for_where_patients_could_be():
    found = images_of(arm([(0.9, 0.3)], (1, 1), (1, 1)))
    assert (Unit.IMAGE, 2) == (found.unit, len(found.labels))


def test_each_seed_has_its_own():
    found = units_of(arm([(0.9, 0.1), (0.1, 0.9)], (1, 0), (1, 2)))
    assert [0.5, -0.5] == np.round(net_benefit(found, 0.5), 12).tolist()


@pytest.mark.parametrize("threshold", [0.0, 1.0, -0.1, NAN])
def test_a_cut_that_is_none_is_refused(threshold):
    with pytest.raises(OptionError, match="give a cut between 0 and 1"):
        net_benefit(units(), threshold)
