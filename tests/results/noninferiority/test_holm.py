"""Holm's correction: statsmodels' figures, and the properties that define it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from redl.results.noninferiority.holm import holm

P_VALUES = st.lists(
    st.sampled_from([0.0, 0.001, 0.01, 0.02, 0.3, 1.0]) | st.floats(0, 1), min_size=1, max_size=12
)


def test_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@pytest.mark.slow  # statsmodels takes long to import
@given(P_VALUES)
def test_it_is_that_of_statsmodels(p_values):
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1].tolist(), abs=1e-15)


@given(P_VALUES)
def test_it_keeps_the_order_and_lowers_nothing(p_values):
    adjusted = holm(p_values)
    ranked = [p for _, p in sorted(zip(p_values, adjusted, strict=True))]
    assert sorted(adjusted) == ranked
    assert all(p <= after <= 1 for p, after in zip(p_values, adjusted, strict=True))


@given(P_VALUES)
def test_the_smallest_is_corrected_for_all(p_values):
    assert min(holm(p_values)) == min(1.0, len(p_values) * min(p_values))


def test_without_hypotheses_there_is_nothing_to_correct():
    assert [] == holm([])
