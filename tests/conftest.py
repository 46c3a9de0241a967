"""What the tests of redl itself share."""

from hypothesis import settings

# A property does not fail because the machine is busy.
settings.register_profile("redl", deadline=None)
settings.load_profile("redl")
