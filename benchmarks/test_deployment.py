"""Run every trained baseline outside of the process that trained it, and check figures and answers.

Each runtime is measured in a fresh process on the CPU; select with `-k`, e.g. `-k "densenet and onnx"`. The
runtimes of ONNX need `redl[deploy]`.
"""

from collections.abc import Callable, Iterator

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from redl.deployment.runtime import Runtime
from redl.execution.case_process import CaseProcess
from redl.plugin.session import RedlSession
from redl.record import Record
from redl.record.deployment import Deployment
from redl.study.case import Case, Model
from redl.study.profile import SMOKE

MOST_DP = 1e-4  # of a float32 runtime
MOST_ONNX_BYTES = 200_000_000
LEAST_CPU_RATIO = 3.0  # of torch to ONNX, for a single image
MOST_INT8_FILE = 0.35  # of the float32 file


@pytest.mark.benchmark(group="deployment")
def test_deployment(
    benchmark: BenchmarkFixture,
    redl_case: Case,
    redl_case_process: CaseProcess,
    redl_deploy: Callable[[CaseProcess], Deployment],
    redl_keep: Callable[[CaseProcess], Record],
    redl_session: RedlSession,
) -> None:
    """A trained network runs elsewhere, with the answers and at the cost that its runtime should have."""
    record = redl_case_process.finish()
    assert record.metrics is not None, record.reason
    found = benchmark.pedantic(redl_deploy, args=(redl_case_process,), rounds=1, iterations=1)
    redl_keep(redl_case_process)
    problems = [*problems_of(found)]
    if redl_case.model == Model.DENSENET and redl_case.profile == SMOKE.name:
        beside = {one.runtime: one for one in redl_session.deployments.values() if comparable(one, found)}
        problems += problems_of_densenet(found, beside)
    assert not problems


def comparable(one: Deployment, other: Deployment) -> bool:
    """Return whether two are of one trained network, on as many threads."""
    return (one.case, one.threads) == (other.case, other.threads)


def problems_of(found: Deployment) -> Iterator[str]:
    """Yield what no network may do in a runtime."""
    if found.process.torch_loaded != Runtime(found.runtime).needs_torch:
        yield f"torch in the process of {found.runtime}: {found.process.torch_loaded}"
    if found.runtime in (Runtime.TORCH, Runtime.ONNX) and found.agreement is not None:
        if found.agreement.max_abs_dp > MOST_DP:
            yield f"max |dp| {found.agreement.max_abs_dp:.2g} is above {MOST_DP:g}"
        if found.agreement.flips:
            yield f"{found.agreement.flips} flips in float32"


def problems_of_densenet(found: Deployment, beside: dict[str, Deployment]) -> Iterator[str]:
    """Yield where DenseNet-121 at 32 pixels costs more than it has to; `beside` are the other runtimes'."""
    torch, onnx = beside.get(Runtime.TORCH), beside.get(Runtime.ONNX)
    if found.runtime == Runtime.ONNX:
        peak = found.process.peak_bytes
        if peak is not None and peak > MOST_ONNX_BYTES:
            yield f"the whole process takes {peak / 1e6:.0f} MB"
        if torch is not None:
            ratio = torch.single.cpu_seconds_per_image / found.single.cpu_seconds_per_image
            if ratio < LEAST_CPU_RATIO:
                yield f"torch takes only {ratio:.2f} times its processor time"
    if found.runtime == Runtime.ONNX_INT8 and onnx is not None:
        share = found.file.bytes / onnx.file.bytes
        if share > MOST_INT8_FILE:
            yield f"the int8 file is {share:.2f} of the float32 one"
