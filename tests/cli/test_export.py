"""`redl export`: read back by the libraries that others would use."""

import io
import json

import pandas as pd
import pytest

from redl.cli import main
from redl.record import Record
from redl.results.frame import frame_of
from tests.helpers.saved import finished, save

RECORDS = [finished(setting, seed) for setting in ("baseline", "amp") for seed in (1, 2)]


@pytest.fixture
def saved(tmp_path):
    return save(tmp_path / "run.json", *RECORDS)


def exported(saved, tmp_path, kind):
    path = tmp_path / f"out.{kind}"
    assert 0 == main(["export", str(saved), f"--format={kind}", "-o", str(path)])
    return path


def test_csv_has_the_columns_and_figures_of_the_frame(saved, tmp_path):
    found = pd.read_csv(exported(saved, tmp_path, "csv"), index_col="id")
    expected = frame_of(RECORDS)
    assert list(expected.columns) == list(found.columns)
    assert list(expected.index) == list(found.index)
    assert expected["test_accuracy"].tolist() == found["test_accuracy"].tolist()


def test_parquet_is_the_frame(saved, tmp_path):
    pytest.importorskip("pyarrow")
    found = pd.read_parquet(exported(saved, tmp_path, "parquet"))
    pd.testing.assert_frame_equal(frame_of(RECORDS), found, check_dtype=False)


def test_without_a_library_for_parquet_it_is_one_line(saved, tmp_path, capsys, monkeypatch):
    def refuse(*_, **__):
        raise ImportError("Missing optional dependency 'pyarrow'")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", refuse)
    assert 2 == main(["export", str(saved), "--format=parquet", "-o", str(tmp_path / "x")])
    assert "needs pyarrow; `pip install pyarrow`, or use csv" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_json_lines_are_whole_records(saved, tmp_path):
    lines = exported(saved, tmp_path, "jsonl").read_text().splitlines()
    assert RECORDS == [Record.from_json(json.loads(line)) for line in lines]


def test_croissant_describes_the_data(saved, tmp_path):
    found = json.loads(exported(saved, tmp_path, "croissant").read_text())
    data = RECORDS[0].data
    assert ("sc:Dataset", "rsna", data.fingerprint) == (found["@type"], found["name"], found["identifier"])
    rows = {row["parts/part"]: row for row in found["recordSet"][0]["data"]}
    assert (data.images.test, data.subjects.test) == (
        rows["test"]["parts/images"],
        rows["test"]["parts/subjects"],
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the validator's own libraries
def test_croissant_is_valid(saved, tmp_path):
    croissant = pytest.importorskip("mlcroissant", reason="the validator of Croissant is needed")
    dataset = croissant.Dataset(jsonld=str(exported(saved, tmp_path, "croissant")))
    assert not dataset.metadata.ctx.issues.errors
    assert ["train", "valid", "test"] == [
        row["parts/part"].decode() if isinstance(row["parts/part"], bytes) else row["parts/part"]
        for row in dataset.records("parts")
    ]


def test_without_a_file_it_is_printed(saved, capsysbinary):
    assert 0 == main(["export", str(saved)])
    found = pd.read_csv(io.BytesIO(capsysbinary.readouterr().out), index_col="id")
    assert [record.case.id for record in RECORDS] == list(found.index)


def test_a_file_that_cannot_be_written_is_one_line(saved, tmp_path, capsys):
    assert 2 == main(["export", str(saved), "-o", str(tmp_path / "gone" / "x.csv")])
    assert "no such file or directory; name a file that can be written" in capsys.readouterr().err
