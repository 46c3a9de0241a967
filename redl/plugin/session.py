"""The session: the state of one pytest run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest

from redl.errors import OptionError, RedlError
from redl.plugin.clock import WorkerClock
from redl.plugin.closing import SessionCheck, session_checks
from redl.plugin.interruption import Interruption
from redl.plugin.safekeeping import Safekeeping

if TYPE_CHECKING:
    from pathlib import Path

    from redl.deployment.runtime import Serving
    from redl.execution.job import Job
    from redl.execution.stamp import Stamp
    from redl.fleet.fleet import Fleet
    from redl.metering.assumptions import Assumptions
    from redl.plugin.options.suite import SuiteOptions
    from redl.record import Predictions, Record
    from redl.record.budget import Fit
    from redl.record.deployment import Deployment
    from redl.results.checks import CaseCheck
    from redl.results.noninferiority.verdict import Verdict
    from redl.results.store import Run
    from redl.study.budgeted import Budgeted
    from redl.study.case import Case


@dataclass(kw_only=True, slots=True)
class Wanted:
    """A case whose process some tests want, and what its trained network is to be measured in."""

    case: Case
    servings: list[Serving] = field(default_factory=list)


class RedlSession:
    """State of one pytest run: its options, read at first use, and the results of its cases by id."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._refusal: str | None = None
        self.records: dict[str, Record] = {}
        self.predictions: dict[str, Predictions] = {}
        self.checks: dict[str, CaseCheck] = {}
        self.stamps: dict[str, Stamp] = {}
        self.jobs: dict[str, Job] = {}
        self.epochs: dict[str, Path | None] = {}  # the folders where cases keep theirs
        self.wanted: dict[str, Wanted] = {}
        self.fleet: Fleet | None = None  # the workers, where there are any
        self.clock = WorkerClock()
        self.budgeted: Sequence[Budgeted] = ()
        self.fits: dict[str, Fit] = {}  # by the ends of their tests' ids
        self.deployments: dict[str, Deployment] = {}  # by the ends of their tests' ids, case and serving
        self.verdicts: list[Verdict] = []
        self.runtime_verdicts: list[Verdict] = []
        self.tests: dict[str, list[str]] = {}  # the full names of each case's tests
        self.left_out: set[str] = set()
        self.session_checks: list[SessionCheck] = []
        self.finished = self.printed = False
        self.plan = ""  # in place of running anything, if one was asked for
        self.safekeeping = Safekeeping(config)
        self.interruption = Interruption()
        self.record_property: Callable[[str, object], None] = lambda *_: None  # of the JUnit report

    @cached_property
    def options(self) -> SuiteOptions:
        """Return redl's options; raise RedlError that names one that cannot be used."""
        from redl.execution.declared import Declared
        from redl.plugin.options.suite import read_options

        hook = self._config.hook
        brought = Declared(
            folders=tuple(chain.from_iterable(hook.pytest_redl_datasets(config=self._config))),
            models=tuple(chain.from_iterable(hook.pytest_redl_models(config=self._config))),
            settings=tuple(chain.from_iterable(hook.pytest_redl_settings(config=self._config))),
        )
        return read_options(self._config, brought)

    @cached_property
    def assumptions(self) -> Assumptions:
        """Return what no sensor can measure: all that the fixture `carbon` needs of the options."""
        from redl.plugin.options.suite import read_assumptions

        return read_assumptions(self._config)

    def open(self) -> None:
        """Read the options, or keep why they cannot be used, because pytest hides what collection raises."""
        try:
            _ = self.options
        except RedlError as error:
            self._refusal = str(error)

    def raise_refusal(self) -> None:
        """End the run with one line if the options cannot be used."""
        if self._refusal is not None:
            raise pytest.UsageError(self._refusal)

    def cases(self, *, downsampled: bool) -> list[Case]:
        """Return the cases of the study; none if the run is refused."""
        if not self._config.pluginmanager.hasplugin("benchmark"):
            self._refusal = "redl records its figures through pytest-benchmark; leave out -p no:benchmark"
        if self._refusal is not None:
            return []
        study = self.options.study
        return study.downsampled_cases() if downsampled else study.cases()

    def within_budgets(self) -> list[Budgeted]:
        """Return each model and setting of the study under each of the caps; none if the run is refused."""
        from redl.study.budgeted import budgeted

        cases = self.cases(downsampled=False)
        return budgeted(cases, self.options.budgets) if cases else []

    def deployed(self) -> list[tuple[Case, Serving]]:
        """Return the cases whose trained networks are deployed, each with all that it is run by."""
        from redl.deployment.runtime import with_servings

        cases = self.cases(downsampled=False)
        return with_servings(cases, *self.options.deployment.chosen) if cases else []

    def want(self, case: Case, item: pytest.Item) -> None:
        """Note that a test wants the process of a case; where workers have it, their clock times the test."""
        wanted = self.wanted.setdefault(case.id, Wanted(case=case))
        if (serving := item.callspec.params.get("redl_serving")) is not None:  # type: ignore[attr-defined] # of a test that has parameters
            wanted.servings.append(serving)
        if self.options.fleet is not None:
            marker = item.get_closest_marker("benchmark")
            words = {} if marker is None else marker.kwargs
            item.add_marker(pytest.mark.benchmark(**{**words, "timer": self.clock}), append=False)

    def preflight(self, models: Iterable[str]) -> None:
        """End the run with one line if one of these models could not be trained as the options ask."""
        if named := tuple(dict.fromkeys(models)):
            from redl.execution.preflight import check

            try:
                check(self.options.run, named)
            except RedlError as error:
                raise pytest.UsageError(str(error)) from None

    def prove(self) -> None:
        """End the run with one line if it could not be saved, or if what it resumes cannot be read."""
        self.interruption.watch()
        from redl.results.saving import prove_writable

        try:
            self.safekeeping.prove(self.options.resume)
            for folder, flag in self.options.folders:
                prove_writable(folder, flag)
        except RedlError as error:
            raise pytest.UsageError(str(error)) from None

    def begin(self, fingerprint: Callable[[str], str] | None = None) -> None:
        """Begin to keep what the cases find, after taking over what an earlier run has found.

        `fingerprint` prepares a data set and returns its fingerprint; without it, nothing can be taken over.
        """
        from redl.plugin.resume import Decision, Earlier, decide

        def now(record: Record) -> Stamp:
            assert fingerprint is not None, "only where data are prepared is anything decided"
            return self.stamp_of(record.case, fingerprint(record.case.dataset))

        def decision(earlier: Earlier) -> Decision:
            return decide(earlier, self.tests, now)

        self.safekeeping.begin(self.selection, None if fingerprint is None else decision)

    def stamp_of(self, case: Case, fingerprint: str) -> Stamp:
        """Return the stamp of a case on data of this fingerprint, on the machine that will run it."""
        from redl.execution.stamp import environment_here, stamp_of

        environment = environment_here if self.fleet is None else self.fleet.environment
        return stamp_of(case, self.options.run, fingerprint, environment)

    def cost_of(self, model: str, setting: str) -> str:
        """Return what a setting costs in performance, as this run judged it."""
        from redl.results.fits_table import NOT_JUDGED

        words = [
            f"{one.dataset} {one.difference:+.3f} {one.outcome}"
            for one in self.verdicts
            if (one.model, one.setting, one.downsample) == (model, setting, 1) and one.difference is not None
        ]
        return ", ".join(words) or NOT_JUDGED

    def check_complete(self, flag: str) -> None:
        """Raise OptionError if a case of this run has no record, e.g. because the run was interrupted."""
        if missing := sorted(self.collected - self.records.keys()):
            raise OptionError(
                f"{flag}: {len(missing)} of {len(self.collected)} cases did not run to their end, first "
                f"{missing[0]}; run them again with --redl-resume"
            )

    def make_plan(self, cases: Iterable[Case], *, width: int) -> None:
        """Keep what the cases would take, to be printed at the end; end the run if a named run is damaged."""
        from redl.plugin.planning import plan
        from redl.plugin.progress import Progress

        self.finished = True  # nothing ran, so there is nothing to check or to save
        try:
            once = {case.id: case for case in cases}
            measuring = Progress(self._config).counting("measuring")
            self.plan = plan(list(once.values()), self.options, width=width, on_sort=measuring)
        except RedlError as error:
            raise pytest.UsageError(f"--redl-plan: {error}") from None

    @property
    def collected(self) -> Set[str]:
        """Return the ids of the cases that are to run."""
        return self.tests.keys()

    @property
    def has_tests(self) -> bool:
        """Return whether any test of this run is redl's."""
        return bool(self.collected or self.budgeted)

    def selection(self) -> dict[str, Any]:
        """Return what a saved run says of which cases were to run, were left out, and were taken over."""
        from redl.results.store import KEY, selection

        return {KEY: selection(self.collected, self.deselected, self.safekeeping.taken)}

    def describe_selection(self, output_json: dict[str, Any]) -> None:
        """Add to a saved run which cases were to run, and which were left out on purpose."""
        if self.records:
            output_json |= self.selection()

    @property
    def deselected(self) -> frozenset[str]:
        """Return the cases of which no test was to run; other tests of a case may have been left out."""
        return frozenset(self.left_out - self.collected)

    @property
    def run(self) -> Run:
        """Return this run as if it had been saved."""
        from redl.results.store import Run

        return Run(
            name="this run",
            records=self.records,
            collected=tuple(sorted(self.collected)),
            deselected=self.deselected,
            reused=frozenset(self.safekeeping.taken),
            read_predictions=lambda: self.predictions,
            read_deployments=lambda: tuple(self.deployments.values()),
        )

    def finish(self, *, width: int) -> int:
        """Make the requested checks, keep what they print, and return the exit status."""
        self.finished = True
        if "options" not in self.__dict__:  # no test of this run was redl's
            return pytest.ExitCode.OK
        self.session_checks = [*self._kept(), *session_checks(self, width=width)]
        for check in self.session_checks:
            for name, words in check.properties.items():
                self.record_property(name, words)
        statuses = [check.status for check in self.session_checks]
        return next((status for status in statuses if status), pytest.ExitCode.OK)

    def _kept(self) -> Iterator[SessionCheck]:
        """Yield why the run could not be saved, if so."""
        self.safekeeping.finish()
        if faults := self.safekeeping.faults:
            yield SessionCheck(
                text="".join(f"{fault}\n" for fault in faults), status=pytest.ExitCode.TESTS_FAILED
            )


SESSION = pytest.StashKey[RedlSession]()
