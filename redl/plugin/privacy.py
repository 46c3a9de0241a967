"""Names of people, machines and projects, kept out of what a run with redl's cases writes."""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from redl.plugin.session import SESSION

_HOST = re.compile(rb' hostname="[^"]*"')


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_commit_info(config: pytest.Config, commit_info: dict[str, Any]) -> None:
    """Keep the names of the project's folder and of the branch out of saved runs."""
    if config.stash[SESSION].has_tests:
        commit_info |= {"project": "", "branch": ""}


@pytest.hookimpl(wrapper=True, tryfirst=True)  # around pytest's own, which writes the JUnit report
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    """Keep the host's name, which pytest takes on its own, out of the JUnit report."""
    result = yield
    report = getattr(session.config.option, "xmlpath", None)
    if report is not None and session.config.stash[SESSION].has_tests and Path(report).is_file():
        path = Path(report)
        path.write_bytes(_HOST.sub(b' hostname=""', path.read_bytes()))
    return result
