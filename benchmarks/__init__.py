"""The suite: `pytest benchmarks` in a checkout, `pytest --pyargs redl.suite` where a wheel is installed."""
