"""The hooks that pytest calls: options, one test per case, and the table at the end.

Every pytest run in the environment loads this module, so it imports nothing heavy, and acts only on tests
that take one of redl's fixtures. Options are read, and files opened, when the first such test is found.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from redl.plugin import budgets, deployment, fixtures, handing_out, hookspecs, privacy
from redl.plugin.options.arguments import add_options, given_options
from redl.plugin.reports import save_reports
from redl.plugin.selection import (
    NEEDS_ONE_PROCESS,
    Selection,
    budgeted_of,
    case_of,
    nearest_words,
    refuses_workers,
)
from redl.plugin.session import SESSION, RedlSession

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

_NO_BUDGET = pytest.param(
    None, id="none", marks=pytest.mark.skip(reason="no budget to fit into: name some, --redl-budgets=4GB,8GB")
)
_SUITE = "redl.suite"  # as an installed suite is named behind --pyargs


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add redl's options."""
    add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the hooks with which a conftest.py extends the suite."""
    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(tryfirst=True)  # pytest-benchmark reads its options when it is configured
def pytest_configure(config: pytest.Config) -> None:
    """Open the session, and refuse redl's options right away if any was given."""
    config.addinivalue_line("markers", "redl_downsampled: run the downsampled cases in place of the others")
    config.pluginmanager.register(fixtures, "redl-fixtures")
    config.pluginmanager.register(budgets, "redl-budgets")
    config.pluginmanager.register(deployment, "redl-deployment")
    config.pluginmanager.register(handing_out, "redl-handing-out")
    config.pluginmanager.register(privacy, "redl-privacy")
    session = config.stash[SESSION] = RedlSession(config)
    if any(argument.partition("::")[0].startswith(_SUITE) for argument in config.args):
        save_reports(config)
    if given_options(config):
        session.open()
        session.raise_refusal()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test per case of the study for every test that takes `redl_case`, directly or not.

    A test marked `redl_downsampled` takes the downsampled cases instead.
    """
    if not any(name.startswith("redl_") for name in metafunc.fixturenames):
        return
    session = metafunc.config.stash[SESSION]
    session.open()
    if "redl_serving" in metafunc.fixturenames:
        both = "redl_case, redl_serving"
        if refuses_workers(metafunc.config):
            metafunc.parametrize(both, [(None, None)], ids=[NEEDS_ONE_PROCESS], scope="session")
            return
        pairs = session.deployed()
        ids = [f"{case.id}-{serving.name}" for case, serving in pairs]
        metafunc.parametrize(both, pairs, ids=ids, scope="session")
    elif "redl_budgeted" in metafunc.fixturenames:
        if refuses_workers(metafunc.config):
            metafunc.parametrize("redl_budgeted", [None], ids=[NEEDS_ONE_PROCESS], scope="session")
            return
        budgeted = [pytest.param(one, id=one.id) for one in session.within_budgets()]
        metafunc.parametrize("redl_budgeted", budgeted or [_NO_BUDGET], scope="session")
    elif "redl_case" in metafunc.fixturenames:
        if refuses_workers(metafunc.config):
            metafunc.parametrize("redl_case", [None], ids=[NEEDS_ONE_PROCESS], scope="session")
            return
        cases = session.cases(
            downsampled=metafunc.definition.get_closest_marker("redl_downsampled") is not None
        )
        # Session scope groups all tests of a case, so that they share one process.
        metafunc.parametrize("redl_case", cases, ids=[case.id for case in cases], scope="session")


@pytest.hookimpl(wrapper=True, tryfirst=True)  # around `-k`, and around what shuffles tests
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None, object, object]:
    """Let `-k seed1` mean that seed only, and run each case after what it is compared with."""
    config.stash[SESSION].raise_refusal()
    with Selection(config, items) as selection:
        result = yield
    selection.restore_order(items)
    return result


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: WorkerController, ids: Sequence[str]) -> None:
    """Refuse to spread cases over pytest-xdist's workers, which would disturb each other's figures."""
    if any(NEEDS_ONE_PROCESS in name for name in ids):
        chosen = node.config.getoption("numprocesses", None)
        raise pytest.UsageError(
            f"-n {chosen}: cases measured side by side disturb each other's figures, and pytest-benchmark "
            "records none; leave out -n"
        )


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Record which cases were deselected."""
    for item in items:
        if case := case_of(item):
            item.config.stash[SESSION].left_out.add(case.id)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Record which cases are to run, and refuse models that none could be trained with."""
    ours = session.config.stash[SESSION]
    ours.budgeted = [one for item in session.items if (one := budgeted_of(item))]
    cases = {item: case for item in session.items if (case := case_of(item))}
    for item, case in cases.items():
        ours.tests.setdefault(case.id, []).append(item.nodeid)
        if "redl_case_process" in _fixtures_of(item):
            ours.want(case, item)
    if (cases or ours.budgeted) and not (session.config.option.collectonly or _plans(session.config)):
        trained = [case.model for item, case in cases.items() if "redl_case_process" in _fixtures_of(item)]
        ours.preflight([*trained, *(one.model for one in ours.budgeted)])
        ours.prove()


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """From the end of the last test on, let no signal keep the run from being saved."""
    try:
        return (yield)
    finally:
        session.config.stash[SESSION].interruption.end()


@pytest.hookimpl(tryfirst=True, specname="pytest_runtestloop")  # the first answer is the only one
def pytest_runtestloop_planned(session: pytest.Session) -> bool | None:
    """Plan in place of running tests, if that is asked for and all could be collected."""
    option, ours = session.config.option, session.config.stash[SESSION]
    if not _plans(session.config) or option.collectonly:
        return None
    if session.testsfailed and not option.continue_on_collection_errors:
        return None
    cases = [case for item in session.items if (case := case_of(item))]
    ours.make_plan(cases, width=_width(session.config))
    return True


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    """Keep the host's name out of reports that hold redl's cases."""
    session = config.stash[SESSION]
    if session.has_tests:
        machine_info["node"] = ""


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_json(config: pytest.Config, output_json: dict[str, Any]) -> None:
    """Save which cases were to run, so that a comparison notices one that did not."""
    config.stash[SESSION].describe_selection(output_json)


@pytest.hookimpl(wrapper=True, tryfirst=True, specname="pytest_sessionfinish")  # around all other plugins
def pytest_sessionfinish_around(session: pytest.Session) -> Generator[None, object, object]:
    """Let nothing keep the run from being saved, and fail if a signal ended it."""
    ours = session.config.stash[SESSION]
    ours.interruption.end()
    if ours.has_tests:
        from redl.plugin.benchmarks import drop_untimed

        drop_untimed(session.config)
    try:
        return (yield)
    finally:
        if ours.interruption.came:
            session.exitstatus = session.exitstatus or pytest.ExitCode.INTERRUPTED


def pytest_unconfigure(config: pytest.Config) -> None:
    """Save, and print the table, where another plugin broke the end of the run before that."""
    if SESSION in config.stash:
        _close(config)


@pytest.hookimpl(tryfirst=True)  # before the JUnit report is written
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the reference and make the requested checks; fail if one of them does."""
    config = session.config
    if SESSION in config.stash and not (config.option.collectonly or _plans(config)):
        status = config.stash[SESSION].finish(width=_width(config))
        # A run that failed before keeps its own status.
        session.exitstatus = session.exitstatus or status


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print scores and costs of the cases, laid out as in the paper."""
    session = config.stash[SESSION]
    session.printed = True
    if session.left_out and not session.collected and config.option.keyword:
        _hint(terminalreporter, config.option.keyword, session.left_out)
    if session.plan:
        terminalreporter.section("redl plan")
        terminalreporter.write(session.plan)
    if session.checks:
        from redl.results.printed import printed_rows
        from redl.results.tables import tables

        terminalreporter.section("redl")
        checks = list(session.checks.values())
        terminalreporter.write(tables(checks, width=_width(config), printed=printed_rows()))
    if session.fits:
        from redl.results.fits_table import fits_table

        terminalreporter.section("redl budgets")
        batch_size = session.options.run.profile.batch_size
        fits = list(session.fits.values())
        terminalreporter.write(
            fits_table(fits, batch_size=batch_size, width=_width(config), judged=session.cost_of)
        )
    if session.deployments:
        from redl.results.deployment_table import deployment_table

        found = deployment_table(
            session.deployments.values(),
            session.records,
            width=_width(config),
            verdicts=session.runtime_verdicts,
        )
        terminalreporter.section("redl deployment")
        terminalreporter.write(found)
    if session.safekeeping.words:
        terminalreporter.write_line(session.safekeeping.words)
    for check in session.session_checks:
        terminalreporter.write(check.text, red=check.status != pytest.ExitCode.OK)


def _close(config: pytest.Config) -> None:
    """End what the session began; nothing is left to do where the run ended as it should."""
    session, reporter = config.stash[SESSION], config.pluginmanager.get_plugin("terminalreporter")
    try:
        if not session.finished:
            session.finish(width=_width(config))
        if session.checks and not session.printed and reporter:
            pytest_terminal_summary(reporter, config)
    finally:
        session.interruption.forget()


def _plans(config: pytest.Config) -> bool:
    return config.getoption("redl_plan") is not None


def _fixtures_of(item: pytest.Item) -> Sequence[str]:
    return item.fixturenames if isinstance(item, pytest.Function) else ()


def _hint(terminalreporter: pytest.TerminalReporter, expression: str, ids: set[str]) -> None:
    if near := nearest_words(expression, ids):
        terminalreporter.write_line(
            f"-k {expression}: no case has such a name; did you mean {', '.join(near)}?"
        )


def _width(config: pytest.Config) -> int:
    """Return the columns of the terminal; a log, whose width nobody knows, is wide."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    columns: int = reporter._tw.fullwidth if reporter else 0  # noqa: SLF001 - pytest offers no public way
    return columns if reporter and reporter.isatty else max(columns, 120)
