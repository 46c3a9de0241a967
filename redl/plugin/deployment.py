"""The fixture of deployment: what measures the trained network of a case in a runtime."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from redl.errors import ModelError, OptionError
from redl.plugin.session import RedlSession

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from redl.deployment.runtime import Serving
    from redl.execution.case_process import CaseProcess
    from redl.execution.job import Job
    from redl.plugin.answered import AnsweredCase
    from redl.plugin.resume import TakenOver
    from redl.record.deployment import Deployment

    Trained = CaseProcess | AnsweredCase | TakenOver


@pytest.fixture
def redl_deploy(
    request: pytest.FixtureRequest, redl_serving: Serving, redl_session: RedlSession
) -> Callable[[Trained], Deployment]:
    """Return a function that measures the trained network of a case in the runtime of this test.

    What it finds goes into the benchmark's `extra_info`. The test is skipped if a package is not installed.
    """
    from redl.deployment.runtime import check_installed
    from redl.plugin.answered import AnsweredCase
    from redl.plugin.resume import TakenOver
    from redl.record.deployment import Deployment
    from redl.results.store import DEPLOYMENT_KEY

    try:
        check_installed(redl_serving.runtime)
    except OptionError as error:
        pytest.skip(str(error))
    benchmark: BenchmarkFixture = request.getfixturevalue("benchmark")

    def deploy(case_process: Trained) -> Deployment:
        case = case_process.case.id
        if isinstance(case_process, TakenOver):
            found = Deployment.from_json(case_process.extra_info(benchmark.fullname)[DEPLOYMENT_KEY])
        elif isinstance(case_process, AnsweredCase):
            answer = case_process.deployed(redl_serving.name)
            if answer.fault is not None:
                pytest.fail(answer.fault, pytrace=False)
            found = Deployment.from_json(answer.deployment)
        else:
            found = _measured(case_process, redl_serving, redl_session.jobs[case])
        benchmark.extra_info[DEPLOYMENT_KEY] = found.to_json()
        redl_session.deployments[f"{case}-{redl_serving.name}"] = found
        return found

    return deploy


def _measured(case_process: CaseProcess, serving: Serving, job: Job) -> Deployment:
    from redl.deployment.deploying import Deployed

    case_process.export()
    predictions, record = case_process.predictions(), case_process.finish()
    if predictions is None or record.metrics is None:
        pytest.fail(f"{job.case.id}: there is no trained network ({record.reason})", pytrace=False)
    try:
        return Deployed(job=job, record=record, answered=predictions).measure(serving)
    except ModelError as error:
        pytest.fail(str(error), pytrace=False)
