import pytest

from redl.results.report.figures import gallery
from tests.results.report.figures.replayed import replayed


@pytest.fixture(scope="session")
def whole():
    """Return the figures of the whole matrix by their names."""
    return {drawing.name: drawing for drawing in gallery([replayed()]).drawings}
