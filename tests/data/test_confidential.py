"""What nobody foresaw is told without what the data hold."""

import pytest

from redl.data.confidential import confidential
from redl.errors import DataError, OptionError

PATIENT = "DOE_JANE"


def test_an_unforeseen_error_is_told_without_its_words_and_variables():
    with pytest.raises(DataError) as caught, confidential("clinic"):
        int(PATIENT)
    assert "clinic: cannot be read (ValueError in test_confidential.py, line 13); check the files, " in str(
        caught.value
    )
    shown = str(caught.getrepr(style="long", showlocals=True, chain=True))
    assert PATIENT not in shown
    assert "DataError" in shown


@pytest.mark.parametrize(
    "error", [OptionError("x"), DataError("y"), FileNotFoundError("z"), KeyboardInterrupt()]
)
def test_what_was_foreseen_passes(error):
    with pytest.raises(type(error)) as caught, confidential("clinic"):
        raise error
    assert error is caught.value
