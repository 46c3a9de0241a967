"""The fixtures of budgets: the search for the largest batch, and what keeps what it finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from redl.errors import RedlError
from redl.plugin.session import RedlSession

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from redl.execution.fitting import Fitting
    from redl.plugin.options.suite import SuiteOptions
    from redl.plugin.progress import Progress
    from redl.record.budget import Fit
    from redl.study.budgeted import Budgeted


@pytest.fixture(scope="session")
def redl_fitting(redl_options: SuiteOptions) -> Fitting:
    """Return the search for largest batches, which learns from one test for the next."""
    from redl.execution.fitting import Fitting
    from redl.execution.largest_batch import MOST_BATCH

    return Fitting(redl_options.run, most_batch=redl_options.most_batch or MOST_BATCH)


@pytest.fixture
def redl_fit(
    benchmark: BenchmarkFixture,
    redl_budgeted: Budgeted,
    redl_fitting: Fitting,
    redl_session: RedlSession,
    redl_progress: Progress,
) -> Callable[[], Fit]:
    """Return a function that searches for the largest batch of this test's model, setting and cap.

    What it finds goes into the benchmark's `extra_info`.
    """
    from redl.results.store import FIT_KEY

    def fit() -> Fit:
        one = redl_budgeted
        try:
            if redl_session.fleet is not None:  # a trial is not to be measured beside cases
                redl_session.fleet.wait_for_all()
            found = redl_fitting.fit(one.model, one.setting, one.cap_bytes, redl_progress.trials(one.id))
        except RedlError as error:
            pytest.fail(str(error), pytrace=False)
        benchmark.extra_info[FIT_KEY] = found.to_json()
        redl_session.fits[one.id] = found
        return found

    return fit
