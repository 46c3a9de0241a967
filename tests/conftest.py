"""What the tests of redl itself share."""

import gc

from hypothesis import settings

# A property does not fail because the machine is busy.
settings.register_profile("redl", deadline=None)
settings.load_profile("redl")


def pytest_collection_finish():
    """Leave the thousands of collected tests out of garbage collection, which inner runs of pytest force."""
    gc.collect()
    gc.freeze()
