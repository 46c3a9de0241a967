"""What a worker does with a task, in this process: one tiny case for all claims, trained once."""

import os
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from redl.data.cache.entry import open_prepared
from redl.data.datasets import DataOptions, prepare_dataset
from redl.deployment.runtime import Runtime, Serving
from redl.execution.job import Job, RunOptions
from redl.fleet.messages import EpochEnded
from redl.fleet.seat import Seat, own_seat
from redl.fleet.task import Task, perform
from redl.record import HERE, Record, Status
from redl.study.case import Case, Dataset, Model, Setting
from redl.study.profile import TINY

CASE = Case(dataset=Dataset.RSNA, model=Model.MLP, setting=Setting.BASELINE, seed=1, profile="tiny")
PLACEMENT = msgspec.structs.replace(HERE, engine="workers", node="node 2", attempt=2, queued_seconds=3.0)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return DataOptions(cache=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def task(data, tmp_path_factory):
    prepared = prepare_dataset(Dataset.RSNA, TINY, data)
    folder = tmp_path_factory.mktemp("run")
    return Task(
        job=Job(
            case=CASE,
            prepared=prepared,
            options=RunOptions(profile=TINY),
            epochs=folder / ".epochs" / "case",
            exports=folder / "exports" / CASE.id,
            placement=PLACEMENT,
        ),
        below=Path.cwd(),
        data=data,
        fingerprint=open_prepared(prepared).fingerprint,
        servings=(Serving(runtime=Runtime.TORCH),),
    )


@pytest.fixture(scope="module")
def told():
    return []


@pytest.fixture(scope="module")
def answer(task, told):
    task.job.exports.parent.mkdir()
    return perform(task, own_seat(), told.append)


def test_the_record_is_that_of_the_case_and_says_where_it_ran(answer):
    record = Record.from_json(answer.record)
    assert (CASE, Status.COMPLETED) == (record.case, record.status)
    assert PLACEMENT == msgspec.structs.replace(record.placement, process_seconds=None)


def test_each_step_is_timed_where_it_was_done(answer):
    assert answer.train_seconds > 0
    assert TINY.inference_rounds == sum(seconds > 0 for seconds in answer.infer_seconds)


def test_answers_for_the_test_images_come_with_it(answer):
    images = Record.from_json(answer.record).data.images.test
    assert images == len(answer.predictions["probabilities"])


def test_epochs_are_told_as_they_end(answer, told):
    assert answer.fault is None
    assert [1] == [message.epoch.epoch for message in told if isinstance(message, EpochEnded)]


def test_the_network_is_deployed_on_the_worker(answer, task):
    (found,) = answer.deployed.values()
    assert (CASE.id, "torch") == (found.deployment["case"], found.deployment["runtime"])
    assert not task.job.exports.exists()


def failing(task, **changes):
    return perform(replace(task, **changes), own_seat(), lambda _: None)


def test_other_data_than_the_runs_are_a_fault_in_one_line(task):
    answer = failing(task, fingerprint="another")
    assert answer.record is None
    assert answer.fault.startswith("rsna: the data of the worker are others than those of this run")


def test_where_the_runs_folder_is_not_there_data_are_prepared_again(task, tmp_path, monkeypatch):
    found = []

    def note(job, *_):
        found.append(job.prepared)
        raise LookupError

    monkeypatch.setattr("redl.fleet.task._Course", note)
    job = replace(task.job, prepared=tmp_path / "nowhere")
    with pytest.raises(LookupError):
        failing(task, job=job, data=DataOptions(cache=tmp_path / "cache"))
    assert tmp_path / "cache" == found[0].parent


def test_a_disk_that_is_full_is_a_fault_without_a_path(task, tmp_path):
    (tmp_path / "file").write_text("")
    job = replace(task.job, prepared=tmp_path / "nowhere")
    answer = failing(task, job=job, data=DataOptions(cache=tmp_path / "file" / "cache"))
    assert "rsna: cannot be prepared on the worker (Not a directory)" == answer.fault


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system pins no process")
def test_a_process_without_its_seat_trains_nothing(task):
    answer = perform(task, Seat(processors=(0, 1, 99)), lambda _: None)
    record = Record.from_json(answer.record)
    assert Status.FAILED is record.status
    assert "and was given 0-1,99" in record.reason


def test_relative_paths_are_meant_from_the_folder_of_the_run(task, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    failing(task, fingerprint="another", below=tmp_path / "nowhere")
    assert tmp_path == Path.cwd()
    (tmp_path / "project").mkdir()
    failing(task, fingerprint="another", below=tmp_path / "project")
    assert tmp_path / "project" == Path.cwd()
