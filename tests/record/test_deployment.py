"""The record of a deployment: strict, and its agreement follows from its answers."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from redl.errors import RecordError
from redl.record.deployment import Agreement, Deployment, agreement_of
from tests.helpers.changes import replace
from tests.helpers.deployments import deployment


def plain(**changes):
    return json.loads(json.dumps(deployment(lost=(3,)).to_json())) | changes


def test_a_record_comes_back_as_it_was():
    found = deployment(lost=(3,))
    assert found == Deployment.from_json(plain())
    assert found == Deployment.from_json(json.dumps(plain()).encode())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mood": "good"}, "unknown field"),
        ({"threads": 0}, r"deployment.threads: expected int >= 1"),
        ({"file": {"name": "a", "bytes": -1, "sha256": "0"}}, r"deployment.file.bytes: expected int >= 0"),
        ({"reference": [0.5]}, "deployment.reference: not one answer for each test image"),
        ({"agreement": None}, "deployment.agreement: give it, or a reason why there is none"),
        ({"agreement_reason": "why not"}, "deployment.agreement: give it, or a reason why there is none"),
        (
            {"agreement": {"max_abs_dp": 0.0, "flips": 0}},
            "deployment.agreement: does not follow from the answers",
        ),
        (
            {"answers": {"subjects": [1], "labels": [2], "probabilities": [0.5]}},
            "predictions.labels: a label is 0 or 1",
        ),
    ],
    ids=["unknown", "threads", "bytes", "reference", "no reason", "both", "contradicts", "label"],
)
def test_what_is_no_such_record_is_refused(changes, message):
    with pytest.raises(RecordError, match=message):
        Deployment.from_json(plain(**changes))


def test_every_field_is_in_the_reference():
    page = (Path(__file__).parents[2] / "docs" / "reference" / "record.md").read_text()
    fields = {
        field
        for one in msgspec.json.schema(Deployment)["$defs"].values()
        for field in one.get("properties", {})
    }
    assert {"max_abs_dp", "batch_peak_bytes", "energy_wh_per_image"} < fields
    assert [] == [field for field in sorted(fields) if not re.search(rf"`{field}(\[\])?`", page)]


def test_a_figure_that_is_not_finite_is_not_written():
    single = replace(deployment().single, p50_seconds=float("nan"))
    with pytest.raises(RecordError, match=r"rsna-densenet-baseline-seed1 in onnx: single.p50_seconds: "):
        replace(deployment(), single=single).to_json()


@pytest.mark.parametrize(
    ("answers", "reference", "expected"),
    [
        ((0.2, 0.9), (0.25, 0.9), Agreement(max_abs_dp=0.05, flips=0)),
        ((0.2, 0.9), (0.2, 0.5), Agreement(max_abs_dp=0.4, flips=1)),
        ((0.5, 0.1), (0.5, 0.1), Agreement(max_abs_dp=0.0, flips=0)),
        ((0.2, None), (0.2, 0.5), None),
        ((0.2, 0.5), (None, 0.5), None),
        ((), (), None),
    ],
)
def test_agreement_is_the_largest_difference_and_the_flips(answers, reference, expected):
    found = agreement_of(answers, reference)
    if expected is None:
        assert found is None
    else:
        assert (pytest.approx(expected.max_abs_dp), expected.flips) == (found.max_abs_dp, found.flips)
