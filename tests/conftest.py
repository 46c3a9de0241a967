"""What the tests of redl itself share."""

import gc
import os
import signal

from hypothesis import settings

# A property does not fail because the machine is busy.
settings.register_profile("redl", deadline=None)
settings.load_profile("redl")

# In a run that is spread over workers, pytest-benchmark would measure nothing in those that tests start.
os.environ.pop("PYTEST_XDIST_WORKER", None)

# A shell starts what runs in its background with Ctrl-C ignored, which the runs that tests interrupt inherit.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish():
    """Leave the thousands of collected tests out of garbage collection, which inner runs of pytest force."""
    gc.collect()
    gc.freeze()
