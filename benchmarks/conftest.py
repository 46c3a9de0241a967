"""Save every run of the suite under ./reports, and say what is missing where redl was turned off."""

import pytest


@pytest.hookimpl(tryfirst=True)  # pytest-benchmark reads its options when it is configured
def pytest_configure(config: pytest.Config) -> None:
    """Choose where the run is saved; raise UsageError without redl's plugin."""
    if not config.pluginmanager.hasplugin("redl"):
        raise pytest.UsageError("the suite takes its cases from redl's plugin; leave out -p no:redl")
    from redl.plugin.reports import save_reports

    save_reports(config)
