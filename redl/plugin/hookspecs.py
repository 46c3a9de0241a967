"""Hooks with which your conftest.py adds to the suite."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from redl.data.folder import Folder
    from redl.study.custom import CustomModel, CustomSetting


@pytest.hookspec
def pytest_redl_datasets(config: pytest.Config) -> Iterable[Folder]:  # type: ignore[empty-body]
    """Return your own data sets; every model runs on each, under every setting."""


@pytest.hookspec
def pytest_redl_models(config: pytest.Config) -> Iterable[CustomModel]:  # type: ignore[empty-body]
    """Return your own networks, timm's or built by a function; each runs under every setting."""


@pytest.hookspec
def pytest_redl_settings(config: pytest.Config) -> Iterable[CustomSetting]:  # type: ignore[empty-body]
    """Return your own settings, defined by a function; every model runs under each."""
