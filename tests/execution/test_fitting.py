"""What a search says that it held, and that nothing fits without evidence."""

from types import SimpleNamespace

import pytest
import torch

from redl.errors import ModelError
from redl.execution import fitting
from redl.execution.fitting import Fitting
from redl.execution.job import RunOptions
from redl.execution.messages import OverCapError
from redl.execution.probe import ProbeRun
from redl.record.budget import Cap, Trial
from redl.study.profile import TINY
from tests.helpers.budgets import probe


def check(found, *, cap, device="cpu"):
    run = SimpleNamespace(_cap_bytes=cap, _plan=SimpleNamespace(device=torch.device(device)))
    ProbeRun._check(run, found)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_where_no_peak_was_read_nothing_is_said_to_fit(device):
    with pytest.raises(ModelError, match="whether it stayed below the cap cannot be told"):
        check(probe(None), cap=10**9, device=device)
    check(probe(None), cap=None, device=device)


def test_a_peak_above_the_cap_is_over_it_by_the_difference():
    check(probe(100), cap=100)
    with pytest.raises(OverCapError) as over:
        check(probe(103), cap=100)
    assert 3 == over.value.over_bytes


@pytest.mark.parametrize(("process_bytes", "held"), [(900, Cap.PROCESS), (None, Cap.GROWTH)])
def test_on_a_gpu_the_whole_process_is_held_only_where_the_driver_counts_it(monkeypatch, process_bytes, held):
    def attempt(job):
        found = probe(500, process_bytes=process_bytes)
        return Trial(batch_size=job.batch_size, fits=True, probe=found, over_bytes=None, reason=None)

    monkeypatch.setattr(fitting, "_card", lambda: "a card")
    monkeypatch.setattr(fitting, "try_batch", attempt)
    found = Fitting(RunOptions(profile=TINY), most_batch=8).fit("densenet", "baseline", 1000)
    assert (held, 8) == (found.held, found.batch_size)
