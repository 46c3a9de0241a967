"""What the tests of a GPU share."""

import pytest
import torch

from redl.data.datasets import DataOptions, prepare_dataset
from redl.execution.case_process import CaseProcess, start_case
from redl.execution.job import Job, RunOptions
from redl.study.case import Case, Dataset, Model
from redl.study.profile import TINY


def pytest_collection_modifyitems(items):
    """Skip every test of this folder without a GPU."""
    if not torch.cuda.is_available():
        for item in items:
            if "tests/cuda" in item.path.as_posix():
                item.add_marker(pytest.mark.skip(reason="there is no GPU"))


@pytest.fixture
def cuda():
    return torch.device("cuda")


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    return prepare_dataset(Dataset.RSNA, TINY, DataOptions(cache=tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def record_of(prepared):
    """Return a function that runs a tiny case in its own process."""

    def record(setting, model=Model.DENSENET, **options):
        case = Case(dataset=Dataset.RSNA, model=model, setting=setting, seed=1, profile=TINY.name)
        job = Job(case=case, prepared=prepared, options=RunOptions(**{"profile": TINY, **options}))
        process = CaseProcess(case, start_case(job), timeout_s=300, on_epoch=lambda _: None)
        try:
            return process.finish()
        finally:
            process.close()

    return record
