"""What the tests of workers share: prepared data, projects with slow cases, and a cluster."""

import pytest

from tests.helpers.cluster import Cluster
from tests.helpers.slowcases import SlowCases


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("fleet-cache")


@pytest.fixture
def slow_cases(tmp_path, cache):
    """Return a function that makes a project whose cases wait."""

    def make(**words):
        return SlowCases(tmp_path / "project", cache=cache, **words)

    return make


@pytest.fixture
def cluster(tmp_path):
    """A scheduler with two workers."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    found = Cluster(folder)
    yield found
    found.close()
