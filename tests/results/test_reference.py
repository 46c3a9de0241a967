"""The reference: written from enough repeats, read back, and refused where it cannot judge."""

import json
from pathlib import Path

import pytest

from redl.errors import OptionError, RecordError
from redl.results.reference import load_reference, save_reference
from tests.helpers.changes import replace
from tests.helpers.samples import WHOLE, broken, record

OLD = Path(__file__).parent / "old" / "reference-1.json"
ACCURACIES = [0.9, 0.91, 0.92, 0.93, 0.94, 0.9, 0.91, 0.92, 0.93, 0.94]


def repeated(setting="amp", accuracies=ACCURACIES):
    found = [record(setting, accuracy) for accuracy in accuracies]
    return [replace(one, case=replace(one.case, seed=seed)) for seed, one in enumerate(found, start=1)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "reference" / "smoke.json"


def test_a_reference_comes_back_as_it_was_written(path):
    written = save_reference(path, repeated())
    assert written == load_reference(path)
    (band,) = written.bands
    assert (10,) * 2 == (len(band.aucs), band.aucs.count(WHOLE.metrics.test.auc))
    assert (tuple(range(1, 11)), tuple(ACCURACIES), 0.92) == (
        band.seeds,
        band.accuracies,
        pytest.approx(band.mean),
    )


def test_a_reference_written_before_aucs_were_kept_still_loads():
    (band,) = load_reference(OLD).bands
    assert ((), 10) == (band.aucs, len(band.accuracies))


def test_a_band_is_of_any_seed_of_its_case_and_profile(path):
    reference = save_reference(path, repeated())
    case = replace(repeated()[0].case, seed=77)
    assert reference.bands[0] is reference.band_of(case)
    assert reference.band_of(replace(case, downsample=2)) is None
    assert reference.band_of(replace(case, profile="paper")) is None


def test_other_cases_stay_and_the_same_is_replaced(path):
    save_reference(path, repeated("amp") + repeated("half"))
    save_reference(path, repeated("amp", [0.8] * 10))
    means = {band.setting: band.mean for band in load_reference(path).bands}
    assert {"amp": pytest.approx(0.8), "half": pytest.approx(0.92)} == means


def test_equal_accuracies_still_allow_for_an_image(path):
    (band,) = save_reference(path, repeated(accuracies=[1.0] * 10)).bands
    assert 1 - 5 / 20 < band.low < 1 - 4 / 20


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([], "no case ran"),
        (repeated()[:9], "rsna-densenet-amp has 9 seeds; give 10 or more by --redl-seeds"),
        ([*repeated(), broken()], "rsna-densenet-amp-seed1 has no accuracy; run it again"),
    ],
    ids=["none", "few", "broken"],
)
def test_a_run_that_cannot_make_a_reference_leaves_the_file_as_it_was(path, records, message):
    save_reference(path, repeated())
    before = path.read_bytes()
    with pytest.raises(OptionError, match=f"--redl-save-reference: {message}"):
        save_reference(path, records)
    assert before == path.read_bytes()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "no JSON; write it anew by --redl-save-reference"),
        ("[]", "expected object, got array"),
        ('{"schema": 3}', "a reference of schema 3; this redl reads 1 to 2"),
        ('{"schema": 1, "profile": "smoke"}', "missing required field environment"),
    ],
)
def test_a_file_that_is_no_reference_is_one_line(tmp_path, text, message):
    path = tmp_path / "smoke.json"
    path.write_text(text)
    with pytest.raises(RecordError, match=message):
        load_reference(path)


def test_a_file_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(RecordError, match=r"nothing\.json: cannot be read \(FileNotFoundError\)"):
        load_reference(tmp_path / "nothing.json")


def test_a_reference_is_strict_json(path):
    save_reference(path, repeated())
    assert "NaN" not in path.read_text()
    assert 2 == json.loads(path.read_text())["schema"]


@pytest.mark.parametrize("lost", [{"accuracies": [0.9]}, {"seeds": [1]}, {"recipe": {}}])
def test_a_band_that_is_not_whole_is_refused(path, lost):
    save_reference(path, repeated())
    plain = json.loads(path.read_text())
    plain["bands"][0] |= lost
    path.write_text(json.dumps(plain))
    with pytest.raises(RecordError, match="the band of rsna-densenet-amp is incomplete; write it anew"):
        load_reference(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"accuracies": [5.0] * 10}, "accuracies.* a figure is not finite, or above 1"),
        ({"train_peak_bytes": [-1] * 10}, "train_peak_bytes.*expected int >= 0"),
        ({"test_images": 0}, "test_images: expected int >= 1"),
    ],
)
def test_a_band_of_impossible_figures_is_refused(tmp_path, change, message):
    plain = json.loads(OLD.read_text())
    plain["bands"][0] |= change
    path = tmp_path / "smoke.json"
    path.write_text(json.dumps(plain))
    with pytest.raises(RecordError, match=message):
        load_reference(path)


def test_a_reference_that_says_a_thing_twice_is_refused(tmp_path):
    path = tmp_path / "smoke.json"
    path.write_text(OLD.read_text().replace('"seeds":', '"seeds": [], "seeds":', 1))
    with pytest.raises(
        RecordError, match="seeds occurs twice in an object; keep one of the two; write it anew"
    ):
        load_reference(path)


def test_a_reference_of_endless_depth_is_refused(tmp_path):
    path = tmp_path / "smoke.json"
    path.write_text("[" * 100_000)
    with pytest.raises(RecordError, match="too deep for any record; write it anew"):
        load_reference(path)
