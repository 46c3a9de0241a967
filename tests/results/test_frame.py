"""The frame says of each case whether its times and energies were taken under load."""

import pytest

from redl.record import HERE
from redl.results.frame import frame_of
from tests.helpers.changes import replace
from tests.helpers.samples import WHOLE

BUSY = replace(WHOLE.conditions.train, foreign_cpu_share=0.5)
SHARED = replace(HERE, shared=True)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [False, False]),
        ({"conditions": replace(WHOLE.conditions, train=BUSY)}, [True, False]),
        ({"conditions": replace(WHOLE.conditions, inference=BUSY)}, [False, True]),
        ({"placement": SHARED}, [True, True]),
        ({"conditions": None}, [None, None]),
        ({"conditions": None, "placement": SHARED}, [True, True]),
    ],
)
def test_a_row_says_which_phases_were_under_load_if_that_is_known(changes, expected):
    row = frame_of([replace(WHOLE, **changes)]).iloc[0]
    assert expected == [row["train_under_load"], row["inference_under_load"]]
