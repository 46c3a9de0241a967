"""Hooks: how a user's conftest.py adds to the suite, with no change to redl."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from redl.data.folder import Folder


@pytest.hookspec
def pytest_redl_datasets(config: pytest.Config) -> Iterable[Folder]:  # type: ignore[empty-body]
    """Return data sets of one's own; every model and setting of the suite then runs on each."""
