"""What all tests of the checkout share; the suite's own fixtures come from redl's plugin."""

import pytest

pytest_plugins = ["pytester"]


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Return pytester, whose inner runs keep their order where pytest-randomly is installed."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:randomly")
    # pytest-benchmark would measure nothing in what a worker of pytest-xdist starts.
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    return pytester
