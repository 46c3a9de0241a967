"""Hooks: how a user's conftest.py adds to the suite, with no change to redl."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from redl.data.folder import Folder
    from redl.study.custom import CustomModel, CustomSetting


@pytest.hookspec
def pytest_redl_datasets(config: pytest.Config) -> Iterable[Folder]:  # type: ignore[empty-body]
    """Return data sets of one's own; every model and setting of the suite then runs on each."""


@pytest.hookspec
def pytest_redl_models(config: pytest.Config) -> Iterable[CustomModel]:  # type: ignore[empty-body]
    """Return networks of one's own, of timm's or built by a function; each runs under every setting."""


@pytest.hookspec
def pytest_redl_settings(config: pytest.Config) -> Iterable[CustomSetting]:  # type: ignore[empty-body]
    """Return settings of one's own, stated by a function; every model then runs under each."""
