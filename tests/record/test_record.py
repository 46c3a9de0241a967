"""Records: strict JSON in both directions."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from msgspec.structs import asdict, replace

from redl.errors import RecordError
from redl.record import Epoch, Record, Status, Training
from redl.record.schema import schema_text
from redl.results.store import load_run
from redl.study.case import Case, Dataset, Model, Setting
from tests.helpers.recordvalues import records
from tests.helpers.samples import WHOLE

CASE = Case(dataset=Dataset.RSNA, model=Model.DENSENET, setting=Setting.AMP, seed=1, profile="smoke")
BROKEN = Record(status=Status.OOM, reason="no memory", warnings=(), case=CASE)


def epoch(train_loss):
    return Epoch(epoch=1, train_loss=train_loss, valid_loss=None, valid_accuracy=None, seconds=1.0)


def training(**changes):
    given = {"epochs_run": 1, "best_epoch": None, "seconds_to_best": None, "seconds_to_stop": 1.0}
    return Training(**(given | {"images_per_second": 1.0, "trace": ()} | changes))


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(records())
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
    message = (
        r"case rsna-densenet-amp-seed1: training.trace\[0\].train_loss: a figure is not finite; write null"
    )
    with pytest.raises(RecordError, match=message):
        record.to_json()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 2}, "record of schema 2: this redl reads up to 1; update redl"),
        ({"schema": 0}, "record of schema 0: no such schema"),
        ({"schema": True}, "record.schema: expected int, got bool"),
        ({"status": "fine"}, "record.status: invalid enum value 'fine'"),
        ({"parameters": 1.5}, r"record.parameters: expected int \| null, got float"),
        ({"parameters": True}, r"record.parameters: expected int \| null, got bool"),
        ({"warnings": "none"}, "record.warnings: expected array, got str"),
        ({"mood": "good"}, "record: object contains unknown field mood"),
        ({"training": {}}, "record.training: object missing required field epochs_run"),
        ({"energy": 3}, r"record.energy: expected object \| null, got int"),
        (
            {"environment": {"cpu": 1.5}},
            r"record.environment\[...\]: expected bool .* null, got float",
        ),
    ],
)
def test_what_breaks_the_schema_is_refused_by_name(change, message):
    with pytest.raises(RecordError, match=message):
        Record.from_json(BROKEN.to_json() | change)


def test_an_infinite_figure_is_refused():
    plain = BROKEN.to_json() | {"training": asdict(training(seconds_to_stop=float("inf")))}
    plain["training"]["trace"] = []
    with pytest.raises(RecordError, match=r"record.training.seconds_to_stop: a figure is not finite"):
        Record.from_json(plain)


def test_an_id_that_belies_the_case_is_refused():
    plain = BROKEN.to_json()
    plain["case"]["id"] = "rsna-densenet-baseline-seed1"
    with pytest.raises(RecordError, match=r"does not match its fields .rsna-densenet-amp-seed1"):
        Record.from_json(plain)


@pytest.mark.parametrize("value", [None, [], "record", {}, {"schema": 1}])
def test_what_is_no_record_is_refused(value):
    with pytest.raises(RecordError, match=r"record: (expected object|object missing required field)"):
        Record.from_json(value)


FAULTS = {
    "an unknown field": {"mood": "good"},
    "an unknown field below": {"memory": {"surprise": 1}},
    "a missing field": {"recipe": ...},
    "a missing field below": {"memory": {"device": ...}},
    "text for a figure": {"training": {"seconds_to_stop": "12"}},
    "a truth for a figure": {"training": {"images_per_second": True}},
    "a truth for a count": {"parameters": True},
    "a fraction for a count": {"parameters": 1.5},
    "a figure for a truth": {"divergence": {"ever": 1}},
    "an unknown member": {"status": "fine"},
    "null for what is always there": {"status": None},
    "a list for an object": {"data": []},
    "another case's id": {"case": {"id": "rsna-mlp-amp-seed1"}},
    "an unknown field of the case": {"case": {"fold": 1}},
    "a later schema": {"schema": 2},
    "an accuracy above 1": {"metrics": {"test": {"accuracy": 5.0}}},
    "a score below 0": {"metrics": {"valid": {"brier": -0.1}}},
    "an area above 1": {"metrics": {"test": {"auc": 1.0000001}}},
    "bytes below 0": {"memory": {"train_peak_bytes": -1}},
    "no pass to divide by": {"inference": {"passes": 0}},
    "images below 0": {"inference": {"images": -3}},
    "more energy than the world has": {"energy": {"train": {"energy_wh": 1e308}}},
    "seconds below 0": {"training": {"seconds_to_stop": -1.0}},
    "a seed of 65 bits": {"case": {"seed": 2**64, "id": f"rsna-densenet-baseline-seed{2**64}"}},
    "a reason without end": {"reason": "x" * 200_000},
    "a profile without end": {"case": {"profile": "x" * 200_000}},
    "a profile outside of its folder": {"case": {"profile": "../smoke"}},
    "a profile of two lines": {"case": {"profile": "smoke\n"}},
}
WORDS = {"NaN": "NaN", "infinity": "Infinity", "a figure too large": "1e999", "an infinity below 0": "-1e999"}


def changed(plain, changes):
    """Return plain values with some changed, and those left out whose change is an ellipsis."""
    found = plain | {
        name: changed(plain[name], value)
        if isinstance(value, dict) and isinstance(plain.get(name), dict)
        else value
        for name, value in changes.items()
    }
    return {name: value for name, value in found.items() if value is not ...}


def as_text(plain):
    return json.dumps(plain).encode()


@pytest.mark.parametrize("given", [dict, as_text])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_record_is_refused(fault, given):
    sound = WHOLE.to_json()
    assert WHOLE == Record.from_json(given(sound))
    with pytest.raises(RecordError, match="record"):
        Record.from_json(given(changed(sound, FAULTS[fault])))


@pytest.mark.parametrize(
    "doubled",
    [
        ('"accuracy": 0.9, ', '"accuracy": 0.1, "accuracy": 0.9, '),
        ('"accuracy": 0.9, ', '"accuracy": 0.1, "\\u0061ccuracy": 0.9, '),
        ('{"cpu": "a processor"}', '{"cpu": "one", "cpu": "a processor"}'),
        ('"schema": 1, ', '"schema": 1, "schema" : 1, '),
    ],
)
def test_a_record_with_a_key_twice_is_refused(doubled):
    text = json.dumps(WHOLE.to_json())
    assert doubled[0] in text
    assert WHOLE == Record.from_json(text.encode())
    with pytest.raises(
        RecordError, match=r"record: (accuracy|cpu|schema) occurs twice in an object; keep one"
    ):
        Record.from_json(text.replace(*doubled, 1).encode())


def test_a_record_of_endless_depth_is_refused_in_one_line():
    with pytest.raises(RecordError, match="record: objects within objects, too deep for any record"):
        Record.from_json(b'{"schema":1,"x":' + b"[" * 100_000)


def test_what_is_printed_of_a_record_is_one_short_line():
    shown = replace(BROKEN, reason="\x1b[31mred\n::error ::x" * 100, warnings=("a\r\n::warning::b",))
    assert 500 == len(shown.reason)
    assert "[31mred ::error" == shown.reason[:15]
    assert ("a ::warning::b",) == shown.warnings


@pytest.mark.parametrize("word", WORDS)
def test_a_saved_run_with_a_figure_that_is_not_finite_is_refused(word, tmp_path):
    path = tmp_path / "run.json"
    text = json.dumps({"benchmarks": [{"extra_info": {"redl": WHOLE.to_json()}}]})
    assert '"seconds_to_stop": 12.3' in text
    path.write_text(text)
    assert [WHOLE] == list(load_run(path).records.values())
    path.write_text(text.replace('"seconds_to_stop": 12.3', f'"seconds_to_stop": {WORDS[word]}'))
    with pytest.raises(RecordError, match=r"run\.json"):
        load_run(path)


def test_a_finished_record_has_every_section():
    finished = WHOLE.finished()
    missing = {name for name in finished.__struct_fields__ if getattr(finished, name) is None}
    assert {"reason"} == missing
    assert WHOLE.to_json() == finished.to_json()


SECTIONS = [
    name
    for name in Record.__struct_fields__
    if getattr(BROKEN, name) is None and name not in ("conditions", "placement")  # older records have none
]


@pytest.mark.parametrize("section", SECTIONS)
def test_a_record_without_one_section_is_not_finished(section):
    with pytest.raises(RecordError, match=f"rsna-densenet-baseline-seed1: has no {section}; it ended early"):
        replace(WHOLE, **{section: None}).finished()


def test_a_case_that_ended_early_is_not_finished():
    with pytest.raises(RecordError, match=r"has no recipe; it ended early .oom.; run it again"):
        BROKEN.finished()


SCHEMA_FILE = Path(__file__).parents[2] / "docs" / "record-schema.json"


def test_the_published_schema_is_that_of_the_record():
    expected, remedy = schema_text(), "python -m redl.record.schema > docs/record-schema.json"
    assert expected == SCHEMA_FILE.read_text("utf-8"), remedy
