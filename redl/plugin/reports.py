"""Where a run of the suite is saved."""

from __future__ import annotations

import pytest


def save_reports(config: pytest.Config) -> None:
    """Save this run below ./reports, unless pytest-benchmark's own options say how.

    To be called before pytest-benchmark is configured, which is when it reads its options.
    """
    option = config.option
    if not hasattr(option, "benchmark_storage"):  # -p no:benchmark, which is refused once a case is found
        return
    if option.benchmark_storage == "file://./.benchmarks":  # its default
        option.benchmark_storage = f"file://{config.invocation_params.dir / 'reports'}"
    runs_nothing = option.collectonly or option.redl_plan is not None
    if not (option.benchmark_save or option.benchmark_autosave or runs_nothing):
        from pytest_benchmark.utils import get_tag

        option.benchmark_autosave = get_tag()  # type: ignore[no-untyped-call] # has no annotations
