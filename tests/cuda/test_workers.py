"""Each worker computes on its own GPU, and reads that one's energy."""

import pickle
from pathlib import Path

import pytest

from redl.data.cache.entry import open_prepared
from redl.data.datasets import DataOptions, prepare_dataset
from redl.execution.job import Job, RunOptions
from redl.fleet.member import Member
from redl.fleet.seat import seats
from redl.fleet.task import Task
from redl.metering.gpus import visible_gpus
from redl.record import Record, Status
from redl.study.case import Case, Dataset, Model, Setting
from redl.study.profile import TINY

CASE = Case(dataset=Dataset.RSNA, model=Model.MLP, setting=Setting.BASELINE, seed=1, profile="tiny")


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    data = DataOptions(cache=tmp_path_factory.mktemp("cache"))
    prepared = prepare_dataset(Dataset.RSNA, TINY, data)
    job = Job(case=CASE, prepared=prepared, options=RunOptions(profile=TINY))
    fingerprint = open_prepared(prepared).fingerprint
    return Task(job=job, below=Path.cwd(), data=data, fingerprint=fingerprint)


@pytest.mark.usefixtures("cuda")
@pytest.mark.parametrize("place", [0, 1])
def test_a_worker_computes_on_its_own_gpu(task, place):
    if place >= len(visible_gpus()):
        pytest.skip("there is one GPU only")
    seat = seats("auto", share=False)[place]
    member = Member(seat)
    try:
        record = Record.from_json(member.perform(pickle.dumps(task), lambda _: None).record)
    finally:
        member.close()
    assert Status.COMPLETED is record.status, record.reason
    assert "cuda" == record.environment["device"]
    (gpu,) = (one for one in record.energy.train.components if one.component == "gpu")
    assert (seat.gpu,) == gpu.devices
