"""Predictions: what was answered for each test image, in strict JSON."""

import json

import pytest

from redl.errors import RecordError
from redl.record import Predictions

ANSWERS = Predictions(subjects=(3, 3, 7), labels=(1, 1, 0), probabilities=(0.1 + 0.2, 1.0, None))


def test_predictions_survive_the_way_through_json_to_the_last_bit():
    assert ANSWERS == Predictions.from_json(json.loads(json.dumps(ANSWERS.to_json(), allow_nan=False)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": [1, 1]}, "differ in number"),
        ({"labels": [1, 1, 2]}, "a label is 0 or 1"),
        ({"probabilities": [0.1, 1.5, None]}, "lies from 0 to 1"),
        ({"probabilities": [0.1, "0.2", None]}, r"probabilities\[1\]"),
        ({"subjects": None}, "subjects"),
    ],
)
def test_what_cannot_be_of_one_set_of_images_is_refused(change, message):
    with pytest.raises(RecordError, match=message):
        Predictions.from_json(ANSWERS.to_json() | change)


def test_an_index_of_65_bits_is_refused():
    with pytest.raises(RecordError, match=r"subjects\[0\]: expected int <= 9223372036854775807"):
        Predictions.from_json(ANSWERS.to_json() | {"subjects": [2**63, 3, 7]})


def test_predictions_with_a_key_twice_are_refused():
    text = json.dumps(ANSWERS.to_json())
    assert ANSWERS == Predictions.from_json(text.encode())
    with pytest.raises(RecordError, match="a key occurs twice"):
        Predictions.from_json(text.replace("{", '{"labels": [0, 0, 0], ', 1).encode())
