"""Records: strict JSON in both directions."""

import json
from dataclasses import asdict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from redl.errors import RecordError
from redl.record import Epoch, Record, Status, Training
from redl.study.case import Case, Dataset, Model, Setting

CASE = Case(dataset=Dataset.RSNA, model=Model.DENSENET, setting=Setting.AMP, seed=1, profile="smoke")
BROKEN = Record(status=Status.OOM, reason="no memory", warnings=(), case=CASE)

st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
records = st.builds(Record, schema=st.just(1))


def epoch(train_loss):
    return Epoch(epoch=1, train_loss=train_loss, valid_loss=None, valid_accuracy=None, seconds=1.0)


def training(**changes):
    given = {"epochs_run": 1, "best_epoch": None, "seconds_to_best": None, "seconds_to_stop": 1.0}
    return Training(**(given | {"images_per_second": 1.0, "trace": ()} | changes))


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(records)
def test_a_record_survives_the_way_through_json(record):
    assert record == Record.from_json(json.loads(json.dumps(record.to_json(), allow_nan=False)))


def test_json_names_the_case_by_its_id():
    assert "rsna-densenet-amp-seed1" == BROKEN.to_json()["case"]["id"]


@pytest.mark.parametrize("figure", [float("nan"), float("inf")])
def test_a_figure_that_is_not_finite_is_not_written(figure):
    record = Record(
        status=Status.COMPLETED,
        reason=None,
        warnings=(),
        case=CASE,
        training=training(trace=(epoch(figure),)),
    )
    with pytest.raises(RecordError, match="case rsna-densenet-amp-seed1: a figure is not finite"):
        record.to_json()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 2}, "record of schema 2: this redl reads up to 1; update redl"),
        ({"schema": 0}, "record of schema 0: no such schema"),
        ({"schema": True}, "record of schema True: no such schema"),
        ({"status": "fine"}, "record.status: 'fine' is no Status"),
        ({"parameters": 1.5}, "record.parameters: 1.5 is no int"),
        ({"parameters": True}, "record.parameters: True is no int"),
        ({"warnings": "none"}, r"record.warnings: 'none' is no"),
        ({"mood": "good"}, "record.mood: unknown field"),
        ({"training": {}}, "record.training.best_epoch: missing field"),
        ({"energy": 3}, "record.energy: 3 is no Energy"),
        ({"environment": {"cpu": 1.5}}, "record.environment.cpu: 1.5 is no str"),
    ],
)
def test_what_breaks_the_schema_is_refused_by_name(change, message):
    with pytest.raises(RecordError, match=message):
        Record.from_json(BROKEN.to_json() | change)


def test_an_infinite_figure_is_refused():
    plain = BROKEN.to_json() | {"training": asdict(training(seconds_to_stop=float("inf")))}
    plain["training"]["trace"] = []
    with pytest.raises(RecordError, match=r"record.training.seconds_to_stop: inf is no float"):
        Record.from_json(plain)


def test_an_id_that_belies_the_case_is_refused():
    plain = BROKEN.to_json()
    plain["case"]["id"] = "rsna-densenet-baseline-seed1"
    with pytest.raises(RecordError, match=r"does not match its fields .rsna-densenet-amp-seed1"):
        Record.from_json(plain)


@pytest.mark.parametrize("value", [None, [], "record", {}, {"schema": 1}])
def test_what_is_no_record_is_refused(value):
    with pytest.raises(RecordError, match="not a record"):
        Record.from_json(value)
