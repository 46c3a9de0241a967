"""Save every run of the suite under reports/, unless the command line says how."""

from pathlib import Path

import pytest
from pytest_benchmark.utils import get_tag

REPORTS = Path(__file__).parent.parent / "reports"


@pytest.hookimpl(tryfirst=True)  # pytest-benchmark reads its options when it is configured
def pytest_configure(config: pytest.Config) -> None:
    """Choose the storage and the name that pytest-benchmark's own options would."""
    option = config.option
    if option.benchmark_storage == "file://./.benchmarks":  # its default
        option.benchmark_storage = f"file://{REPORTS}"
    if not (option.benchmark_save or option.benchmark_autosave or option.collectonly):
        option.benchmark_autosave = get_tag()
